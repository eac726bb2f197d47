//! A URI inside a message: borrowed, no allocation.

use std::borrow::Cow;
use std::fmt;

use crate::parts::{self, Parts};
use crate::{Headers, Host, HostPort, HostRef, Params, Scheme, SipUri, UriError, unescape};

/// A `sip:`, `sips:` or `tel:` URI that stands in somebody else's buffer.
#[derive(Clone, Copy, Debug)]
pub struct UriRef<'a> {
    text: &'a str,
    parts: Parts,
    host: HostRef<'a>,
}

impl<'a> UriRef<'a> {
    /// Reads a URI; the text is kept as it is. One scan, no allocation.
    ///
    /// # Errors
    /// [`UriError`], by what is wrong; [`UriError::UnsupportedScheme`] when it may be a good URI of another scheme.
    pub fn parse(text: &'a [u8]) -> Result<UriRef<'a>, UriError> {
        if text.len() > crate::MAX_URI_BYTES {
            return Err(UriError::TooLong);
        }
        UriRef::parse_str(std::str::from_utf8(text).map_err(|_| UriError::NotUtf8)?)
    }

    /// The same, from text.
    ///
    /// # Errors
    /// As [`UriRef::parse`].
    pub fn parse_str(text: &'a str) -> Result<UriRef<'a>, UriError> {
        let (parts, host) = parts::parse(text)?;
        Ok(UriRef { text, parts, host })
    }

    pub(crate) fn from_parts(text: &'a str, parts: Parts, host: HostRef<'a>) -> UriRef<'a> {
        UriRef { text, parts, host }
    }

    pub(crate) fn parts(&self) -> Parts {
        self.parts
    }

    /// The URI byte for byte as it came.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The user part as written, or the number of a `tel:` URI.
    #[must_use]
    pub fn user(&self) -> Option<&'a str> {
        self.parts.user.map(|span| span.of(self.text))
    }

    /// The user part with its escapes read.
    #[must_use]
    pub fn user_unescaped(&self) -> Option<Cow<'a, str>> {
        self.user().map(unescape)
    }

    /// The password, which nobody should send.
    #[must_use]
    pub fn password(&self) -> Option<&'a str> {
        self.parts.password.map(|span| span.of(self.text))
    }

    /// The host; an empty name in a `tel:` URI.
    #[must_use]
    pub fn host(&self) -> HostRef<'a> {
        self.host
    }

    /// The port, when one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// Host and port, owned.
    #[must_use]
    pub fn host_port(&self) -> HostPort {
        HostPort { host: self.host.to_host(), port: self.parts.port }
    }

    /// The first parameter of this name (compared without case): `Some(None)` for a flag like `;lr`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All parameters in order, as written.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params_text())
    }

    /// The parameters as one text with their semicolons, `;transport=tcp;ob`; empty when there is none.
    #[must_use]
    pub fn params_text(&self) -> &'a str {
        self.parts.params.of(self.text)
    }

    /// All headers in order, as written.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        Headers::new(self.parts.headers.of(self.text))
    }

    /// Whether the `lr` parameter is there: a loose router, RFC 3261 §19.1.1.
    #[must_use]
    pub fn is_lr(&self) -> bool {
        self.param("lr").is_some()
    }

    /// The `transport` parameter as written.
    #[must_use]
    pub fn transport_param(&self) -> Option<&'a str> {
        self.param("transport").flatten()
    }

    /// Whether both mean the same by RFC 3261 §19.1.4 (`tel:` by RFC 3966 §4). Not transitive.
    #[must_use]
    pub fn equivalent(&self, other: &UriRef<'_>) -> bool {
        crate::equivalence::equivalent(self, other)
    }

    /// An owned copy.
    #[must_use]
    pub fn to_owned(&self) -> SipUri {
        SipUri::from_ref(self)
    }

    /// The canonical host, owned.
    #[must_use]
    pub fn to_host(&self) -> Host {
        self.host.to_host()
    }
}

impl fmt::Display for UriRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

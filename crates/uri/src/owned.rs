//! A URI that is kept: in a binding, a route set, the directory.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::parts::Parts;
use crate::{Headers, Host, HostPort, Params, Scheme, UriError, UriRef};

/// A `sip:`, `sips:` or `tel:` URI.
///
/// Equal, ordered and hashed by its text, written to serde as its text; see [`SipUri::equivalent`] for the comparison
/// of the RFC.
#[derive(Clone)]
pub struct SipUri {
    text: Box<str>,
    parts: Parts,
    host: Host,
}

impl SipUri {
    /// Reads a URI and keeps its text byte for byte.
    ///
    /// # Errors
    /// As [`UriRef::parse`].
    pub fn parse(text: &[u8]) -> Result<SipUri, UriError> {
        UriRef::parse(text).map(|uri| SipUri::from_ref(&uri))
    }

    pub(crate) fn from_ref(uri: &UriRef<'_>) -> SipUri {
        SipUri { text: uri.as_str().into(), parts: uri.parts(), host: uri.to_host() }
    }

    /// The same, borrowed.
    #[must_use]
    pub fn borrow(&self) -> UriRef<'_> {
        UriRef::from_parts(&self.text, self.parts, self.host.borrow())
    }

    /// The URI byte for byte as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The user part as written, or the number of a `tel:` URI.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.borrow().user()
    }

    /// The user part with its escapes read.
    #[must_use]
    pub fn user_unescaped(&self) -> Option<Cow<'_, str>> {
        self.borrow().user_unescaped()
    }

    /// The password, which nobody should send.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.borrow().password()
    }

    /// The host, canonical; an empty name in a `tel:` URI.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, when one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// Host and port, owned.
    #[must_use]
    pub fn host_port(&self) -> HostPort {
        HostPort { host: self.host.clone(), port: self.parts.port }
    }

    /// The first parameter of this name (compared without case): `Some(None)` for a flag like `;lr`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&str>> {
        self.borrow().param(name)
    }

    /// All parameters in order, as written.
    #[must_use]
    pub fn params(&self) -> Params<'_> {
        self.borrow().params()
    }

    /// All headers in order, as written.
    #[must_use]
    pub fn headers(&self) -> Headers<'_> {
        self.borrow().headers()
    }

    /// Whether the `lr` parameter is there: a loose router, RFC 3261 §19.1.1.
    #[must_use]
    pub fn is_lr(&self) -> bool {
        self.borrow().is_lr()
    }

    /// The `transport` parameter as written.
    #[must_use]
    pub fn transport_param(&self) -> Option<&str> {
        self.borrow().transport_param()
    }

    /// Whether both mean the same by RFC 3261 §19.1.4 (`tel:` by RFC 3966 §4). Not transitive.
    #[must_use]
    pub fn equivalent(&self, other: &SipUri) -> bool {
        self.borrow().equivalent(&other.borrow())
    }
}

impl PartialEq for SipUri {
    fn eq(&self, other: &SipUri) -> bool {
        self.text == other.text
    }
}

impl Eq for SipUri {}

impl PartialOrd for SipUri {
    fn partial_cmp(&self, other: &SipUri) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SipUri {
    fn cmp(&self, other: &SipUri) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for SipUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SipUri({})", self.text)
    }
}

impl FromStr for SipUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<SipUri, UriError> {
        SipUri::parse(text.as_bytes())
    }
}

impl AsRef<[u8]> for SipUri {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Serialize for SipUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SipUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SipUri, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

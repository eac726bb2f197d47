//! What single headers say, read when asked.

use uri::{UriError, UriRef};

use super::{HeaderError, Message};
use crate::header::{CSeq, Contact, Name, NameAddr, Via, number};

impl Message {
    /// The topmost Via.
    ///
    /// # Errors
    /// [`HeaderError`] when there is none or it cannot be read.
    pub fn via(&self) -> Result<Via<'_>, HeaderError> {
        Via::parse(self.values(Name::Via).next().ok_or(HeaderError::Missing)?)
    }

    /// The From header.
    ///
    /// # Errors
    /// [`HeaderError`] when there is none or it cannot be read.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(self.header(Name::From).ok_or(HeaderError::Missing)?)
    }

    /// The To header.
    ///
    /// # Errors
    /// [`HeaderError`] when there is none or it cannot be read.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(self.header(Name::To).ok_or(HeaderError::Missing)?)
    }

    /// All contacts, in order, of all Contact lines.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'_>, HeaderError>> {
        self.values(Name::Contact).map(Contact::parse)
    }

    /// The request-URI.
    ///
    /// # Errors
    /// [`UriError`] when it is not a `sip:`, `sips:` or `tel:` URI; always for a response.
    pub fn uri(&self) -> Result<UriRef<'_>, UriError> {
        UriRef::parse(self.request_uri())
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> Option<&[u8]> {
        self.header(Name::CallId)
    }

    /// The CSeq.
    ///
    /// # Errors
    /// [`HeaderError`] when there is none or it cannot be read.
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        CSeq::parse(self.header(Name::CSeq).ok_or(HeaderError::Missing)?)
    }

    /// The Max-Forwards, `None` when there is none.
    ///
    /// # Errors
    /// [`HeaderError::Malformed`] when it is not a number from 0 to 255.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let Some(value) = self.header(Name::MaxForwards) else { return Ok(None) };
        let hops = number(value).and_then(|hops| u8::try_from(hops).ok());
        hops.map(Some).ok_or(HeaderError::Malformed("Max-Forwards"))
    }

    /// The Expires header in seconds; `None` when there is none or it is no number, RFC 3261 §20.19.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.header(Name::Expires).and_then(number)
    }

    /// The Content-Type with its parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<&[u8]> {
        self.header(Name::ContentType)
    }

    /// Whether the Content-Type is this one (`application/sdp`), parameters aside and in any case.
    #[must_use]
    pub fn has_content_type(&self, media_type: &str) -> bool {
        let value = self.content_type().unwrap_or(&[]);
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        value.get(..end).unwrap_or(&[]).trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
    }

    /// Whether a list of tokens holds this one, in any case: `lists(Name::Supported, "100rel")`.
    #[must_use]
    pub fn lists(&self, name: Name, token: &str) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(token.as_bytes()))
    }
}

//! Contacts.

use super::NameAddr;
use crate::message::HeaderError;

/// One value of a Contact header.
#[derive(Clone, Copy, Debug)]
pub enum Contact<'a> {
    /// `*`: all bindings, RFC 3261 §10.2.2.
    Star,
    /// An address, with `q`, `expires`, `+sip.instance` and `reg-id` as methods.
    Addr(NameAddr<'a>),
}

impl<'a> Contact<'a> {
    /// Reads one value.
    ///
    /// # Errors
    /// As [`NameAddr::parse`].
    pub fn parse(value: &'a [u8]) -> Result<Contact<'a>, HeaderError> {
        if value == b"*" { Ok(Contact::Star) } else { NameAddr::parse(value).map(Contact::Addr) }
    }

    /// The address; `None` for `*`.
    #[must_use]
    pub fn addr(&self) -> Option<&NameAddr<'a>> {
        match self {
            Contact::Star => None,
            Contact::Addr(addr) => Some(addr),
        }
    }
}

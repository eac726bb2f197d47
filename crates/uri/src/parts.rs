//! The one scan that finds the parts of a URI in its text.

use serde::{Deserialize, Serialize};

use crate::host::parse_port;
use crate::{HostRef, UriError};

/// The longest URI accepted. Contacts with GRUU, push parameters and a Replaces header stay below 1,000 bytes; the limit
/// is four times that, and keeps every offset in 16 bits.
pub const MAX_URI_BYTES: usize = 4_096;

/// The schemes of telephony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`, RFC 3966
    Tel,
}

impl Scheme {
    /// The scheme as it is written, without the colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Sip => "sip",
            Scheme::Sips => "sips",
            Scheme::Tel => "tel",
        }
    }
}

/// A range of a URI's text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

/// Where the parts of a URI stand in its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) scheme: Scheme,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<Span>,
    pub(crate) password: Option<Span>,
    pub(crate) params: Span,
    pub(crate) headers: Span,
}

impl Span {
    /// From offsets of a text that is at most [`MAX_URI_BYTES`] long.
    fn new(start: usize, end: usize) -> Span {
        Span { start: u16::try_from(start).unwrap_or(0), end: u16::try_from(end).unwrap_or(0) }
    }

    /// The range of `text`; empty when it is not one.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(usize::from(self.start)..usize::from(self.end)).unwrap_or("")
    }
}

/// Finds the parts of `text`.
pub(crate) fn parse(text: &str) -> Result<(Parts, HostRef<'_>), UriError> {
    if text.len() > MAX_URI_BYTES {
        return Err(UriError::TooLong);
    }
    if text.bytes().any(|b| b <= b' ' || matches!(b, 0x7f | b'<' | b'>' | b'"')) {
        return Err(UriError::BadCharacter);
    }
    let colon = text.find(':').ok_or(UriError::NoScheme)?;
    let scheme = parse_scheme(text.get(..colon).unwrap_or(""))?;
    let start = colon + 1;
    if scheme == Scheme::Tel { parse_tel(text, start) } else { parse_sip(text, start, scheme) }
}

fn parse_scheme(text: &str) -> Result<Scheme, UriError> {
    if text.eq_ignore_ascii_case("sip") {
        return Ok(Scheme::Sip);
    }
    if text.eq_ignore_ascii_case("sips") {
        return Ok(Scheme::Sips);
    }
    if text.eq_ignore_ascii_case("tel") {
        return Ok(Scheme::Tel);
    }
    let starts_well = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    let scheme_like = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    Err(if starts_well && scheme_like { UriError::UnsupportedScheme } else { UriError::NoScheme })
}

/// `sip:user:password@host:port;params?headers`, RFC 3261 §19.1.1.
fn parse_sip(text: &str, start: usize, scheme: Scheme) -> Result<(Parts, HostRef<'_>), UriError> {
    let mut at = start;
    let (mut user, mut password) = (None, None);
    // The user part may hold `;` and `?`, but an `@` stands unescaped only behind it: the first one ends it.
    if let Some(length) = text.get(start..).and_then(|rest| rest.find('@')) {
        let end = start + length;
        let colon = text.get(start..end).and_then(|info| info.find(':'));
        let user_end = colon.map_or(end, |colon| start + colon);
        if user_end == start {
            return Err(UriError::NoUser);
        }
        user = Some(Span::new(start, user_end));
        password = colon.map(|colon| Span::new(start + colon + 1, end));
        at = end + 1;
    }
    let host_end = host_end(text, at)?;
    let host = HostRef::parse(text.get(at..host_end).unwrap_or(""))?;
    let mut params_start = host_end;
    let mut port = None;
    if text.as_bytes().get(host_end) == Some(&b':') {
        let rest = text.get(host_end + 1..).unwrap_or("");
        let length = rest.find([';', '?']).unwrap_or(rest.len());
        port = Some(parse_port(rest.get(..length).unwrap_or(""))?);
        params_start = host_end + 1 + length;
    }
    let (params, headers) = tail(text, params_start)?;
    Ok((Parts { scheme, port, user, password, params, headers }, host))
}

/// `tel:number;params`; the number is the user, and the host is empty.
fn parse_tel(text: &str, start: usize) -> Result<(Parts, HostRef<'_>), UriError> {
    let rest = text.get(start..).unwrap_or("");
    let length = rest.find(';').unwrap_or(rest.len());
    let number = rest.get(..length).unwrap_or("");
    let local = number.strip_prefix('+').unwrap_or(number);
    // Global numbers are digits, local ones may hold A-F, `*` and `#`; both may hold visual separators.
    let valid =
        local.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'*' | b'#' | b'-' | b'.' | b'(' | b')'))
            && local.bytes().any(|b| b.is_ascii_hexdigit() || matches!(b, b'*' | b'#'));
    if !valid {
        return Err(UriError::BadNumber);
    }
    let user = Some(Span::new(start, start + length));
    let (params, headers) = (Span::new(start + length, text.len()), Span::default());
    Ok((Parts { scheme: Scheme::Tel, port: None, user, password: None, params, headers }, HostRef::Name("")))
}

/// Where the host that starts at `at` ends: behind the bracket, or before `:`, `;` or `?`.
fn host_end(text: &str, at: usize) -> Result<usize, UriError> {
    let rest = text.get(at..).unwrap_or("");
    if rest.starts_with('[') {
        return rest.find(']').map(|bracket| at + bracket + 1).ok_or(UriError::BadHost);
    }
    Ok(at + rest.find([':', ';', '?']).unwrap_or(rest.len()))
}

/// Parameters and headers from `at` to the end.
fn tail(text: &str, at: usize) -> Result<(Span, Span), UriError> {
    let rest = text.get(at..).unwrap_or("");
    if !rest.is_empty() && !rest.starts_with([';', '?']) {
        return Err(UriError::BadHost);
    }
    Ok(match rest.find('?') {
        None => (Span::new(at, text.len()), Span::default()),
        Some(mark) => (Span::new(at, at + mark), Span::new(at + mark + 1, text.len())),
    })
}

//! An address with an optional display name: From, To, Contact, Route, Refer-To and their kin.

use std::borrow::Cow;

use uri::{UriError, UriRef};

use super::text::{quoted_len, text, trim, trim_start};
use super::{Params, number, unquote};
use crate::message::HeaderError;

/// `"display name" <uri>;param=value`, or `uri;param=value` (where the parameters are the header's, RFC 3261 §20.10).
#[derive(Clone, Copy, Debug)]
pub struct NameAddr<'a> {
    display: &'a str,
    uri: &'a str,
    params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one value.
    ///
    /// # Errors
    /// [`HeaderError`] when it is not UTF-8, a quote or bracket does not close, or there is no URI.
    pub fn parse(value: &'a [u8]) -> Result<NameAddr<'a>, HeaderError> {
        let value = trim(text(value)?);
        let quoted = if value.starts_with('"') {
            quoted_len(value).ok_or(HeaderError::Malformed("a quote that does not close"))?
        } else {
            0
        };
        let rest = value.get(quoted..).unwrap_or("");
        let Some(open) = rest.find('<') else {
            if quoted > 0 {
                return Err(HeaderError::Malformed("a display name without an address in brackets"));
            }
            return NameAddr::bare(value);
        };
        let display = trim(value.get(..quoted + open).unwrap_or(""));
        let inner = rest.get(open + 1..).unwrap_or("");
        let close = inner.find('>').ok_or(HeaderError::Malformed("a bracket that does not close"))?;
        let params = trim_start(inner.get(close + 1..).unwrap_or(""));
        if !params.is_empty() && !params.starts_with(';') {
            return Err(HeaderError::Malformed("text behind the address"));
        }
        NameAddr::checked(display, trim(inner.get(..close).unwrap_or("")), params)
    }

    /// The form without brackets: what follows a semicolon belongs to the header.
    fn bare(value: &'a str) -> Result<NameAddr<'a>, HeaderError> {
        let end = value.find(';').unwrap_or(value.len());
        NameAddr::checked("", trim(value.get(..end).unwrap_or("")), value.get(end..).unwrap_or(""))
    }

    fn checked(display: &'a str, uri: &'a str, params: &'a str) -> Result<NameAddr<'a>, HeaderError> {
        if uri.is_empty() {
            return Err(HeaderError::Malformed("no address"));
        }
        Ok(NameAddr { display, uri, params: Params::new(params) })
    }

    /// The display name, its quotes and escapes read; `None` when there is none.
    #[must_use]
    pub fn display(&self) -> Option<Cow<'a, str>> {
        let name = unquote(self.display);
        (!name.is_empty()).then_some(name)
    }

    /// The display name as it was written, quotes included; empty when there is none.
    #[must_use]
    pub fn display_text(&self) -> &'a str {
        self.display
    }

    /// The URI byte for byte, of whatever scheme.
    #[must_use]
    pub fn uri_text(&self) -> &'a str {
        self.uri
    }

    /// The URI.
    ///
    /// # Errors
    /// [`UriError`] when it is not a `sip:`, `sips:` or `tel:` URI.
    pub fn uri(&self) -> Result<UriRef<'a>, UriError> {
        UriRef::parse_str(self.uri)
    }

    /// The `tag` of a From or To.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.param("tag").flatten().filter(|tag| !tag.is_empty())
    }

    /// The first header parameter of this name, in any case, as written: `Some(None)` for a flag.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params.find(name)
    }

    /// All header parameters in order.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The `expires` of a Contact in seconds; `None` when there is none or it is no number.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.param("expires").flatten().and_then(|value| number(value.as_bytes()))
    }

    /// The `q` of a Contact in thousandths, 0 to 1000; `None` when there is none or it is no such number.
    #[must_use]
    pub fn q_milli(&self) -> Option<u16> {
        q_milli(self.param("q").flatten()?)
    }

    /// The `+sip.instance` of a Contact without its quotes, angle brackets kept: `<urn:uuid:…>`, RFC 5626 §4.1.
    #[must_use]
    pub fn instance(&self) -> Option<Cow<'a, str>> {
        self.param("+sip.instance").flatten().map(unquote).filter(|value| !value.is_empty())
    }

    /// The `reg-id` of a Contact, from 1, RFC 5626 §4.2.
    #[must_use]
    pub fn reg_id(&self) -> Option<u32> {
        self.param("reg-id").flatten().and_then(|value| number(value.as_bytes())).filter(|id| *id > 0)
    }
}

/// `qvalue` of RFC 3261 §25.1 in thousandths.
fn q_milli(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().all(|b| b.is_ascii_digit());
    if fraction.len() > 3 || !digits {
        return None;
    }
    let scale = [1_000, 100, 10, 1].get(fraction.len()).copied().unwrap_or(1);
    let milli = if fraction.is_empty() { 0 } else { fraction.parse::<u16>().ok()? * scale };
    match whole {
        "0" => Some(milli),
        "1" if milli == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> NameAddr<'_> {
        NameAddr::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn quoted_names_with_every_trap() {
        let addr = read(r#""J \"Rosen\" <x>, \\ ;" <sip:jdrosen@example.com;lr?x=y>;tag=98asjd8;x="a;b""#);
        assert_eq!(addr.display().unwrap(), r#"J "Rosen" <x>, \ ;"#);
        assert_eq!(addr.uri_text(), "sip:jdrosen@example.com;lr?x=y");
        assert_eq!(addr.tag(), Some("98asjd8"));
        assert_eq!(addr.param("X"), Some(Some("\"a;b\"")));
    }

    #[test]
    fn without_brackets_parameters_belong_to_the_header() {
        let addr = read("sip:alice@example.com;tag=1;transport=tcp");
        assert_eq!((addr.uri_text(), addr.tag()), ("sip:alice@example.com", Some("1")));
        assert_eq!(addr.param("transport"), Some(Some("tcp")));
        assert!(addr.display().is_none());
    }

    #[test]
    fn blanks_folds_and_tokens() {
        let addr = read("Mr.\r\n Watson  <\tsips:w@example.com > \r\n ; tag = 7");
        assert_eq!(addr.display_text(), "Mr.\r\n Watson");
        assert_eq!((addr.uri_text(), addr.tag()), ("sips:w@example.com", Some("7")));
    }

    #[test]
    fn foreign_schemes_are_kept_as_text() {
        let addr = read("<http://www.example.com/a;b>;purpose=info");
        assert_eq!(addr.uri_text(), "http://www.example.com/a;b");
        assert_eq!(addr.uri().unwrap_err(), UriError::UnsupportedScheme);
        let addr = read("<sip:a@b.example>");
        assert_eq!((addr.tag(), addr.param("tag")), (None, None));
    }

    #[test]
    fn broken_addresses_are_refused() {
        for text in ["", "\"open <sip:a@b>", "<sip:a@b", "<>", "Bob <sip:a@b> x", "\"Bob\" sip:a@b", ";tag=1"]
        {
            assert!(NameAddr::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(NameAddr::parse(b"J\xfcrg <sip:a@b>").unwrap_err(), HeaderError::NotUtf8);
    }

    #[test]
    fn contact_parameters() {
        let addr = read(
            "<sip:a@192.0.2.1;ob>;q=0.75;expires=3600;reg-id=1;+sip.instance=\"<urn:uuid:0C67446E-F1A1-11D9-94D3-000A95A0E128>\"",
        );
        assert_eq!((addr.q_milli(), addr.expires(), addr.reg_id()), (Some(750), Some(3_600), Some(1)));
        assert_eq!(addr.instance().unwrap(), "<urn:uuid:0C67446E-F1A1-11D9-94D3-000A95A0E128>");
        for (q, milli) in [
            ("1", Some(1_000)),
            ("1.000", Some(1_000)),
            ("0.5", Some(500)),
            ("0.", Some(0)),
            ("0.333", Some(333)),
        ] {
            assert_eq!(q_milli(q), milli, "{q}");
        }
        for q in ["", "1.1", "2", "0.1234", ".5", "-0.1", "0.x"] {
            assert_eq!(q_milli(q), None, "{q}");
        }
    }
}

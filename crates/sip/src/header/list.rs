//! Lists of values separated by commas.

use super::Name;

/// The values of one header line, without white space around them; empty ones are skipped.
///
/// A comma inside a quoted string or between angle brackets separates nothing.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    rest: &'a [u8],
    is_list: bool,
}

impl<'a> Values<'a> {
    /// The values of a line that is a list.
    #[must_use]
    pub fn new(value: &'a [u8]) -> Values<'a> {
        Values { rest: value, is_list: memchr::memchr(b',', value).is_some() }
    }

    /// The values of a line of this name: one only when the name is no list.
    #[must_use]
    pub fn of(name: Name, value: &'a [u8]) -> Values<'a> {
        if name.is_list() { Values::new(value) } else { Values { rest: value, is_list: false } }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = if self.is_list { value_end(self.rest) } else { self.rest.len() };
            let value = self.rest.get(..end).unwrap_or(&[]).trim_ascii();
            self.rest = self.rest.get(end + 1..).unwrap_or(&[]);
            if !value.is_empty() {
                return Some(value);
            }
        }
        None
    }
}

/// Where the first value ends: at its comma or at the end.
fn value_end(text: &[u8]) -> usize {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !bracketed => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        Values::new(text.as_bytes()).map(|value| std::str::from_utf8(value).unwrap()).collect()
    }

    #[test]
    fn commas_in_quotes_and_brackets_separate_nothing() {
        assert_eq!(split("a, b ,c"), ["a", "b", "c"]);
        assert_eq!(
            split(r#""Bell, \", A" <sip:a@b;x=1,2>;q=0.5 , <sip:c,d@e>"#),
            [r#""Bell, \", A" <sip:a@b;x=1,2>;q=0.5"#, "<sip:c,d@e>"]
        );
        assert_eq!(split(",, a,\r\n b,"), ["a", "b"]);
        assert_eq!(split(""), Vec::<&str>::new());
        assert_eq!(split("\"open, a"), ["\"open, a"]);
    }

    #[test]
    fn dates_and_credentials_are_not_split() {
        let date = b"Sat, 13 Nov 2010 23:29:00 GMT";
        assert_eq!(Values::of(Name::Date, date).collect::<Vec<_>>(), [&date[..]]);
    }
}

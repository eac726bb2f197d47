//! Header parameters: `;name=value;flag;name="quoted"`.

use super::text::{is_space, quoted_len, trim, trim_start};

/// The parameters of a header value, in order. Values are as written, quotes included; see [`super::unquote`].
#[derive(Clone, Copy, Debug)]
pub struct Params<'a> {
    rest: &'a str,
}

impl<'a> Params<'a> {
    /// `text` begins with the first semicolon, or is empty.
    #[must_use]
    pub fn new(text: &'a str) -> Params<'a> {
        Params { rest: text }
    }

    /// The first parameter of this name, in any case: `Some(None)` for a flag.
    #[must_use]
    pub fn find(self, name: &str) -> Option<Option<&'a str>> {
        let mut params = self;
        params.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The parameters as one text, semicolons included.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.rest
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = (&'a str, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let text = self.rest.trim_start_matches(|c| c == ';' || is_space(c));
            if text.is_empty() {
                self.rest = text;
                return None;
            }
            let name_end = text.find(['=', ';']).unwrap_or(text.len());
            let (name, tail) = text.split_at_checked(name_end)?;
            let name = trim(name);
            let Some(tail) = tail.strip_prefix('=') else {
                self.rest = tail;
                if name.is_empty() { continue } else { return Some((name, None)) }
            };
            let tail = trim_start(tail);
            let end = value_end(tail);
            let (value, rest) = tail.split_at_checked(end)?;
            self.rest = rest;
            if !name.is_empty() {
                return Some((name, Some(trim(value))));
            }
        }
    }
}

/// Where a value ends: at the semicolon behind it, not at one within its quotes.
fn value_end(text: &str) -> usize {
    let quoted = if text.starts_with('"') { quoted_len(text).unwrap_or(text.len()) } else { 0 };
    let rest = text.get(quoted..).unwrap_or("");
    quoted + rest.find(';').unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_folds_quotes_and_flags() {
        let params = Params::new(" ;tag=a ; lr;x = \"b;\\\"c\" \r\n ;;y=;=z;last=1=2");
        let expected = [
            ("tag", Some("a")),
            ("lr", None),
            ("x", Some("\"b;\\\"c\"")),
            ("y", Some("")),
            ("last", Some("1=2")),
        ];
        assert_eq!(params.collect::<Vec<_>>(), expected);
        assert_eq!(params.find("TAG"), Some(Some("a")));
        assert_eq!(params.find("LR"), Some(None));
        assert_eq!(params.find("none"), None);
    }

    #[test]
    fn an_open_quote_takes_the_rest() {
        assert_eq!(Params::new(";a=\"b;c").collect::<Vec<_>>(), [("a", Some("\"b;c"))]);
    }
}

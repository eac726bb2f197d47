//! The parameters (`;name=value`) and headers (`?name=value&…`) of a URI.

/// The parameters of a URI in the order they stand; values are as written, not unescaped.
#[derive(Clone, Debug)]
pub struct Params<'a> {
    rest: &'a str,
}

/// The headers of a URI in the order they stand; values are as written, not unescaped.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    rest: &'a str,
}

impl<'a> Params<'a> {
    /// `text` is what follows the host: `;a;b=c`.
    pub(crate) fn new(text: &'a str) -> Params<'a> {
        Params { rest: text }
    }
}

impl<'a> Headers<'a> {
    /// `text` is what follows the question mark: `a=b&c=d`.
    pub(crate) fn new(text: &'a str) -> Headers<'a> {
        Headers { rest: text }
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = (&'a str, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let item = pop(&mut self.rest, ';')?;
            if !item.is_empty() {
                return Some(item.split_once('=').map_or((item, None), |(name, value)| (name, Some(value))));
            }
        }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let item = pop(&mut self.rest, '&')?;
            if !item.is_empty() {
                return Some(item.split_once('=').unwrap_or((item, "")));
            }
        }
    }
}

/// Takes the text up to the next separator; `None` at the end.
fn pop<'a>(rest: &mut &'a str, separator: char) -> Option<&'a str> {
    if rest.is_empty() {
        return None;
    }
    let (item, tail) = rest.split_once(separator).unwrap_or((rest, ""));
    *rest = tail;
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_values_and_empty_pieces() {
        let params: Vec<_> = Params::new(";lr;a=b;;c=;d=e=f").collect();
        assert_eq!(params, [("lr", None), ("a", Some("b")), ("c", Some("")), ("d", Some("e=f"))]);
        let headers: Vec<_> = Headers::new("a=b&c&d=").collect();
        assert_eq!(headers, [("a", "b"), ("c", ""), ("d", "")]);
    }
}

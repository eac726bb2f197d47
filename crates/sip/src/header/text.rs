//! Numbers, folds and quotes.

use std::borrow::Cow;

use crate::message::HeaderError;

/// A non-negative decimal number; one above 2³² − 1 becomes 2³² − 1. `None` for anything that is not digits only.
#[must_use]
pub fn number(value: &[u8]) -> Option<u32> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u32, |sum, &b| {
        b.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u32::from(b - b'0')))
    })
}

/// A value on one line: each fold (line end and blanks) becomes one blank, RFC 3261 §7.3.1.
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut in_fold = false;
    for &byte in value {
        match byte {
            b'\r' | b'\n' => {
                if !in_fold {
                    while out.last().is_some_and(|b| matches!(b, b' ' | b'\t')) {
                        out.pop();
                    }
                    out.push(b' ');
                }
                in_fold = true;
            }
            b' ' | b'\t' if in_fold => {}
            _ => {
                in_fold = false;
                out.push(byte);
            }
        }
    }
    Cow::Owned(out)
}

/// The content of a quoted string, its escapes read; a text without quotes as it is.
#[must_use]
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"') else { return Cow::Borrowed(text) };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            out.push(c);
            escaped = false;
        }
    }
    Cow::Owned(out)
}

/// A quoted string, its quotes and backslashes escaped.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// A value as text.
pub(crate) fn text(value: &[u8]) -> Result<&str, HeaderError> {
    std::str::from_utf8(value).map_err(|_| HeaderError::NotUtf8)
}

/// Without linear white space (folds are white space) at either end.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Without linear white space in front.
pub(crate) fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// White space of a header value, folds included.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The length of the quoted string `text` begins with, its quotes included; `None` when it does not end.
pub(crate) fn quoted_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_saturate_and_refuse_signs() {
        assert_eq!(number(b"0070"), Some(70));
        assert_eq!(number(b"99999999999999999999"), Some(u32::MAX));
        for text in ["", "-1", "+1", "1 ", "0x1", "1.5"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn folds_become_one_blank() {
        assert_eq!(unfold(b"a \r\n  b\r\n\tc"), &b"a b c"[..]);
        assert_eq!(unfold(b"a  b"), &b"a  b"[..]);
    }

    #[test]
    fn quotes_round_trip() {
        for text in ["", "Bob", "a \"b\" \\ c", "J\u{f6}rg", "\\"] {
            assert_eq!(unquote(&quote(text)), text);
        }
        assert_eq!(unquote("token"), "token");
        assert_eq!(quoted_len(r#""a\"b" <x>"#), Some(6));
        assert_eq!(quoted_len(r#""a\""#), None);
    }
}

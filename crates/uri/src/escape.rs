//! Percent escapes, RFC 3261 §19.1.2.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces `%xx` by the character it stands for. An escape that is not one (`%zz`, or bytes that are no UTF-8) stays
/// as it is written.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match tail {
            [high, low, after @ ..] if first == b'%' => {
                if let (Some(high), Some(low)) = (hex(*high), hex(*low)) {
                    bytes.push(high << 4 | low);
                    rest = after;
                    continue;
                }
                bytes.push(first);
            }
            _ => bytes.push(first),
        }
        rest = tail;
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Writes a user part, escaping what may not stand in one.
#[must_use]
pub fn escape_user(user: &str) -> Cow<'_, str> {
    if user.bytes().all(is_user_byte) {
        return Cow::Borrowed(user);
    }
    let mut out = String::with_capacity(user.len() + 8);
    for byte in user.bytes() {
        if is_user_byte(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

/// `unreserved` and `user-unreserved` of RFC 3261 §25.1.
fn is_user_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte)
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_broken_ones_are_kept() {
        for (text, plain) in [
            ("alice", "alice"),
            ("%61lice", "alice"),
            ("j%c3%b6rg", "jörg"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%4", "%4"),
            ("%ff", "%ff"),
            ("a%00b", "a\0b"),
        ] {
            assert_eq!(unescape(text), plain);
        }
    }

    #[test]
    fn a_written_user_reads_back() {
        for user in ["alice", "a@b", "j%rg", "a:b", "jörg", "100%25", "a;b?c", "#*"] {
            assert_eq!(unescape(&escape_user(user)), user);
        }
        assert_eq!(escape_user("a@b#"), "a%40b%23");
    }
}

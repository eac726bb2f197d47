//! Lines of a description.

use bytes::Bytes;

use crate::limits;
use crate::{SdpError, attributes};

/// One line `x=value`, the value byte-exact without the line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    letter: u8,
    value: Bytes,
}

impl Line {
    /// The letter before the `=`.
    #[must_use]
    pub fn letter(&self) -> char {
        char::from(self.letter)
    }

    /// The value after the `=`.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Name and value of an attribute line: `a=rtcp:53020` is `rtcp` with `53020`, `a=sendonly` has no value.
    #[must_use]
    pub fn attribute(&self) -> Option<(&[u8], Option<&[u8]>)> {
        (self.letter == b'a').then(|| attributes::split(&self.value))
    }

    /// The value as a shared slice.
    pub(crate) fn shared(&self, part: &[u8]) -> Bytes {
        self.value.slice_ref(part)
    }

    /// Appends the line with its line end.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.letter, b'=']);
        out.extend_from_slice(&self.value);
        out.extend_from_slice(b"\r\n");
    }
}

/// Splits a description into lines. Line ends may be CRLF or LF (RFC 4566 §5); empty lines are skipped.
pub(crate) fn split(text: &Bytes) -> Result<Vec<(usize, Line)>, SdpError> {
    if text.len() > limits::MAX_BYTES {
        return Err(SdpError::TooLarge { what: "bytes" });
    }
    let mut lines = Vec::with_capacity(24);
    for (index, raw) in text.split(|byte| *byte == b'\n').enumerate() {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if raw.len() > limits::MAX_LINE_BYTES {
            return Err(SdpError::TooLarge { what: "bytes in a line" });
        }
        if raw.is_empty() {
            continue;
        }
        if lines.len() == limits::MAX_LINES {
            return Err(SdpError::TooLarge { what: "lines" });
        }
        let malformed = SdpError::Malformed { line: index + 1, what: "a letter and =" };
        let [letter, b'=', value @ ..] = raw else { return Err(malformed) };
        if !letter.is_ascii_alphabetic() || value.contains(&0) || value.contains(&b'\r') {
            return Err(malformed);
        }
        lines.push((index + 1, Line { letter: *letter, value: text.slice_ref(value) }));
    }
    Ok(lines)
}

/// Fields of a line: separated by one or more spaces.
pub(crate) fn fields(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b' ').filter(|field| !field.is_empty())
}

/// A decimal number of digits only.
pub(crate) fn number<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

//! The scanner: one pass over the header section, a line at a time.

use memchr::memchr2;

use crate::header::Name;

/// Where one header line stands in its message: 8 bytes, because an index of them is filled for every message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) id: Name,
    /// 0 for a line that is no header: without a colon, or with something in front of it that is no name.
    pub(crate) name_len: u8,
    /// Also where the line begins.
    pub(crate) name: u16,
    pub(crate) value: u16,
    pub(crate) value_len: u16,
}

/// What the scanner found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Line(Line),
    /// The empty line; the body begins at this offset.
    End(usize),
    /// The bytes ended before the empty line.
    Unterminated,
}

/// Walks header lines. Lines end with CRLF or a bare LF, and go on where the next one begins with a blank.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// A CR stood alone inside a line: some peers take it for the end of the line, so it must not be passed on.
    pub(crate) bare_cr: bool,
}

/// The end of a line: where its content stops and where the next line begins.
#[derive(Clone, Copy)]
pub(crate) struct LineEnd {
    pub(crate) content: usize,
    pub(crate) next: usize,
}

impl<'a> Scanner<'a> {
    /// Begins at `at`, behind the start line. `bytes` is at most `limits::MAX_MESSAGE_BYTES` long.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Scanner<'a> {
        Scanner { bytes, at, bare_cr: false }
    }

    /// Where the next line begins.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The next line.
    pub(crate) fn step(&mut self) -> Step {
        let start = self.at;
        match self.bytes.get(start) {
            None => return Step::Unterminated,
            Some(b'\n') => return Step::End(start + 1),
            Some(b'\r') if self.bytes.get(start + 1) == Some(&b'\n') => return Step::End(start + 2),
            Some(_) => {}
        }
        let name_end = token_end(self.bytes, start);
        let colon = skip_blanks(self.bytes, name_end);
        let is_header = name_end > start
            && name_end - start <= crate::limits::MAX_HEADER_NAME_BYTES
            && self.bytes.get(colon) == Some(&b':');
        let value_from = if is_header { colon + 1 } else { start };
        let end = self.folded_end(value_from);
        self.at = end.next;
        let (value, value_end) = trimmed(self.bytes, value_from, end.content);
        let id =
            if is_header { Name::parse(self.bytes.get(start..name_end).unwrap_or(&[])) } else { Name::Other };
        Step::Line(Line {
            id,
            name_len: if is_header { (name_end - start) as u8 } else { 0 },
            name: offset(start),
            value: offset(value),
            value_len: offset(value_end - value),
        })
    }

    /// The end of the line and of all its continuations, RFC 3261 §7.3.1.
    fn folded_end(&mut self, from: usize) -> LineEnd {
        let mut end = line_end(self.bytes, from, &mut self.bare_cr);
        while matches!(self.bytes.get(end.next), Some(b' ' | b'\t')) {
            end = line_end(self.bytes, end.next, &mut self.bare_cr);
        }
        end
    }
}

/// The end of the line that goes on at `from`; the end of the bytes when no line end follows.
pub(crate) fn line_end(bytes: &[u8], from: usize, bare_cr: &mut bool) -> LineEnd {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'\r', b'\n', rest)) {
        at += found;
        if bytes.get(at) == Some(&b'\n') {
            return LineEnd { content: at, next: at + 1 };
        }
        if bytes.get(at + 1) == Some(&b'\n') {
            return LineEnd { content: at, next: at + 2 };
        }
        *bare_cr = true;
        at += 1;
    }
    LineEnd { content: bytes.len(), next: bytes.len() }
}

/// An offset of a message: at most `limits::MAX_MESSAGE_BYTES`, checked before any scan.
pub(crate) const fn offset(at: usize) -> u16 {
    at as u16
}

/// The end of the token that begins at `from`.
pub(crate) fn token_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or(&[]);
    from + rest.iter().position(|&b| !is_token(b)).unwrap_or(rest.len())
}

/// Whether a byte may stand in a token, RFC 3261 §25.1.
pub(crate) const fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = token_table();
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    TOKEN[byte as usize]
}

#[expect(clippy::indexing_slicing, reason = "runs in the compiler, where a wrong index is a compile error")]
const fn token_table() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-.!%*_+`'~";
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
}

fn skip_blanks(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// The range without white space at either end.
fn trimmed(bytes: &[u8], from: usize, to: usize) -> (usize, usize) {
    let (mut start, mut end) = (from, to);
    while start < end && bytes.get(start).is_some_and(is_space) {
        start += 1;
    }
    while end > start && bytes.get(end - 1).is_some_and(is_space) {
        end -= 1;
    }
    (start, end)
}

const fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (Vec<(String, String)>, Step) {
        let bytes = text.as_bytes();
        let mut scanner = Scanner::new(bytes, 0);
        let mut found = Vec::new();
        loop {
            match scanner.step() {
                Step::Line(line) => {
                    let name = &bytes[line.name.into()..][..line.name_len.into()];
                    let value = &bytes[line.value.into()..][..line.value_len.into()];
                    found.push((
                        String::from_utf8_lossy(name).into_owned(),
                        String::from_utf8_lossy(value).into_owned(),
                    ));
                }
                step => return (found, step),
            }
        }
    }

    #[test]
    fn folding_blanks_and_bare_line_feeds() {
        let text = "A: 1\r\nB :\t2 \r\n  3\r\n\t4 \r\nC:5\nD:\r\n 6\r\n\r\nbody";
        let (found, end) = lines(text);
        let expected = [("A", "1"), ("B", "2 \r\n  3\r\n\t4"), ("C", "5"), ("D", "6")];
        assert_eq!(found, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert!(matches!(end, Step::End(body) if &text[body..] == "body"));
    }

    #[test]
    fn a_line_without_colon_spoils_itself_only() {
        let (found, end) = lines("A: 1\r\nno header\r\n: x\r\nZ\u{fc}: y\r\nB: 2\r\n");
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["A", "", "", "", "B"]);
        assert!(matches!(end, Step::Unterminated));
    }

    #[test]
    fn a_lone_carriage_return_is_noticed() {
        let mut scanner = Scanner::new(b"A: 1\rVia: x\r\n\r\n", 0);
        assert!(matches!(scanner.step(), Step::Line(Line { value_len: 8, .. })));
        assert!(scanner.bare_cr);
    }
}

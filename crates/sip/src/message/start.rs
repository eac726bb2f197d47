//! Start lines, RFC 3261 §7.1 and §7.2.

use std::ops::Range;

use super::scan::{line_end, offset, token_end};
use super::{Fault, Method, ParseError, StatusCode};

/// A range of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

/// The start line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    Request { method: Method, text: Span, uri: Span },
    Response { status: StatusCode, reason: Span },
}

/// A start line, where the next line begins, and what is wrong with it though it can be answered.
pub(crate) struct StartLine {
    pub(crate) start: Start,
    pub(crate) next: usize,
    pub(crate) fault: Option<Fault>,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Span {
        Span { start: offset(start), end: offset(end) }
    }

    pub(crate) fn range(self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }

    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.range()).unwrap_or(&[])
    }
}

/// Reads the start line; empty lines in front of it are skipped, RFC 3261 §7.5.
pub(crate) fn parse(bytes: &[u8]) -> Result<StartLine, ParseError> {
    let from = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).ok_or(ParseError::Empty)?;
    let mut bare_cr = false;
    let end = line_end(bytes, from, &mut bare_cr);
    let line = bytes.get(from..end.content).unwrap_or(&[]);
    let is_response = line.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"SIP/"));
    let (start, fault) = if is_response { response(line, from)? } else { request(bytes, line, from)? };
    let fault = fault.or(bare_cr.then_some(Fault::StartLine));
    Ok(StartLine { start, next: end.next, fault })
}

/// `SIP/2.0 SP code SP reason`. A code that is no code leaves nothing to match a transaction with: dropped.
fn response(line: &[u8], from: usize) -> Result<(Start, Option<Fault>), ParseError> {
    let version_end = line.iter().position(|&b| b == b' ').ok_or(ParseError::StartLine)?;
    let code = line.get(version_end + 1..version_end + 4).ok_or(ParseError::StartLine)?;
    let code_end = version_end + 4;
    let reason = match line.get(code_end) {
        None => code_end,
        Some(b' ') => code_end + 1,
        Some(_) => return Err(ParseError::StartLine),
    };
    let mut number = 0u16;
    for digit in code {
        if !digit.is_ascii_digit() {
            return Err(ParseError::StartLine);
        }
        number = number * 10 + u16::from(digit - b'0');
    }
    let status = StatusCode::new(number).ok_or(ParseError::StartLine)?;
    let fault = version_fault(line.get(..version_end).unwrap_or(&[]));
    Ok((Start::Response { status, reason: Span::new(from + reason, from + line.len()) }, fault))
}

/// `method SP uri SP SIP/2.0`. The URI is all between the first and the last blank, so that a request with blanks in it
/// can be answered 400; without a SIP version at the end it is some other protocol: dropped.
fn request(bytes: &[u8], line: &[u8], from: usize) -> Result<(Start, Option<Fault>), ParseError> {
    let method_end = token_end(bytes, from);
    let method_len = method_end - from;
    if method_len == 0 || method_len > crate::limits::MAX_METHOD_BYTES || bytes.get(method_end) != Some(&b' ')
    {
        return Err(ParseError::StartLine);
    }
    let whole = line.trim_ascii_end();
    let blank =
        whole.iter().rposition(|&b| b == b' ').filter(|&at| at > method_len).ok_or(ParseError::StartLine)?;
    let version = whole.get(blank + 1..).unwrap_or(&[]);
    if !version.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"SIP/")) {
        return Err(ParseError::StartLine);
    }
    let uri = line.get(method_len + 1..blank).unwrap_or(&[]);
    let blanks = whole.len() < line.len() || uri.iter().any(|&b| b == b' ' || b == b'\t');
    let fault = version_fault(version).or(blanks.then_some(Fault::StartLine));
    let method = Method::parse(line.get(..method_len).unwrap_or(&[]));
    let text = Span::new(from, method_end);
    Ok((Start::Request { method, text, uri: Span::new(method_end + 1, from + blank) }, fault))
}

fn version_fault(version: &[u8]) -> Option<Fault> {
    (!version.eq_ignore_ascii_case(b"SIP/2.0")).then_some(Fault::Version)
}

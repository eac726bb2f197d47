//! A message: its bytes and an index of where its headers stand.

mod build;
mod edit;
mod error;
mod method;
pub(crate) mod scan;
mod shard;
mod start;
mod status;
mod typed;
mod validate;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smallvec::SmallVec;

use crate::header::{Name, Values};
use crate::limits;

pub use build::Builder;
pub use edit::EditList;
pub(crate) use error::Fault;
pub use error::{HeaderError, ParseError, Refusal};
pub use method::Method;
pub use shard::{call_id_for_shard, scan_call_id, shard_of};
pub use status::StatusCode;

use scan::{Line, Scanner, Step};
use start::Start;

/// A SIP message: one buffer and an index of its header lines.
///
/// Parsing makes no copy and no allocation (up to [`limits::INLINE_HEADERS`] lines). Nothing is rendered anew: what is
/// not asked for is neither read nor changed. Written to serde as its bytes.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    index: SmallVec<[Line; limits::INLINE_HEADERS]>,
    start: Start,
    fault: Option<Fault>,
    /// Where the first header line begins.
    headers: u16,
    /// Where the empty line begins: the end of the last header line.
    headers_end: u16,
    body: u16,
    body_end: u16,
}

/// One header line as it stands in its message.
#[derive(Clone, Copy, Debug)]
pub struct HeaderLine<'a> {
    /// The name, when it is known.
    pub name: Name,
    /// The name as it was written; empty for a line that is no header.
    pub text: &'a [u8],
    /// The value without white space around it, folds kept.
    pub value: &'a [u8],
    /// The whole line with its line end.
    pub raw: &'a [u8],
}

impl Message {
    /// Reads a datagram or one framed message.
    ///
    /// Without a Content-Length the body is the rest of the bytes, RFC 3261 §18.3. Whatever is wrong but can be
    /// answered (a Content-Length larger than the datagram, a line that is no header) is kept for
    /// [`Message::validate`].
    ///
    /// # Errors
    /// [`ParseError`] when there is nothing to answer: no SIP start line, or too large.
    pub fn parse(bytes: Bytes) -> Result<Message, ParseError> {
        if bytes.len() > limits::MAX_MESSAGE_BYTES {
            return Err(ParseError::TooLarge);
        }
        let line = start::parse(&bytes)?;
        let headers = scan::offset(line.next);
        let len = scan::offset(bytes.len());
        let mut message = Message {
            bytes,
            index: SmallVec::new(),
            start: line.start,
            fault: line.fault,
            headers,
            headers_end: headers,
            body: len,
            body_end: len,
        };
        message.fill_index();
        Ok(message)
    }

    /// Scans the header section into the index and finds the body.
    fn fill_index(&mut self) {
        let mut scanner = Scanner::new(&self.bytes, self.headers.into());
        let mut length = Length::Absent;
        let mut spoiled = false;
        loop {
            let at = scanner.position();
            match scanner.step() {
                Step::Line(_) if self.index.len() == limits::MAX_HEADERS => {
                    self.headers_end = scan::offset(at);
                    self.fault = self.fault.or(Some(Fault::TooManyHeaders));
                    return;
                }
                Step::Line(line) => {
                    spoiled |= line.name_len == 0;
                    if line.id == Name::ContentLength {
                        let value =
                            usize::from(line.value)..usize::from(line.value) + usize::from(line.value_len);
                        length = length.and(self.bytes.get(value).unwrap_or(&[]));
                    }
                    self.index.push(line);
                }
                Step::End(body) => {
                    self.headers_end = scan::offset(at);
                    self.body = scan::offset(body);
                    break;
                }
                Step::Unterminated => {
                    self.headers_end = scan::offset(at);
                    self.fault = self.fault.or(Some(Fault::Unterminated));
                    return;
                }
            }
        }
        let rest = self.bytes.len() - usize::from(self.body);
        let fault = match length {
            Length::Absent => None,
            Length::Is(length) if length <= rest => {
                self.body_end = scan::offset(usize::from(self.body) + length);
                None
            }
            Length::Is(_) => Some(Fault::Truncated),
            Length::Unclear => Some(Fault::ContentLength),
        };
        let spoiled = (spoiled || scanner.bare_cr).then_some(Fault::HeaderLine);
        self.fault = self.fault.or(fault).or(spoiled);
    }

    /// The bytes as they came.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether it is a request (and not a response).
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The method of a request; `None` for a response.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        match self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The method of a request as it was written; empty for a response.
    #[must_use]
    pub fn method_text(&self) -> &str {
        match self.start {
            Start::Request { text, .. } => std::str::from_utf8(text.of(&self.bytes)).unwrap_or(""),
            Start::Response { .. } => "",
        }
    }

    /// The status of a response; `None` for a request.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase of a response byte for byte; empty for a request.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        match self.start {
            Start::Request { .. } => &[],
            Start::Response { reason, .. } => reason.of(&self.bytes),
        }
    }

    /// The request-URI byte for byte; empty for a response.
    #[must_use]
    pub fn request_uri(&self) -> &[u8] {
        match self.start {
            Start::Request { uri, .. } => uri.of(&self.bytes),
            Start::Response { .. } => &[],
        }
    }

    /// The value of the first line of this name, without white space around it. Folds stay inside; see
    /// [`crate::header::unfold`].
    #[must_use]
    pub fn header(&self, name: Name) -> Option<&[u8]> {
        self.index.iter().find(|line| line.id == name).map(|line| self.value(line))
    }

    /// The values of all lines of this name, in order, one per line.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.index.iter().filter(move |line| line.id == name).map(|line| self.value(line))
    }

    /// All values of this name, in order: several in a line are split at their commas (not at those in quotes or
    /// angle brackets, and not in headers that are no lists, [`Name::is_list`]).
    pub fn values(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.headers(name).flat_map(move |value| Values::of(name, value))
    }

    /// The value of the first line whose name is this text, in any case; meant for names that [`Name`] does not know.
    #[must_use]
    pub fn other(&self, name: &str) -> Option<&[u8]> {
        self.lines().find(|line| line.text.eq_ignore_ascii_case(name.as_bytes())).map(|line| line.value)
    }

    /// All header lines in order, byte for byte.
    pub fn lines(&self) -> impl Iterator<Item = HeaderLine<'_>> {
        let ends = self.index.iter().skip(1).map(|next| next.name).chain([self.headers_end]);
        self.index.iter().zip(ends).map(|(line, end)| {
            let start = usize::from(line.name);
            HeaderLine {
                name: line.id,
                text: self.bytes.get(start..start + usize::from(line.name_len)).unwrap_or(&[]),
                value: self.value(line),
                raw: self.bytes.get(start..end.into()).unwrap_or(&[]),
            }
        })
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.body.into()..self.body_end.into()).unwrap_or(&[])
    }

    /// The body as a slice that shares (and so keeps) the message's buffer.
    #[must_use]
    pub fn body_bytes(&self) -> Bytes {
        self.bytes.slice(usize::from(self.body)..usize::from(self.body_end))
    }

    /// The start line with its line end.
    fn start_line(&self) -> &[u8] {
        let from = self.bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(0);
        self.bytes.get(from..self.headers.into()).unwrap_or(&[])
    }

    /// The empty line and the body.
    fn empty_line_and_body(&self) -> &[u8] {
        self.bytes.get(self.headers_end.into()..self.body_end.into()).unwrap_or(&[])
    }

    fn value(&self, line: &Line) -> &[u8] {
        let start = usize::from(line.value);
        self.bytes.get(start..start + usize::from(line.value_len)).unwrap_or(&[])
    }
}

/// What the Content-Length lines of a message say together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Absent,
    Is(usize),
    /// Not a number, or two lines that differ: whoever reads another one sees another message.
    Unclear,
}

impl Length {
    /// With one more line.
    pub(crate) fn and(self, value: &[u8]) -> Length {
        match (self, crate::header::number(value)) {
            (Length::Absent, Some(length)) => Length::Is(length as usize),
            (Length::Is(before), Some(length)) if before == length as usize => self,
            _ => Length::Unclear,
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            Start::Request { .. } => write!(f, "Message({}, {} bytes)", self.method_text(), self.bytes.len()),
            Start::Response { status, .. } => write!(f, "Message({status}, {} bytes)", self.bytes.len()),
        }
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Message) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Message {}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Message, D::Error> {
        Message::parse(Bytes::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

//! Messages on a stream: where one ends and the next begins, RFC 3261 §18.3 and RFC 5626 §3.5.1.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use crate::limits::{IDLE_BUFFER_BYTES, MAX_HEADER_SECTION_BYTES, MAX_MESSAGE_BYTES};
use crate::message::Length;
use crate::message::scan::{Scanner, Step, line_end};

/// What stands next on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One message, in a buffer of its own.
    Message(Bytes),
    /// CRLF CRLF: a keep-alive, to be answered with one CRLF.
    Ping,
    /// CRLF: the answer to our keep-alive (or a stray line end in front of a message).
    Pong,
}

/// Why a stream cannot be read on. What follows has no known beginning, so the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// No empty line within [`MAX_HEADER_SECTION_BYTES`].
    #[error("no end of headers within {MAX_HEADER_SECTION_BYTES} bytes")]
    HeadersTooLarge,
    /// Headers and body exceed [`MAX_MESSAGE_BYTES`].
    #[error("message of more than {MAX_MESSAGE_BYTES} bytes")]
    MessageTooLarge,
    /// A Content-Length that is no number, or two that differ.
    #[error("no valid Content-Length")]
    ContentLength,
}

/// Cuts a stream into messages: `push` what was read, then call `next` until it gives `None`.
///
/// Holds no more than one unfinished message besides what was pushed last, and no buffer at all between messages.
#[derive(Debug, Default)]
pub struct StreamFramer {
    buffer: BytesMut,
    /// Up to here there is no end of headers.
    scanned: usize,
    /// The length of the message whose headers are complete.
    total: Option<usize>,
    /// The last frame was a lone CRLF at the end of what had come: another one makes the two a ping.
    half_ping: bool,
}

impl StreamFramer {
    /// A framer for a new connection.
    #[must_use]
    pub fn new() -> StreamFramer {
        StreamFramer::default()
    }

    /// Adds bytes read from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// How many bytes wait for the rest of their message.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The next frame, `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`FramingError`]; the connection is to be closed.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would end at its first `None`; this one goes on"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, FramingError> {
        if self.total.is_none() && self.scanned == 0 {
            match self.keep_alive() {
                KeepAlive::Frame(frame) => return Ok(Some(frame)),
                KeepAlive::Wait => return Ok(None),
                KeepAlive::Message => self.half_ping = false,
            }
        }
        let total = match self.total {
            Some(total) => total,
            None => match self.headers_end()? {
                Some(end) => self.total_length(end)?,
                None => return Ok(None),
            },
        };
        if self.buffer.len() < total {
            self.total = Some(total);
            return Ok(None);
        }
        // Copied out: a message that is kept must not keep what was read with it.
        let message = Bytes::copy_from_slice(self.buffer.get(..total).unwrap_or(&[]));
        self.advance(total);
        Ok(Some(Frame::Message(message)))
    }

    /// Looks for line ends in front of a message.
    fn keep_alive(&mut self) -> KeepAlive {
        loop {
            let frame = match *self.buffer {
                [] | [b'\r'] => return KeepAlive::Wait,
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    self.advance(4);
                    Frame::Ping
                }
                // Another CRLF may be under way; it may just as well be a pong, which cannot wait for it.
                [b'\r', b'\n', b'\r'] => return KeepAlive::Wait,
                [b'\r', b'\n', ..] => {
                    self.advance(2);
                    if self.half_ping { Frame::Ping } else { Frame::Pong }
                }
                [b'\r' | b'\n', ..] => {
                    self.advance(1);
                    continue;
                }
                _ => return KeepAlive::Message,
            };
            self.half_ping = frame == Frame::Pong && self.buffer.is_empty();
            return KeepAlive::Frame(frame);
        }
    }

    /// Where the headers end (behind the empty line), searching on from where the last search stopped.
    fn headers_end(&mut self) -> Result<Option<usize>, FramingError> {
        let mut at = self.scanned;
        let end = loop {
            let Some(found) = self.buffer.get(at..).and_then(|rest| memchr(b'\n', rest)) else {
                self.scanned = self.buffer.len();
                break None;
            };
            at += found;
            match self.buffer.get(at + 1..).unwrap_or(&[]) {
                [b'\n', ..] => break Some(at + 2),
                [b'\r', b'\n', ..] => break Some(at + 3),
                [] | [b'\r'] => {
                    self.scanned = at;
                    break None;
                }
                _ => at += 1,
            }
        };
        if end.unwrap_or(self.scanned) > MAX_HEADER_SECTION_BYTES {
            return Err(FramingError::HeadersTooLarge);
        }
        Ok(end)
    }

    /// The length of the message whose headers end at `end`. A missing Content-Length means no body: on a stream there
    /// is no other end.
    fn total_length(&self, end: usize) -> Result<usize, FramingError> {
        let head = self.buffer.get(..end).unwrap_or(&[]);
        let first_line = line_end(head, 0, &mut false);
        let mut scanner = Scanner::new(head, first_line.next);
        let mut length = Length::Absent;
        while let Step::Line(line) = scanner.step() {
            if line.id == crate::header::Name::ContentLength {
                let value = usize::from(line.value)..usize::from(line.value) + usize::from(line.value_len);
                length = length.and(head.get(value).unwrap_or(&[]));
            }
        }
        let total = match length {
            Length::Absent => end,
            Length::Is(length) => end.saturating_add(length),
            Length::Unclear => return Err(FramingError::ContentLength),
        };
        if total > MAX_MESSAGE_BYTES { Err(FramingError::MessageTooLarge) } else { Ok(total) }
    }

    fn advance(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
        self.scanned = 0;
        self.total = None;
        if self.buffer.is_empty() && self.buffer.capacity() > IDLE_BUFFER_BYTES {
            self.buffer = BytesMut::new();
        }
    }
}

/// What the line ends in front of a message are.
enum KeepAlive {
    Frame(Frame),
    Wait,
    Message,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"MESSAGE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nl:\r\n 5\r\n\r\nhello";
    const NO_BODY: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 2\r\n\r\n";

    fn frames(framer: &mut StreamFramer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next().unwrap()).collect()
    }

    fn message(bytes: &'static [u8]) -> Frame {
        Frame::Message(Bytes::from_static(bytes))
    }

    #[test]
    fn any_cut_gives_the_same_messages() {
        let stream = [MESSAGE, NO_BODY, b"\r\n\r\n", MESSAGE].concat();
        let expected = [message(MESSAGE), message(NO_BODY), Frame::Ping, message(MESSAGE)];
        for size in [1, 2, 3, 7, 50, 1_000] {
            let mut framer = StreamFramer::new();
            let mut found = Vec::new();
            for chunk in stream.chunks(size) {
                framer.push(chunk);
                found.extend(frames(&mut framer));
            }
            // Byte by byte, the first half of a ping looks like a pong.
            found.retain(|frame| *frame != Frame::Pong);
            assert_eq!(found, expected, "chunks of {size}");
            assert_eq!(framer.buffered(), 0);
        }
    }

    #[test]
    fn pings_and_pongs() {
        let mut framer = StreamFramer::new();
        framer.push(b"\r\n");
        assert_eq!(frames(&mut framer), [Frame::Pong]);
        framer.push(b"\r\n");
        assert_eq!(frames(&mut framer), [Frame::Ping]);
        framer.push(b"\r\n\r\n\r\n\r\n");
        assert_eq!(frames(&mut framer), [Frame::Ping, Frame::Ping]);
        framer.push(b"\r");
        assert_eq!(frames(&mut framer), []);
        framer.push(b"\n");
        framer.push(NO_BODY);
        assert_eq!(frames(&mut framer), [Frame::Pong, message(NO_BODY)]);
    }

    #[test]
    fn unclear_lengths_close_the_connection() {
        for lengths in ["Content-Length: 5\r\nl: 6", "Content-Length: -1", "Content-Length:", "l: 1 2"] {
            let mut framer = StreamFramer::new();
            framer.push(format!("OPTIONS sip:a SIP/2.0\r\n{lengths}\r\n\r\n").as_bytes());
            assert_eq!(framer.next(), Err(FramingError::ContentLength), "{lengths}");
        }
        let mut framer = StreamFramer::new();
        framer.push(b"OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(frames(&mut framer).len(), 1);
    }

    #[test]
    fn sizes_are_bounded() {
        let mut framer = StreamFramer::new();
        framer.push(b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 70000\r\n\r\n");
        assert_eq!(framer.next(), Err(FramingError::MessageTooLarge));
        let mut framer = StreamFramer::new();
        framer.push(&vec![b'a'; MAX_HEADER_SECTION_BYTES + 1]);
        assert_eq!(framer.next(), Err(FramingError::HeadersTooLarge));
        let mut framer = StreamFramer::new();
        framer.push(b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n");
        assert_eq!(framer.next(), Err(FramingError::MessageTooLarge));
    }

    #[test]
    fn no_buffer_is_kept_between_messages() {
        let mut framer = StreamFramer::new();
        let body = vec![b'x'; 20_000];
        framer.push(b"MESSAGE sip:a SIP/2.0\r\nl: 20000\r\n\r\n");
        framer.push(&body);
        assert_eq!(frames(&mut framer).len(), 1);
        assert!(framer.buffer.capacity() <= IDLE_BUFFER_BYTES);
    }
}

//! Why a message is dropped or refused.

use super::StatusCode;

/// Why bytes are no SIP message at all: nothing can be answered, so they are dropped and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing but line ends: a keep-alive.
    #[error("no message, only line ends")]
    Empty,
    /// Larger than [`crate::limits::MAX_MESSAGE_BYTES`].
    #[error("larger than {} bytes", crate::limits::MAX_MESSAGE_BYTES)]
    TooLarge,
    /// The first line is neither a SIP request line nor a status line.
    #[error("no SIP start line")]
    StartLine,
}

/// What is wrong with a message that could still be indexed; [`crate::Message::validate`] turns it into a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A SIP version other than 2.0.
    Version,
    /// Blanks where the request line may have none, or a CR inside.
    StartLine,
    /// A header line without a name and a colon, or with a CR inside.
    HeaderLine,
    /// More lines than [`crate::limits::MAX_HEADERS`].
    TooManyHeaders,
    /// The bytes end before the empty line.
    Unterminated,
    /// A Content-Length that is no number, or two that differ.
    ContentLength,
    /// A Content-Length larger than the rest of the datagram, RFC 3261 §18.3.
    Truncated,
}

/// The answer to a message that is understood well enough to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status to answer a request with. A response that is refused is dropped.
    pub status: StatusCode,
    /// A reason phrase that tells the peer's operator what is wrong.
    pub reason: &'static str,
}

/// Why a header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The message has no such header.
    #[error("missing")]
    Missing,
    /// Its value is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Its value is not of its grammar; the text says which part.
    #[error("malformed: {0}")]
    Malformed(&'static str),
}

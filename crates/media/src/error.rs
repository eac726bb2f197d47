//! What can go wrong.

use std::io;
use std::ops::RangeInclusive;

/// Why the media plane refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// All port pairs are in use, released a moment ago, or bound by other programs.
    #[error(
        "no free pair of media ports in {}-{}: {in_use} of {pairs} pairs in use; widen [media] ports",
        ports.start(), ports.end()
    )]
    NoFreePort {
        /// The configured range.
        ports: RangeInclusive<u16>,
        /// Pairs in the range.
        pairs: usize,
        /// Pairs that hold a session.
        in_use: usize,
    },
    /// The worker's queue is full: it is behind.
    #[error("the media worker is busy")]
    Busy,
    /// The session was released, or never was.
    #[error("no such media session")]
    UnknownSession,
    /// The peer belongs to another worker: it was reserved with another group.
    #[error("the peer session was reserved in another group")]
    OtherGroup,
    /// The port range holds no even port with an odd one above.
    #[error("the media port range {}-{} holds no pair of ports", .0.start(), .0.end())]
    NoPorts(RangeInclusive<u16>),
    /// The operating system refused a socket.
    #[error("cannot open a media socket: {0}")]
    Socket(#[source] io::Error),
    /// The operating system refused a thread, its epoll, or randomness.
    #[error("cannot start the media workers: {0}")]
    Start(#[source] io::Error),
}

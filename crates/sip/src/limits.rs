//! The bounds of the message layer, each with its reason.

/// The largest message, in bytes. No UDP datagram is larger, SDP with every codec and candidate stays below 20 kB, and
/// every offset of the header index fits 16 bits. What is larger is refused with 513.
pub const MAX_MESSAGE_BYTES: usize = 65_535;

/// The largest body, in bytes: half a message. Larger ones are refused with 413; files go by HTTP.
pub const MAX_BODY_BYTES: usize = 32_768;

/// The largest start line plus headers on a stream, in bytes, before the connection is given up: a peer that never
/// sends the empty line must not fill a buffer of [`MAX_MESSAGE_BYTES`] on each of 10,000 connections.
pub const MAX_HEADER_SECTION_BYTES: usize = 32_768;

/// The most header lines of one message. An INVITE through five proxies of an IMS core has about 60.
pub const MAX_HEADERS: usize = 256;

/// Header lines indexed without an allocation. An INVITE of a phone or a browser has 15 to 30.
pub const INLINE_HEADERS: usize = 48;

/// The longest header name, in bytes: its length is kept in 8 bits.
pub const MAX_HEADER_NAME_BYTES: usize = 255;

/// The longest method, in bytes. The longest registered one has nine, the longest of RFC 4475 has 43.
pub const MAX_METHOD_BYTES: usize = 64;

/// The largest sequence number a CSeq may hold, RFC 3261 §8.1.1.5.
pub const MAX_CSEQ: u32 = 0x7fff_ffff;

/// How much empty buffer a stream connection keeps between messages, in bytes: one ordinary message.
pub const IDLE_BUFFER_BYTES: usize = 2_048;

/// Nonces whose request counts are remembered: about 100 bytes each, so 13 MB. At most one per registered device and
/// nonce lifetime; when there are more, the oldest is forgotten and its owner is challenged again.
pub const MAX_NONCES: usize = 131_072;

/// How far behind the highest `nc` a late request of the same nonce may be. Phones send at most a few at once.
pub const NC_WINDOW: u32 = 64;

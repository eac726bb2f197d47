//! Limits on what a peer may send.

/// The longest description, in bytes: browsers with many ICE candidates send up to 10 KiB.
pub const MAX_BYTES: usize = 32 * 1024;
/// The longest line, in bytes: the longest seen are `a=fmtp` and `a=fingerprint` lines below 1 KiB.
pub const MAX_LINE_BYTES: usize = 4 * 1024;
/// The most lines: a browser's description with video has about 200.
pub const MAX_LINES: usize = 1_000;
/// The most media descriptions: an answer must repeat each of them.
pub const MAX_MEDIAS: usize = 32;
/// The most formats of one media description: payload types end at 127.
pub const MAX_FORMATS: usize = 128;

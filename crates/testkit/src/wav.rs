//! Recordings of other programs.

use std::path::Path;

/// The samples of a PCM file with 16 bits and one channel, and their rate.
///
/// # Panics
/// When it is anything else.
pub(crate) fn read_wav(path: &Path) -> (Vec<i16>, u32) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE"), "not a WAV file");
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let (mut at, mut rate) = (12, 0);
    while at + 8 <= bytes.len() {
        let (size, content) = (usize::try_from(u32_at(at + 4)).unwrap(), at + 8);
        match &bytes[at..at + 4] {
            b"fmt " => {
                let format = (u16_at(content), u16_at(content + 2), u16_at(content + 14));
                assert_eq!(format, (1, 1, 16), "PCM, one channel, 16 bits");
                rate = u32_at(content + 4);
            }
            b"data" => {
                let end = (content + size).min(bytes.len());
                let pairs = bytes[content..end].chunks_exact(2);
                return (pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect(), rate);
            }
            _ => {}
        }
        at = content + size + size % 2;
    }
    panic!("{} has no samples", path.display());
}

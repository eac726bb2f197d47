//! Which worker owns a message: by its Call-ID.

use std::fmt::Write;

use clock::Random;
use memchr::memchr;

use super::scan::{Scanner, Step, line_end};
use crate::header::Name;
use crate::limits;

/// Our Call-IDs: `x`, the shard in four hexadecimal digits, `-`, 128 random bits in 32.
const OURS_BYTES: usize = 38;
const DASH_AT: usize = 5;

/// A Call-ID of our own: unguessable, and read back by [`shard_of`] as this shard.
#[must_use]
pub fn call_id_for_shard(random: &mut Random, shard: u16) -> String {
    let mut text = String::with_capacity(OURS_BYTES);
    // Writing to a String cannot fail.
    let _ = write!(text, "x{shard:04x}-{:016x}{:016x}", random.u64(), random.u64());
    text
}

/// The shard that owns a Call-ID, below `shards`: the encoded one of our own, a stable hash for others. 0 when `shards`
/// is 0.
#[must_use]
pub fn shard_of(call_id: &[u8], shards: usize) -> usize {
    if shards <= 1 {
        return 0;
    }
    match encoded_shard(call_id) {
        Some(shard) => usize::from(shard) % shards,
        // The high half of the product spreads a good hash evenly over any number of shards.
        None => ((u128::from(stable_hash(call_id)) * shards as u128) >> 64) as usize,
    }
}

fn encoded_shard(call_id: &[u8]) -> Option<u16> {
    if call_id.len() != OURS_BYTES || call_id.get(DASH_AT) != Some(&b'-') {
        return None;
    }
    let digits = call_id.strip_prefix(b"x")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// FNV-1a with a final mix: the same in every process and version, so a restart keeps calls where they are.
fn stable_hash(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = bytes.iter().fold(OFFSET, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(PRIME));
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

/// The Call-ID of a datagram that nobody has parsed: what `Message::call_id` would say.
///
/// Looks at the first letter of each line and reads only those that may be the one.
#[must_use]
pub fn scan_call_id(datagram: &[u8]) -> Option<&[u8]> {
    if datagram.len() > limits::MAX_MESSAGE_BYTES {
        return None;
    }
    let start = datagram.iter().position(|b| !matches!(b, b'\r' | b'\n'))?;
    let mut at = line_end(datagram, start, &mut false).next;
    loop {
        match datagram.get(at)? {
            b'i' | b'I' | b'c' | b'C' => {
                let mut scanner = Scanner::new(datagram, at);
                if let Step::Line(line) = scanner.step()
                    && line.id == Name::CallId
                {
                    let start = usize::from(line.value);
                    return datagram.get(start..start + usize::from(line.value_len));
                }
            }
            b'\n' => return None,
            b'\r' if datagram.get(at + 1) == Some(&b'\n') => return None,
            _ => {}
        }
        at += memchr(b'\n', datagram.get(at..)?)? + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_call_ids_come_back_to_their_shard() {
        let mut random = Random::seeded(1);
        for shard in [0u16, 1, 7, 255, 4_095] {
            let call_id = call_id_for_shard(&mut random, shard);
            assert_eq!(call_id.len(), OURS_BYTES);
            assert_eq!(shard_of(call_id.as_bytes(), 8), usize::from(shard) % 8);
            assert_eq!(shard_of(call_id.as_bytes(), 5_000), usize::from(shard));
        }
        assert_ne!(call_id_for_shard(&mut random, 1), call_id_for_shard(&mut random, 1));
    }

    #[test]
    fn others_are_spread_evenly_and_for_ever_alike() {
        let mut counts = [0u32; 6];
        for n in 0..6_000 {
            counts[shard_of(format!("{n}-4711@192.0.2.1").as_bytes(), 6)] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
        assert_eq!(
            stable_hash(b"a84b4c76e66710@pc33.atlanta.com"),
            stable_hash(b"a84b4c76e66710@pc33.atlanta.com")
        );
        assert_eq!(shard_of(b"anything", 0), 0);
    }

    #[test]
    fn the_call_id_is_found_before_any_parse() {
        for (text, call_id) in [
            (
                "\r\nOPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\nContact: x\r\ncall-id :  a@b \r\n\r\n",
                Some("a@b"),
            ),
            ("OPTIONS sip:a SIP/2.0\nI:\n  folded\nX: y\n\n", Some("folded")),
            ("OPTIONS sip:a SIP/2.0\r\nX: y\r\n i: not this\r\n\r\ni: nor this\r\n", None),
            ("OPTIONS sip:a SIP/2.0", None),
            ("", None),
        ] {
            assert_eq!(scan_call_id(text.as_bytes()), call_id.map(str::as_bytes), "{text}");
        }
    }
}

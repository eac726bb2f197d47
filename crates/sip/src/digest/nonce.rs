//! Nonces that need no memory: a time, a salt, and our signature over both.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::Time;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Time of issue in nanoseconds (8), salt (8), signature (16).
const NONCE_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// How far in the future a nonce of ours may lie: another node of the cluster may have a faster clock.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(30);

/// The key that signs nonces. Nodes that share it accept each other's nonces.
#[derive(Clone)]
pub struct NonceKey(Hmac<Sha256>);

/// What a nonce that came back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceState {
    /// Ours and young enough.
    Fresh,
    /// Ours but too old: challenge again with `stale=true`.
    Stale,
    /// Not ours: challenge again, without `stale`.
    Foreign,
}

/// What a nonce of ours says. Ordered by the time of issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct NonceId {
    pub(crate) issued: Time,
    pub(crate) salt: u64,
}

impl NonceKey {
    /// From 32 secret bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> NonceKey {
        NonceKey(Hmac::new(&hmac_block(key)))
    }

    /// A new nonce. `salt` is random: two nonces of one instant must differ, or their request counts would be mixed.
    #[must_use]
    pub fn issue(&self, now: Time, salt: u64) -> String {
        let id = NonceId { issued: now, salt };
        let mut bytes = [0; NONCE_BYTES];
        for (out, byte) in bytes.iter_mut().zip(id.to_bytes().into_iter().chain(self.tag(id))) {
            *out = byte;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether a nonce is ours and was issued at most `ttl` ago.
    #[must_use]
    pub fn check(&self, nonce: &str, now: Time, ttl: Duration) -> NonceState {
        let Some((id, tag)) = decode(nonce) else { return NonceState::Foreign };
        let genuine: bool = subtle::ConstantTimeEq::ct_eq(&self.tag(id)[..], &tag[..]).into();
        if !genuine {
            return NonceState::Foreign;
        }
        let young = id.issued <= now + MAX_CLOCK_SKEW && now.since(id.issued) <= ttl;
        if young { NonceState::Fresh } else { NonceState::Stale }
    }

    fn tag(&self, id: NonceId) -> [u8; TAG_BYTES] {
        let full = self.0.clone().chain_update(id.to_bytes()).finalize().into_bytes();
        let mut tag = [0; TAG_BYTES];
        for (out, byte) in tag.iter_mut().zip(full) {
            *out = byte;
        }
        tag
    }
}

impl NonceId {
    /// What a nonce says, its signature unchecked.
    pub(crate) fn read(nonce: &str) -> Option<NonceId> {
        decode(nonce).map(|(id, _)| id)
    }

    fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.issued.as_nanos()) << 64) | u128::from(self.salt)).to_be_bytes()
    }
}

fn decode(nonce: &str) -> Option<(NonceId, [u8; TAG_BYTES])> {
    let mut bytes = [0; NONCE_BYTES];
    let length = URL_SAFE_NO_PAD.decode_slice(nonce, &mut bytes).ok()?;
    if length != NONCE_BYTES {
        return None;
    }
    let (id, tag) = bytes.split_first_chunk::<16>()?;
    let id = u128::from_be_bytes(*id);
    let id = NonceId { issued: Time::from_nanos((id >> 64) as u64), salt: id as u64 };
    Some((id, tag.try_into().ok()?))
}

/// The key as the block HMAC-SHA256 wants: longer keys would be hashed, shorter ones are filled with zeros, RFC 2104 §2.
fn hmac_block(key: [u8; 32]) -> hmac::digest::Key<Hmac<Sha256>> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (out, byte) in block.iter_mut().zip(key) {
        *out = byte;
    }
    block
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(300);

    #[test]
    fn a_nonce_is_fresh_then_stale_and_never_foreign() {
        let key = NonceKey::new([7; 32]);
        let now = Time::from_secs(1_763_711_951);
        let nonce = key.issue(now, 42);
        assert_eq!(nonce.len(), 43);
        assert_eq!(key.check(&nonce, now, TTL), NonceState::Fresh);
        assert_eq!(key.check(&nonce, now + TTL, TTL), NonceState::Fresh);
        assert_eq!(key.check(&nonce, now + TTL + Duration::from_nanos(1), TTL), NonceState::Stale);
        assert_eq!(key.check(&nonce, now - Duration::from_secs(10), TTL), NonceState::Fresh);
        assert_eq!(key.check(&nonce, now - Duration::from_secs(60), TTL), NonceState::Stale);
        // A copy of the key, as after a restart or on another node, needs no memory of it.
        assert_eq!(NonceKey::new([7; 32]).check(&nonce, now, TTL), NonceState::Fresh);
    }

    #[test]
    fn what_we_did_not_sign_is_foreign() {
        let key = NonceKey::new([7; 32]);
        let now = Time::from_secs(100);
        let nonce = key.issue(now, 1);
        assert_eq!(NonceKey::new([8; 32]).check(&nonce, now, TTL), NonceState::Foreign);
        for at in 0..nonce.len() - 1 {
            let mut changed = nonce.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(key.check(&changed, now, TTL), NonceState::Foreign, "byte {at}");
        }
        for text in ["", "x", "dcd98b7102dd2f0e8b11d0f600bfb0c093", &nonce[1..], &format!("{nonce}A")] {
            assert_eq!(key.check(text, now, TTL), NonceState::Foreign, "{text}");
        }
        assert_ne!(key.issue(now, 1), key.issue(now, 2));
    }
}

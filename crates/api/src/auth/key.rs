//! API keys: `cp_` and 43 characters, shown once; only a hash is kept.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::Time;
use model::{ApiToken, TenantId, TokenId};
use sha2::{Digest, Sha256};

use super::scope::all_scopes;
use crate::problem::Problem;

/// What every key begins with, so that people and scanners recognise a leaked one.
pub(crate) const PREFIX: &str = "cp_";
/// 256 bits: not to be guessed, so a fast hash is enough to store it.
const KEY_BYTES: usize = 32;
/// Characters shown in lists, prefix included.
const HINT_LEN: usize = 9;

/// A new key: the text for its owner.
pub(crate) fn generate() -> Result<String, Problem> {
    random().map_err(|error| Problem::internal(&error))
}

fn random() -> io::Result<String> {
    let mut bytes = [0; KEY_BYTES];
    clock::Random::from_system()?.fill(&mut bytes);
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// A key with every right, for a program of the operator on this machine: its text, and what storage keeps of it.
///
/// # Errors
/// When the operating system has no randomness.
pub fn local_key(id: TokenId, tenant: TenantId, name: &str, now: Time) -> io::Result<(String, ApiToken)> {
    let key = random()?;
    let kept = ApiToken {
        id,
        tenant,
        name: name.to_owned(),
        hash: hash(&key),
        hint: hint(&key),
        scopes: all_scopes(),
        created_by: None,
        created_at: now,
        expires_at: None,
        last_used_at: None,
    };
    Ok((key, kept))
}

/// What is stored and looked up: SHA-256 of the key in 64 hex digits.
pub(crate) fn hash(key: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(key.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The beginning of a key, by which its owner recognises it.
pub(crate) fn hint(key: &str) -> String {
    key.chars().take(HINT_LEN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_differ() {
        let (a, b) = (generate().unwrap(), generate().unwrap());
        assert_ne!(a, b);
        assert_eq!((a.len(), &a[..3]), (46, "cp_"));
        assert_eq!(hint(&a), a[..9]);
    }

    #[test]
    fn the_hash_is_that_of_the_standard() {
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

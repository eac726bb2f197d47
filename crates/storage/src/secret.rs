//! Secrets at rest: AES-256-GCM, bound to the account they belong to.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use clock::Random;
use model::{AccountId, Ha1};
use parking_lot::Mutex;

use crate::{Error, Result};

/// 96 bits, drawn anew for each sealing: the chance of a repetition stays below 2⁻³² for 2³² sealings
/// (NIST SP 800-38D §8.3).
const NONCE_BYTES: usize = 12;

/// Seals and opens the digests of accounts.
pub(crate) struct Vault {
    cipher: Aes256Gcm,
    random: Mutex<Random>,
}

impl Vault {
    pub(crate) fn new(key: &[u8; 32], random: Random) -> Vault {
        Vault { cipher: Aes256Gcm::new(key.into()), random: Mutex::new(random) }
    }

    /// The text kept in the database: base64 of nonce, ciphertext and tag. It opens only as this account's.
    pub(crate) fn seal(&self, account: AccountId, secrets: &Ha1) -> Result<String> {
        let plain = [&*secrets.md5, &*secrets.sha256, &*secrets.sha512_256].join(":");
        let mut nonce = [0; NONCE_BYTES];
        self.random.lock().fill(&mut nonce);
        let payload = Payload { msg: plain.as_bytes(), aad: &account.0.to_bytes() };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| unopened(account))?;
        Ok(STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// What [`Vault::seal`] sealed.
    pub(crate) fn open(&self, account: AccountId, text: &str) -> Result<Ha1> {
        self.opened(account, text).ok_or_else(|| unopened(account))
    }

    fn opened(&self, account: AccountId, text: &str) -> Option<Ha1> {
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: &account.0.to_bytes() };
        let plain = String::from_utf8(self.cipher.decrypt(&Nonce::from(*nonce), payload).ok()?).ok()?;
        let mut parts = plain.split(':').map(str::to_owned);
        Some(Ha1 { md5: parts.next()?, sha256: parts.next()?, sha512_256: parts.next()? })
    }
}

fn unopened(account: AccountId) -> Error {
    Error::Sealed { account: account.to_string() }
}

#[cfg(test)]
mod tests {
    use model::Uid;

    use super::*;

    fn account(n: u8) -> AccountId {
        AccountId(Uid::from_bytes([n; 16]))
    }

    fn secrets() -> Ha1 {
        Ha1 {
            md5: "5eb63bbbe01eeed093cb22bb8f5acdc3".to_owned(),
            sha256: String::new(),
            sha512_256: "ab".repeat(32),
        }
    }

    #[test]
    fn a_secret_opens_only_with_its_key_and_as_its_account() {
        let vault = Vault::new(&[1; 32], Random::seeded(1));
        let sealed = vault.seal(account(1), &secrets()).unwrap();
        assert!(!sealed.contains("5eb63bbb"));
        assert_eq!(vault.open(account(1), &sealed).unwrap(), secrets());
        assert!(matches!(vault.open(account(2), &sealed), Err(Error::Sealed { .. })));
        let other = Vault::new(&[2; 32], Random::seeded(1));
        assert!(matches!(other.open(account(1), &sealed), Err(Error::Sealed { .. })));
    }

    #[test]
    fn a_secret_sealed_twice_looks_different() {
        let vault = Vault::new(&[1; 32], Random::seeded(1));
        let first = vault.seal(account(1), &secrets()).unwrap();
        assert_ne!(first, vault.seal(account(1), &secrets()).unwrap());
    }

    #[test]
    fn a_changed_text_does_not_open() {
        let vault = Vault::new(&[1; 32], Random::seeded(1));
        let sealed = vault.seal(account(1), &secrets()).unwrap();
        for broken in ["", "AAAA", "???", &sealed[1..], &sealed.replace('A', "B")] {
            if broken != sealed {
                assert!(vault.open(account(1), broken).is_err(), "{broken}");
            }
        }
    }
}

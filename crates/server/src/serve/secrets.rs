//! The secrets of this server, generated at its first start and kept in the data directory.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clock::Random;
use serde::{Deserialize, Serialize};

/// The file in the data directory.
const FILE: &str = "secrets.json";
/// Readable and writable by the owner only.
pub(crate) const OWNER_ONLY: u32 = 0o600;
/// Characters that cannot be mistaken for each other when read aloud or typed.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Characters of a generated password: 79 bits.
const PASSWORD_LEN: usize = 16;

/// 256 bits, written in hexadecimal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Key(pub(crate) [u8; 32]);

impl TryFrom<String> for Key {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Key, &'static str> {
        const WRONG: &str = "a key is 64 hexadecimal digits";
        let digits = text.as_bytes().chunks_exact(2).filter_map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes: Vec<u8> = digits.collect();
        if text.len() != 64 {
            return Err(WRONG);
        }
        bytes.try_into().map(Key).map_err(|_| WRONG)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> String {
        use fmt::Write;
        key.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Everything that must be the same after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// Encrypts HA1 values at rest. Lost, no account can register again until it gets a new password.
    pub(crate) encryption_key: Key,
    /// Signs access tokens, unless `security.jwt_secret` is set.
    pub(crate) jwt_secret: Key,
    /// Signs tokens of SIP-user administration, unless `security.sip_jwt_secret` is set.
    pub(crate) sip_jwt_secret: Key,
    /// Makes digest nonces verifiable, before and after a restart.
    pub(crate) nonce_key: Key,
}

impl Secrets {
    /// The file in this data directory.
    pub(crate) fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE)
    }

    /// Reads the secrets, or makes them where there are none.
    ///
    /// # Errors
    /// When the file is damaged (it is never replaced: passwords hang on it) or cannot be read or written.
    pub(crate) fn load_or_make(data_dir: &Path, random: &mut Random) -> anyhow::Result<Secrets> {
        let path = Secrets::path(data_dir);
        if let Some(secrets) = read(&path)? {
            return Ok(secrets);
        }
        if data_dir.join(DATABASE_FILE).exists() {
            bail!(
                "{} is missing, but there is a database beside it whose passwords only that file can open; \
                 put it back from a backup, or move the data directory away to begin anew",
                path.display()
            );
        }
        let secrets = Secrets::make(random);
        let mut text = serde_json::to_vec_pretty(&secrets)?;
        text.push(b'\n');
        write_new(&path, &text)?;
        // Another start may have been first; then its secrets are the ones.
        read(&path)?.with_context(|| format!("{} is gone again", path.display()))
    }

    fn make(random: &mut Random) -> Secrets {
        let mut key = || {
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            Key(bytes)
        };
        Secrets { encryption_key: key(), jwt_secret: key(), sip_jwt_secret: key(), nonce_key: key() }
    }
}

/// The SQLite file, which `storage` makes.
pub(crate) const DATABASE_FILE: &str = "crosspoint.db";

fn read(path: &Path) -> anyhow::Result<Option<Secrets>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), mode = %format!("{mode:o}"), "others could read the secrets; now they cannot");
        fs::set_permissions(path, fs::Permissions::from_mode(OWNER_ONLY))?;
    }
    serde_json::from_slice(&bytes).map(Some).with_context(|| {
        format!(
            "{} is damaged; put it back from a backup (the passwords of accounts hang on it)",
            path.display()
        )
    })
}

/// Writes a file that only its owner can read, whole or not at all; an existing one stays.
///
/// # Errors
/// When the directory cannot be written.
fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let draft = write_draft(path, content)?;
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot write {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes a file that only its owner can read, whole or not at all; an existing one is replaced.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let draft = write_draft(path, content)?;
    fs::rename(&draft, path).with_context(|| format!("cannot write {}", path.display()))
}

fn write_draft(path: &Path, content: &[u8]) -> anyhow::Result<PathBuf> {
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let written = || -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(&draft)?;
        file.write_all(content)?;
        file.sync_all()
    };
    written().with_context(|| format!("cannot write {}", draft.display()))?;
    Ok(draft)
}

/// A password to be typed: `k7mq-w2zt-…`.
pub(crate) fn password(random: &mut Random) -> String {
    let mut text = String::new();
    for place in 0..PASSWORD_LEN {
        if place > 0 && place % 4 == 0 {
            text.push('-');
        }
        let choice = usize::try_from(random.below(ALPHABET.len() as u64)).unwrap_or_default();
        text.push(ALPHABET.get(choice).copied().map_or('a', char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn secrets_are_made_once_for_the_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let first = Secrets::load_or_make(dir.path(), &mut Random::seeded(1)).unwrap();
        let path = Secrets::path(dir.path());
        assert_eq!(mode(&path), 0o600);
        let again = Secrets::load_or_make(dir.path(), &mut Random::seeded(2)).unwrap();
        assert_eq!(first, again);
        let entries: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(entries, [FILE], "no draft is left");
    }

    #[test]
    fn keys_differ_from_each_other() {
        let secrets = Secrets::make(&mut Random::seeded(1));
        let keys = [secrets.encryption_key, secrets.jwt_secret, secrets.sip_jwt_secret, secrets.nonce_key];
        for (index, key) in keys.iter().enumerate() {
            assert!(keys[index + 1..].iter().all(|other| other != key));
        }
        assert!(!format!("{:?}", keys[0]).contains(&String::from(keys[0].clone())[..8]));
    }

    #[test]
    fn readable_secrets_are_made_private() {
        let dir = tempfile::tempdir().unwrap();
        Secrets::load_or_make(dir.path(), &mut Random::seeded(1)).unwrap();
        let path = Secrets::path(dir.path());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        Secrets::load_or_make(dir.path(), &mut Random::seeded(1)).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn damaged_or_missing_secrets_are_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = Secrets::path(dir.path());
        for damaged in
            ["", "{}", r#"{"encryption_key":"00","jwt_secret":"","sip_jwt_secret":"","nonce_key":""}"#]
        {
            fs::write(&path, damaged).unwrap();
            let message =
                format!("{:#}", Secrets::load_or_make(dir.path(), &mut Random::seeded(1)).unwrap_err());
            assert!(message.contains("is damaged"), "{message}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
        fs::remove_file(&path).unwrap();
        fs::write(dir.path().join(DATABASE_FILE), "").unwrap();
        let message = format!("{:#}", Secrets::load_or_make(dir.path(), &mut Random::seeded(1)).unwrap_err());
        assert!(message.contains("is missing"), "{message}");
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let mut random = Random::seeded(3);
        let (one, other) = (password(&mut random), password(&mut random));
        assert_ne!(one, other);
        assert_eq!(one.len(), 19);
        assert!(one.chars().all(|c| c == '-' || ALPHABET.contains(&(c as u8))), "{one}");
    }
}

//! Secrets of SIP users: what is too weak, and how a good one is made.

use std::collections::BTreeSet;

use crate::problem::{FieldError, Problem};

/// Characters of a generated password: no look-alikes (0 O 1 l I), so that it can be typed on a desk phone.
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// 20 of 57 characters: 116 bits.
const GENERATED_CHARS: usize = 20;
/// Fewer different characters are a pattern (`aaaaaaaa`, `12121212`).
const MIN_DIFFERENT: usize = 5;
/// What scanners try first, in lower case, digits at the end cut off.
const COMMON: &[&str] = &[
    "password",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "secret",
    "changeme",
    "welcome",
    "letmein",
    "qwerty",
    "qwertyuiop",
    "asterisk",
    "freepbx",
    "freeswitch",
    "kamailio",
    "crosspoint",
    "voip",
    "sip",
    "phone",
    "extension",
    "admin",
    "administrator",
    "default",
    "test",
    "testing",
    "guest",
    "user",
    "telephone",
    "iloveyou",
    "abcdefgh",
    "asdfghjkl",
];

/// A new password.
pub(super) fn generate() -> Result<String, Problem> {
    let mut random = clock::Random::from_system().map_err(|error| Problem::internal(&error))?;
    let bound = ALPHABET.len() as u64;
    let mut pick = || usize::try_from(random.below(bound)).ok().and_then(|at| ALPHABET.get(at).copied());
    Ok((0..GENERATED_CHARS).filter_map(|_| pick()).map(char::from).collect())
}

/// Why this password would be guessed, if it would. How long it must be is a rule of the account itself.
pub(super) fn weakness(password: &str, username: &str) -> Option<FieldError> {
    let lower = password.to_lowercase();
    let stem = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    let different = lower.chars().collect::<BTreeSet<_>>().len();
    let detail = if !username.is_empty() && lower.contains(&username.to_lowercase()) {
        "must not contain the username"
    } else if COMMON.contains(&stem) {
        "is one of the passwords that are tried first"
    } else if is_row(&lower) {
        "must not be characters in a row"
    } else if different < MIN_DIFFERENT {
        "must have at least 5 different characters"
    } else {
        return None;
    };
    Some(FieldError::new("password", "weak-password", detail))
}

/// `12345678`, `87654321`, `abcdefgh`.
fn is_row(text: &str) -> bool {
    let steps: BTreeSet<i64> = text
        .chars()
        .zip(text.chars().skip(1))
        .map(|(a, b)| i64::from(u32::from(b)) - i64::from(u32::from(a)))
        .collect();
    // The step from 9 back to 0 belongs to the row.
    let steps: Vec<i64> = steps.into_iter().filter(|step| !matches!(step, -9 | 9)).collect();
    matches!(steps.as_slice(), [1] | [-1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_ones_are_told_apart() {
        for weak in [
            "6001-6001",
            "x6001yzabc",
            "password",
            "Password123!",
            "12345678",
            "1234567890",
            "87654321",
            "aaaaaaaa",
            "12121212",
            "abcdefgh",
            "asterisk1",
        ] {
            assert!(weakness(weak, "6001").is_some(), "{weak}");
        }
        for good in ["correct horse", "k3dT-9xQv", "83610274", "Tr0ub4dor"] {
            assert_eq!(weakness(good, "6001"), None, "{good}");
        }
    }

    #[test]
    fn generated_ones_are_strong_and_differ() {
        let (a, b) = (generate().unwrap(), generate().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), GENERATED_CHARS);
        assert!(a.bytes().all(|c| ALPHABET.contains(&c)));
        assert_eq!(weakness(&a, "6001"), None);
    }
}

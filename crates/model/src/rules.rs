//! What a field of an account may hold.
//!
//! These texts end up in SIP headers, dial plans and log lines: no control character passes anywhere.

use uri::Aor;

/// The fewest characters of a secret that is not marked as for development only.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Digest clients keep secrets in short fields; longer ones are cut off by some phones.
const MAX_PASSWORD_CHARS: usize = 128;
/// A username is part of every REGISTER and of every AOR key in memory.
const MAX_USERNAME_CHARS: usize = 64;
/// E.164 has at most 15 digits; an internal number is not longer.
const MAX_EXTENSION_DIGITS: usize = 15;
/// Names and foreign ids are repeated in every call record.
const MAX_TEXT_CHARS: usize = 128;
/// RFC 5321 §4.5.3.1.3: a path of 256 octets with its brackets.
const MAX_EMAIL_CHARS: usize = 254;
/// Contexts and tenant names are words, not texts.
const MAX_SLUG_CHARS: usize = 64;
/// Every contact is rung at once: each is a leg with two media ports.
const MAX_CONTACTS: u32 = 100;
/// One account is one person or one small system.
const MAX_CONCURRENT_CALLS: u32 = 10_000;

/// A field that was refused: which, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Invalid {
    /// The name of the field, as in the API.
    pub field: &'static str,
    /// What it must be, as the end of a sentence: `must have at least 8 characters`.
    pub reason: &'static str,
}

fn check(holds: bool, field: &'static str, reason: &'static str) -> Result<(), Invalid> {
    if holds { Ok(()) } else { Err(Invalid { field, reason }) }
}

fn chars_within(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.chars().count())
}

fn username(name: &str) -> Result<(), Invalid> {
    const FIELD: &str = "username";
    check(chars_within(name, 1, MAX_USERNAME_CHARS), FIELD, "must have 1 to 64 characters")?;
    // A subset of RFC 3261 §25.1 `user` that needs no escaping in a URI, a file name or a log line.
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    check(name.chars().all(allowed), FIELD, "may have letters, digits and - _ . + only")
}

/// The address-of-record of an account.
pub(crate) fn aor(name: &str, domain: &str) -> Result<Aor, Invalid> {
    username(name)?;
    let refused = Invalid { field: "domain", reason: "must be a host name or an address, without a port" };
    Aor::new(name, domain).map_err(|_| refused)
}

/// Checks a new secret. `development_only` accounts may have weak ones.
pub(crate) fn password(secret: &str, username: &str, development_only: bool) -> Result<(), Invalid> {
    const FIELD: &str = "password";
    check(chars_within(secret, 1, MAX_PASSWORD_CHARS), FIELD, "must have 1 to 128 characters")?;
    check(!secret.chars().any(char::is_control), FIELD, "must not have control characters")?;
    if development_only {
        return Ok(());
    }
    check(
        chars_within(secret, MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS),
        FIELD,
        "must have at least 8 characters",
    )?;
    check(!secret.eq_ignore_ascii_case(username), FIELD, "must not be the username")
}

pub(crate) fn extension(digits: &str) -> Result<(), Invalid> {
    let good = chars_within(digits, 1, MAX_EXTENSION_DIGITS) && digits.bytes().all(|b| b.is_ascii_digit());
    check(good, "extension", "must be 1 to 15 digits")
}

pub(crate) fn caller_id(number: &str) -> Result<(), Invalid> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let good = chars_within(digits, 2, MAX_EXTENSION_DIGITS) && digits.bytes().all(|b| b.is_ascii_digit());
    check(good, "caller_id", "must be 2 to 15 digits, with or without a leading +")
}

/// A free text of at most 128 characters.
pub(crate) fn text(field: &'static str, text: &str) -> Result<(), Invalid> {
    check(chars_within(text, 0, MAX_TEXT_CHARS), field, "must have at most 128 characters")?;
    check(!text.chars().any(char::is_control), field, "must not have control characters")
}

pub(crate) fn email(address: &str) -> Result<(), Invalid> {
    const FIELD: &str = "email";
    check(chars_within(address, 3, MAX_EMAIL_CHARS), FIELD, "must have 3 to 254 characters")?;
    let plain = !address.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ','));
    let parts = address.rsplit_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    check(plain && parts, FIELD, "must be one address like name@example.org")
}

/// A word of `a-z 0-9 - _`, as names of contexts and tenants.
pub(crate) fn slug(field: &'static str, word: &str) -> Result<(), Invalid> {
    check(chars_within(word, 1, MAX_SLUG_CHARS), field, "must have 1 to 64 characters")?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    check(word.chars().all(allowed), field, "may have a-z, 0-9, - and _ only")
}

pub(crate) fn max_contacts(count: u32) -> Result<(), Invalid> {
    check((1..=MAX_CONTACTS).contains(&count), "max_contacts", "must be 1 to 100")
}

pub(crate) fn max_concurrent_calls(count: u32) -> Result<(), Invalid> {
    check((1..=MAX_CONCURRENT_CALLS).contains(&count), "max_concurrent_calls", "must be 1 to 10000")
}

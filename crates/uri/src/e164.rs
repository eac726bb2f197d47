//! International telephone numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::UriError;

/// The longest number of ITU-T E.164, in digits.
const MAX_DIGITS: usize = 15;
/// Shorter ones are extensions and service codes, never international numbers.
const MIN_DIGITS: usize = 6;

/// An international number: `+` and 6 to 15 digits, the first of them not 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164(String);

impl E164 {
    /// Reads an international number, with or without visual separators (blank `-` `.` `/` `(` `)`).
    ///
    /// # Errors
    /// [`UriError::BadNumber`] without a leading `+`, with too few or too many digits, or with anything else inside.
    pub fn parse(text: &str) -> Result<E164, UriError> {
        let rest = text.trim().strip_prefix('+').ok_or(UriError::BadNumber)?;
        let mut number = String::with_capacity(1 + MAX_DIGITS);
        number.push('+');
        for c in rest.chars() {
            match c {
                '0'..='9' if number.len() <= MAX_DIGITS => number.push(c),
                ' ' | '-' | '.' | '/' | '(' | ')' => {}
                _ => return Err(UriError::BadNumber),
            }
        }
        if number.len() <= MIN_DIGITS || number.starts_with("+0") {
            return Err(UriError::BadNumber);
        }
        Ok(E164(number))
    }

    /// With the plus: `+12015550123`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the plus.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.get(1..).unwrap_or("")
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for E164 {
    type Err = UriError;

    fn from_str(text: &str) -> Result<E164, UriError> {
        E164::parse(text)
    }
}

impl Serialize for E164 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for E164 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<E164, D::Error> {
        let text = String::deserialize(deserializer)?;
        E164::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_stripped() {
        for text in ["+12015550123", " +1 (201) 555-0123 ", "+1.201.555/0123"] {
            let number = E164::parse(text).unwrap();
            assert_eq!((number.as_str(), number.digits()), ("+12015550123", "12015550123"));
        }
    }

    #[test]
    fn bounds_are_kept() {
        assert_eq!(E164::parse("+123456789012345").unwrap().digits().len(), 15);
        assert_eq!(E164::parse("+123456").unwrap().as_str(), "+123456");
        for text in [
            "",
            "+",
            "12015550123",
            "+12345",
            "+1234567890123456",
            "+0123456789",
            "+1201x550123",
            "++1201555012",
        ] {
            assert_eq!(E164::parse(text), Err(UriError::BadNumber), "{text}");
        }
    }
}

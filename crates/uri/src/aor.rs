//! Addresses-of-record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Scheme, UriError, UriRef, escape_user};

/// The address under which somebody registers, canonical (RFC 3261 §10.3 step 5): the user unescaped, the domain in
/// lower case, neither port nor parameters. Displayed and written to serde as `sip:user@domain`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aor {
    user: String,
    domain: String,
}

impl Aor {
    /// From a user (as typed, not escaped) and a domain.
    ///
    /// # Errors
    /// [`UriError::NoUser`] without a user, [`UriError::BadHost`] when the domain is no host.
    pub fn new(user: &str, domain: &str) -> Result<Aor, UriError> {
        if user.is_empty() {
            return Err(UriError::NoUser);
        }
        Ok(Aor { user: user.to_owned(), domain: crate::Host::parse(domain)?.to_string() })
    }

    /// From a `sip:` or `sips:` URI.
    ///
    /// # Errors
    /// [`UriError::NoUser`] without a user, [`UriError::UnsupportedScheme`] for a `tel:` URI.
    pub fn from_uri(uri: &UriRef<'_>) -> Result<Aor, UriError> {
        if uri.scheme() == Scheme::Tel {
            return Err(UriError::UnsupportedScheme);
        }
        let user = uri.user_unescaped().ok_or(UriError::NoUser)?;
        Ok(Aor { user: user.into_owned(), domain: uri.to_host().to_string() })
    }

    /// The user, unescaped.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The domain, lowercase; an IPv6 address stands in brackets.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl fmt::Display for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sip:{}@{}", escape_user(&self.user), self.domain)
    }
}

impl FromStr for Aor {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Aor, UriError> {
        Aor::from_uri(&UriRef::parse_str(text)?)
    }
}

impl Serialize for Aor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Aor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Aor, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_writings_of_one_address_are_equal() {
        let a: Aor = "sip:%61lice@EXAMPLE.com:5070;transport=tcp?subject=x".parse().unwrap();
        assert_eq!(a, Aor::new("alice", "example.com").unwrap());
        assert_eq!(a.to_string(), "sip:alice@example.com");
        assert_ne!(a, "sip:Alice@example.com".parse().unwrap());
    }

    #[test]
    fn what_is_displayed_reads_back() {
        for user in ["alice", "j@b", "+49 30", "a:b", "50%"] {
            let aor = Aor::new(user, "[2001:DB8::1]").unwrap();
            assert_eq!(aor.to_string().parse::<Aor>().unwrap(), aor);
            assert_eq!(aor.user(), user);
        }
    }

    #[test]
    fn an_address_needs_a_user() {
        assert_eq!("sip:example.com".parse::<Aor>(), Err(UriError::NoUser));
        assert_eq!("tel:+12".parse::<Aor>(), Err(UriError::UnsupportedScheme));
        assert_eq!(Aor::new("", "example.com"), Err(UriError::NoUser));
    }
}

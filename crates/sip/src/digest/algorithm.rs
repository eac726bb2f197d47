//! Algorithms and qualities of protection.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A digest algorithm. The `-sess` forms hash the nonces into the secret, RFC 7616 §3.4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// `MD5`, the default of a challenge that names none.
    Md5,
    /// `MD5-sess`
    Md5Sess,
    /// `SHA-256`
    Sha256,
    /// `SHA-256-sess`
    Sha256Sess,
    /// `SHA-512-256`
    Sha512_256,
    /// `SHA-512-256-sess`
    Sha512_256Sess,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512_256,
        Algorithm::Sha512_256Sess,
    ];

    /// The algorithm of this token, in any case.
    #[must_use]
    pub fn parse(token: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.token().eq_ignore_ascii_case(token))
    }

    /// The token of the RFC.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
            Algorithm::Sha512_256 => "SHA-512-256",
            Algorithm::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// The algorithm without `-sess`: the one its stored HA1 is made with.
    #[must_use]
    pub const fn base(self) -> Algorithm {
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => Algorithm::Md5,
            Algorithm::Sha256 | Algorithm::Sha256Sess => Algorithm::Sha256,
            Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => Algorithm::Sha512_256,
        }
    }

    /// Whether it is a `-sess` form.
    #[must_use]
    pub const fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512_256Sess)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

/// A quality of protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Qop {
    /// `auth`: method and URI.
    Auth,
    /// `auth-int`: the body as well.
    AuthInt,
}

impl Qop {
    /// The quality of this token, in any case.
    #[must_use]
    pub fn parse(token: &str) -> Option<Qop> {
        [Qop::Auth, Qop::AuthInt].into_iter().find(|qop| qop.token().eq_ignore_ascii_case(token))
    }

    /// The token of the RFC.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_the_rfc_in_any_case() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.token()), Some(algorithm));
            assert_eq!(Algorithm::parse(&algorithm.token().to_lowercase()), Some(algorithm));
            assert!(!algorithm.base().is_session());
        }
        assert_eq!(Algorithm::parse("SHA-256"), Some(Algorithm::Sha256));
        assert_eq!(Algorithm::parse("SHA256"), None);
        assert_eq!(Qop::parse("AUTH-INT"), Some(Qop::AuthInt));
    }
}

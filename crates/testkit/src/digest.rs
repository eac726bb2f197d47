//! Digest authentication as a client does it, RFC 7616.

use std::fmt::Write;

use md5::{Digest, Md5};
use sha2::Sha256;

/// A hash of digest authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The old one.
    Md5,
    /// RFC 8760.
    Sha256,
}

impl Algorithm {
    /// The token in challenges.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    pub(crate) fn hex(self, text: &str) -> String {
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// A challenge of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) algorithm: Algorithm,
    qop: bool,
    opaque: Option<String>,
}

impl Challenge {
    /// Reads the challenge for an algorithm among the `WWW-Authenticate` or `Proxy-Authenticate` values.
    pub(crate) fn find<'a>(values: impl Iterator<Item = &'a str>, algorithm: Algorithm) -> Option<Challenge> {
        values.map(Challenge::read).find(|challenge| challenge.algorithm == algorithm)
    }

    fn read(value: &str) -> Challenge {
        let field = |name| quoted(value, name);
        Challenge {
            realm: field("realm").unwrap_or_default(),
            nonce: field("nonce").unwrap_or_default(),
            algorithm: match field("algorithm").as_deref() {
                Some("SHA-256") => Algorithm::Sha256,
                _ => Algorithm::Md5,
            },
            qop: field("qop").is_some(),
            opaque: field("opaque"),
        }
    }

    /// The value of the Authorization header.
    pub(crate) fn answer(&self, who: (&str, &str), method: &str, uri: &str, count: u32) -> String {
        let (username, password) = who;
        let h = |text: String| self.algorithm.hex(&text);
        let ha1 = h(format!("{username}:{}:{password}", self.realm));
        let ha2 = h(format!("{method}:{uri}"));
        let (realm, nonce, algorithm) = (&self.realm, &self.nonce, self.algorithm.token());
        let mut value = format!(
            "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm={algorithm}"
        );
        let response = if self.qop {
            let (nc, cnonce) = (format!("{count:08x}"), "0a4f113b");
            let _ = write!(value, ", qop=auth, nc={nc}, cnonce=\"{cnonce}\"");
            h(format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"))
        } else {
            h(format!("{ha1}:{nonce}:{ha2}"))
        };
        let _ = write!(value, ", response=\"{response}\"");
        if let Some(opaque) = &self.opaque {
            let _ = write!(value, ", opaque=\"{opaque}\"");
        }
        value
    }
}

/// A field of a challenge, with or without quotes.
pub(crate) fn quoted(value: &str, name: &str) -> Option<String> {
    let fields = value.split_once(' ').map_or(value, |(_, fields)| fields);
    fields.split(',').find_map(|field| {
        let (n, v) = field.split_once('=')?;
        n.trim().eq_ignore_ascii_case(name).then(|| v.trim().trim_matches('"').to_owned())
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616 §3.9.1, with our client nonce instead of theirs only where it does not matter.
    #[test]
    fn the_hashes_are_those_of_the_standard() {
        assert_eq!(Algorithm::Md5.hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(
            Algorithm::Sha256.hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        // RFC 2617 §3.5 without qop.
        let challenge = Challenge::read(
            "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
        );
        let answer = challenge.answer(("Mufasa", "Circle Of Life"), "GET", "/dir/index.html", 1);
        assert!(answer.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""), "{answer}");
    }
}

//! The hashes of RFC 7616 §3.4, as hexadecimal text on the stack.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use super::{Algorithm, Qop};

/// A digest in lowercase hexadecimal: up to 32 bytes in 64 digits.
#[derive(Clone, Copy)]
pub(crate) struct Hex {
    digits: [u8; 64],
    len: usize,
}

impl Hex {
    fn of(digest: &[u8]) -> Hex {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = Hex { digits: [0; 64], len: 0 };
        let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        for (out, half) in hex.digits.iter_mut().zip(halves) {
            *out = DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
            hex.len += 1;
        }
        hex
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or(&[])
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or("")
    }
}

/// The hash of the parts joined by colons.
pub(crate) fn hash(algorithm: Algorithm, parts: &[&[u8]]) -> Hex {
    match algorithm.base() {
        Algorithm::Sha256 => joined::<Sha256>(parts),
        Algorithm::Sha512_256 => joined::<Sha512_256>(parts),
        _ => joined::<Md5>(parts),
    }
}

fn joined<D: Digest>(parts: &[&[u8]]) -> Hex {
    let mut digest = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    Hex::of(&digest.finalize())
}

/// `H(user:realm:password)` in lowercase hexadecimal: all a server needs to keep. A `-sess` algorithm has the HA1 of its
/// base, the nonces come in later.
#[must_use]
pub fn ha1(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> String {
    hash(algorithm, &[user.as_bytes(), realm.as_bytes(), password.as_bytes()]).as_str().to_owned()
}

/// Everything a response is made of, RFC 7616 §3.4.1.
pub(crate) struct Inputs<'a> {
    pub(crate) algorithm: Algorithm,
    /// The HA1 of the base algorithm.
    pub(crate) ha1: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) cnonce: &'a str,
    /// As written in the message: it is hashed as text, never as a number.
    pub(crate) nc: &'a str,
    pub(crate) qop: Option<Qop>,
    /// Empty for the response of the server (`rspauth`).
    pub(crate) method: &'a [u8],
    pub(crate) uri: &'a str,
    pub(crate) body: &'a [u8],
}

/// The `response` parameter.
pub(crate) fn response(inputs: &Inputs<'_>) -> Hex {
    let algorithm = inputs.algorithm;
    let (nonce, cnonce) = (inputs.nonce.as_bytes(), inputs.cnonce.as_bytes());
    let session;
    let ha1 = if algorithm.is_session() {
        session = hash(algorithm, &[inputs.ha1.as_bytes(), nonce, cnonce]);
        session.as_bytes()
    } else {
        inputs.ha1.as_bytes()
    };
    let uri = inputs.uri.as_bytes();
    let ha2 = match inputs.qop {
        Some(Qop::AuthInt) => {
            hash(algorithm, &[inputs.method, uri, hash(algorithm, &[inputs.body]).as_bytes()])
        }
        _ => hash(algorithm, &[inputs.method, uri]),
    };
    match inputs.qop {
        Some(qop) => {
            let parts = [ha1, nonce, inputs.nc.as_bytes(), cnonce, qop.token().as_bytes(), ha2.as_bytes()];
            hash(algorithm, &parts)
        }
        // A client of RFC 2069 knows no qop.
        None => hash(algorithm, &[ha1, nonce, ha2.as_bytes()]),
    }
}

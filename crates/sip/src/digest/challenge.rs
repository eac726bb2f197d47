//! The challenge we send: WWW-Authenticate and Proxy-Authenticate.

use std::fmt::Write;

use super::{Algorithm, Qop};
use crate::header::quote;

/// A challenge. One header line per algorithm, in the order of preference: clients take the first they know (RFC 7616 §3.7),
/// and browsers give up when the first is not MD5, so they are offered nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// The realm of the domain.
    pub realm: &'a str,
    /// A fresh nonce.
    pub nonce: &'a str,
    /// What is offered, strongest first.
    pub algorithms: &'a [Algorithm],
    /// The proof was right but the nonce too old: the client may try again without asking for the password.
    pub stale: bool,
    /// Qualities of protection; at least [`Qop::Auth`].
    pub qop: &'a [Qop],
}

impl Challenge<'_> {
    /// The header value for one algorithm.
    #[must_use]
    pub fn to_header(&self, algorithm: Algorithm) -> String {
        let qop: Vec<_> = self.qop.iter().map(|qop| qop.token()).collect();
        let mut out = format!("Digest realm={},nonce={}", quote(self.realm), quote(self.nonce));
        if self.stale {
            out.push_str(",stale=true");
        }
        // Writing to a String cannot fail.
        let _ = write!(out, ",algorithm={algorithm},qop=\"{}\"", qop.join(","));
        out
    }

    /// One header value per algorithm, in order.
    pub fn to_headers(&self) -> impl Iterator<Item = String> {
        self.algorithms.iter().map(|algorithm| self.to_header(*algorithm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_algorithm_in_order() {
        let challenge = Challenge {
            realm: "pbx \"x\"",
            nonce: "abc",
            algorithms: &[Algorithm::Sha512_256, Algorithm::Md5],
            stale: true,
            qop: &[Qop::Auth, Qop::AuthInt],
        };
        let lines: Vec<_> = challenge.to_headers().collect();
        assert_eq!(
            lines,
            [
                r#"Digest realm="pbx \"x\"",nonce="abc",stale=true,algorithm=SHA-512-256,qop="auth,auth-int""#,
                r#"Digest realm="pbx \"x\"",nonce="abc",stale=true,algorithm=MD5,qop="auth,auth-int""#
            ]
        );
    }
}

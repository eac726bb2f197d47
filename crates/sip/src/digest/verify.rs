//! The server's side of the proof.

use subtle::ConstantTimeEq;

use super::Credentials;
use super::hash::{Inputs, response};

/// Whether these credentials prove the secret behind `ha1`, for this method and body.
///
/// `ha1` is the stored one of the credentials' base algorithm, in lowercase hexadecimal. Takes the same time for every
/// wrong proof. Realm, username, nonce and `nc` are for the caller to judge.
#[must_use]
pub fn verify(credentials: &Credentials<'_>, method: &[u8], ha1: &str, body: &[u8]) -> bool {
    let expected = response(&inputs(credentials, method, ha1, body));
    let given = credentials.response.as_bytes();
    // Digits may come in upper case; the length is no secret.
    let given: smallvec::SmallVec<[u8; 64]> = given.iter().take(65).map(u8::to_ascii_lowercase).collect();
    expected.as_bytes().ct_eq(&given).into()
}

/// The `rspauth` of an Authentication-Info header: our proof that we know the secret too, RFC 7616 §3.5.
#[must_use]
pub fn response_auth(credentials: &Credentials<'_>, ha1: &str, body: &[u8]) -> String {
    response(&inputs(credentials, b"", ha1, body)).as_str().to_owned()
}

fn inputs<'a>(
    credentials: &'a Credentials<'_>,
    method: &'a [u8],
    ha1: &'a str,
    body: &'a [u8],
) -> Inputs<'a> {
    Inputs {
        algorithm: credentials.algorithm,
        ha1,
        nonce: &credentials.nonce,
        cnonce: &credentials.cnonce,
        nc: &credentials.nc_text,
        qop: credentials.qop,
        method,
        uri: &credentials.uri,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Algorithm, Qop, ha1};

    const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    /// The credentials of RFC 7616 §3.9.1 with another algorithm, quality or response.
    fn mufasa(algorithm: Algorithm, qop: &str, response: &str) -> String {
        format!(
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
             algorithm={algorithm}, nonce=\"{NONCE}\", nc=00000001, cnonce=\"{CNONCE}\", qop={qop}, \
             response=\"{response}\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    }

    fn proven(header: &str, password: &str, body: &[u8]) -> bool {
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        let secret = ha1(credentials.algorithm, &credentials.username, &credentials.realm, password);
        verify(&credentials, b"GET", &secret, body)
    }

    #[test]
    fn the_vectors_of_rfc_7616_md5_and_sha_256() {
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let header = mufasa(algorithm, "auth", response);
            assert!(proven(&header, "Circle of Life", b""), "{algorithm}");
            assert!(!proven(&header, "Circle of life", b""), "{algorithm}");
        }
    }

    /// RFC 7616 §3.9.2 as corrected by erratum 4897: the RFC printed truncated SHA-512, which is not SHA-512/256.
    #[test]
    fn the_vector_of_rfc_7616_sha_512_256() {
        let user = "J\u{e4}s\u{f8}n Doe";
        let header = format!(
            "Digest username=\"{user}\", realm=\"api@example.org\", uri=\"/doe.json\", algorithm=SHA-512-256, \
             nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", nc=00000001, \
             cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v\", qop=auth, \
             response=\"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5\", userhash=false"
        );
        assert!(proven(&header, "Secret, or not?", b""));
        assert!(!proven(&header, "Secret, or not!", b""));
    }

    #[test]
    fn the_vector_of_rfc_2617_and_its_form_without_qop() {
        let base = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", uri=\"/dir/index.html\", \
            nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
        let with_qop = format!(
            "{base}, qop=auth, nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\""
        );
        assert!(proven(&with_qop, "Circle Of Life", b""));
        assert!(proven(&with_qop.replace("6629fae4", "6629FAE4"), "Circle Of Life", b""));
        let without = format!("{base}, response=\"670fd8c2df070c60b045671b8b24ff02\"");
        assert!(proven(&without, "Circle Of Life", b""));
        assert!(!proven(&with_qop.replace("nc=00000001", "nc=00000002"), "Circle Of Life", b""));
    }

    #[test]
    fn session_algorithms_hash_the_nonces_into_the_secret() {
        for (algorithm, response) in [
            (Algorithm::Md5Sess, "e783283f46242139c486a698fec7211d"),
            (Algorithm::Sha256Sess, "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"),
            (Algorithm::Sha512_256Sess, "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e"),
        ] {
            assert!(proven(&mufasa(algorithm, "auth", response), "Circle of Life", b""), "{algorithm}");
            assert!(
                !proven(&mufasa(algorithm.base(), "auth", response), "Circle of Life", b""),
                "{algorithm}"
            );
        }
    }

    #[test]
    fn auth_int_covers_the_body() {
        let response = "2fa9fd5a55eaefc542900085331c15a0d8dcebeb505811bdd82a5b1f49ae156e";
        let header = mufasa(Algorithm::Sha256, Qop::AuthInt.token(), response);
        assert!(proven(&header, "Circle of Life", b"body"));
        assert!(!proven(&header, "Circle of Life", b"Body"));
    }

    #[test]
    fn our_own_proof_is_made_without_a_method() {
        let header = mufasa(Algorithm::Md5, "auth", "0");
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        let secret = ha1(Algorithm::Md5, "Mufasa", "http-auth@example.org", "Circle of Life");
        assert_eq!(response_auth(&credentials, &secret, b""), "9b712497bc9f91499fbcca1dfc5f09a5");
    }

    #[test]
    fn responses_of_any_length_are_compared() {
        for response in ["", "8", "8ca523f5e9506fed4657c9700eebdbe", &"8".repeat(200)] {
            assert!(!proven(&mufasa(Algorithm::Md5, "auth", response), "Circle of Life", b""));
        }
    }
}

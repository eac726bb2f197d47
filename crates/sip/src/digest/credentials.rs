//! What a client answers a challenge with: the Authorization and Proxy-Authorization headers.

use std::borrow::Cow;

use super::params::{once, params};
use super::{Algorithm, DigestError, Qop};

/// The credentials of one header line. Quotes and escapes are read.
///
/// `username` and `realm` are what the client claims: compare both with the account the request is for. `uri` need not
/// equal the request-URI (clients behind an outbound proxy send their own idea of it), but it is what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// Who it claims to be.
    pub username: Cow<'a, str>,
    /// The realm the password is for.
    pub realm: Cow<'a, str>,
    /// The nonce it answers.
    pub nonce: Cow<'a, str>,
    /// The URI it signed.
    pub uri: Cow<'a, str>,
    /// The proof: hexadecimal digits.
    pub response: Cow<'a, str>,
    /// The algorithm; MD5 when none is named.
    pub algorithm: Algorithm,
    /// The quality of protection; `None` is RFC 2069, without replay protection.
    pub qop: Option<Qop>,
    /// The client's nonce; empty only without `qop`.
    pub cnonce: Cow<'a, str>,
    /// How many requests were sent with this nonce, this one included; `None` only without `qop`.
    pub nc: Option<u32>,
    /// The `nc` as written, which is what was signed.
    pub nc_text: Cow<'a, str>,
    /// Given back as it was in the challenge.
    pub opaque: Option<Cow<'a, str>>,
    /// `username` is a hash, RFC 7616 §3.4.4: we never offer it.
    pub userhash: bool,
}

/// The parameters as they are met.
#[derive(Default)]
struct Found<'a> {
    username: Option<Cow<'a, str>>,
    realm: Option<Cow<'a, str>>,
    nonce: Option<Cow<'a, str>>,
    uri: Option<Cow<'a, str>>,
    response: Option<Cow<'a, str>>,
    algorithm: Option<Algorithm>,
    qop: Option<Qop>,
    cnonce: Option<Cow<'a, str>>,
    nc: Option<Cow<'a, str>>,
    opaque: Option<Cow<'a, str>>,
    userhash: Option<bool>,
}

impl<'a> Credentials<'a> {
    /// Reads the value of one Authorization or Proxy-Authorization line.
    ///
    /// # Errors
    /// [`DigestError`] by what is wrong with it; [`DigestError::OtherScheme`] for `Bearer` and the like.
    pub fn parse(value: &'a [u8]) -> Result<Credentials<'a>, DigestError> {
        let mut found = Found::default();
        for param in params(value)? {
            let (name, value) = param?;
            found.take(name, value)?;
        }
        found.finish()
    }
}

impl<'a> Found<'a> {
    fn take(&mut self, name: &str, value: Cow<'a, str>) -> Result<(), DigestError> {
        match name.to_ascii_lowercase().as_str() {
            "username" => once(&mut self.username, "username", value),
            "realm" => once(&mut self.realm, "realm", value),
            "nonce" => once(&mut self.nonce, "nonce", value),
            "uri" => once(&mut self.uri, "uri", value),
            "response" => once(&mut self.response, "response", value),
            "cnonce" => once(&mut self.cnonce, "cnonce", value),
            "nc" => once(&mut self.nc, "nc", value),
            "opaque" => once(&mut self.opaque, "opaque", value),
            "userhash" => once(&mut self.userhash, "userhash", value.eq_ignore_ascii_case("true")),
            "algorithm" => {
                let algorithm = Algorithm::parse(&value).ok_or(DigestError::UnknownAlgorithm)?;
                once(&mut self.algorithm, "algorithm", algorithm)
            }
            "qop" => once(&mut self.qop, "qop", Qop::parse(&value).ok_or(DigestError::UnknownQop)?),
            // Unknown parameters are ignored, RFC 7616 §3.4.
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<Credentials<'a>, DigestError> {
        let algorithm = self.algorithm.unwrap_or(Algorithm::Md5);
        let cnonce = self.cnonce.unwrap_or_default();
        let nc_text = self.nc.unwrap_or_default();
        let nc = if self.qop.is_some() { Some(parse_nc(&nc_text)?) } else { None };
        if cnonce.is_empty() && (self.qop.is_some() || algorithm.is_session()) {
            return Err(DigestError::Missing("cnonce"));
        }
        Ok(Credentials {
            username: self.username.ok_or(DigestError::Missing("username"))?,
            realm: self.realm.ok_or(DigestError::Missing("realm"))?,
            nonce: self.nonce.ok_or(DigestError::Missing("nonce"))?,
            uri: self.uri.ok_or(DigestError::Missing("uri"))?,
            response: self.response.ok_or(DigestError::Missing("response"))?,
            algorithm,
            qop: self.qop,
            cnonce,
            nc,
            nc_text,
            opaque: self.opaque,
            userhash: self.userhash.unwrap_or(false),
        })
    }
}

/// `nc` is hexadecimal and has 32 bits, RFC 7616 §3.4.
fn parse_nc(text: &str) -> Result<u32, DigestError> {
    if text.is_empty() {
        return Err(DigestError::Missing("nc"));
    }
    if text.len() > 8 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(DigestError::Malformed("nc"));
    }
    u32::from_str_radix(text, 16).map_err(|_| DigestError::Malformed("nc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_a_client_may_write() {
        let value = b"digest  username=\"J \\\"x\\\", y\" , realm=\"a.example\",\r\n nonce=\"n\", uri=\"sip:a.example;x=1,2\",\
            response=\"00ff\", algorithm=sha-256-SESS, cnonce=\"c\", qop=auth-int, nc=0000010a, opaque=\"\", x=\"y\", \
            userhash=false";
        let credentials = Credentials::parse(value).unwrap();
        assert_eq!(credentials.username, "J \"x\", y");
        assert_eq!(credentials.uri, "sip:a.example;x=1,2");
        assert_eq!((credentials.algorithm, credentials.qop), (Algorithm::Sha256Sess, Some(Qop::AuthInt)));
        assert_eq!((credentials.nc, &*credentials.nc_text), (Some(0x10a), "0000010a"));
        assert_eq!(credentials.opaque.as_deref(), Some(""));
    }

    #[test]
    fn nc_has_32_bits_and_is_hexadecimal() {
        let read = |nc: &str| {
            let value = format!(
                "Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"0\",qop=auth,cnonce=\"c\",nc={nc}"
            );
            Credentials::parse(value.as_bytes()).map(|credentials| credentials.nc)
        };
        assert_eq!(read("0000000a"), Ok(Some(10)));
        assert_eq!(read("00000100"), Ok(Some(256)));
        assert_eq!(read("FFFFFFFF"), Ok(Some(u32::MAX)));
        assert_eq!(read("100000000"), Err(DigestError::Malformed("nc")));
        assert_eq!(read("0000000g"), Err(DigestError::Malformed("nc")));
        assert_eq!(read("\"\""), Err(DigestError::Missing("nc")));
    }

    #[test]
    fn two_readings_are_refused() {
        let base = "username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"0\"";
        let error = |value: String| Credentials::parse(value.as_bytes()).unwrap_err();
        assert_eq!(error(format!("Digest {base},username=\"v\"")), DigestError::Repeated("username"));
        assert_eq!(error(format!("Bearer {base}")), DigestError::OtherScheme);
        assert_eq!(error(format!("Digest {base},algorithm=SHA-1")), DigestError::UnknownAlgorithm);
        assert_eq!(error(format!("Digest {base},qop=auth")), DigestError::Missing("nc"));
        assert_eq!(error(format!("Digest {base},algorithm=MD5-sess")), DigestError::Missing("cnonce"));
        assert_eq!(
            error(format!("Digest {base},opaque=\"x")),
            DigestError::Malformed("a quote that does not close")
        );
        assert_eq!(error("Digest realm=\"r\"".to_owned()), DigestError::Missing("username"));
        assert!(Credentials::parse(format!("Digest {base}").as_bytes()).unwrap().qop.is_none());
    }
}

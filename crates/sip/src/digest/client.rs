//! The client's side: reading a challenge and answering it.

use std::borrow::Cow;
use std::fmt::Write;

use super::hash::{Inputs, response};
use super::params::{once, params};
use super::{Algorithm, DigestError, Qop};
use crate::header::quote;

/// A challenge somebody sent us, its quotes and escapes read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedChallenge<'a> {
    /// The realm whose password is asked for.
    pub realm: Cow<'a, str>,
    /// The nonce to answer.
    pub nonce: Cow<'a, str>,
    /// To be given back.
    pub opaque: Option<Cow<'a, str>>,
    /// The algorithm; MD5 when none is named.
    pub algorithm: Algorithm,
    /// The best quality offered that needs no body (`auth`), else `auth-int`; `None` for a server of RFC 2069.
    pub qop: Option<Qop>,
    /// Our proof was right but the nonce too old: answer again, do not give up.
    pub stale: bool,
}

/// One answer: what is signed with what.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The user name.
    pub username: &'a str,
    /// The HA1 of the challenge's base algorithm, see [`super::ha1`].
    pub ha1: &'a str,
    /// The method.
    pub method: &'a [u8],
    /// The request-URI.
    pub uri: &'a str,
    /// The body, for `auth-int`.
    pub body: &'a [u8],
    /// How many requests were sent with this nonce, this one included.
    pub nc: u32,
    /// A random text of ours.
    pub cnonce: &'a str,
}

impl<'a> ReceivedChallenge<'a> {
    /// Reads the value of one WWW-Authenticate or Proxy-Authenticate line. Of several lines the first that can be read is
    /// the one the server prefers.
    ///
    /// # Errors
    /// [`DigestError`]; [`DigestError::UnknownAlgorithm`] and [`DigestError::UnknownQop`] mean: look at the next line.
    pub fn parse(value: &'a [u8]) -> Result<ReceivedChallenge<'a>, DigestError> {
        let (mut realm, mut nonce, mut opaque, mut algorithm, mut qop, mut stale) =
            (None, None, None, None, None, None);
        for param in params(value)? {
            let (name, value) = param?;
            match name.to_ascii_lowercase().as_str() {
                "realm" => once(&mut realm, "realm", value)?,
                "nonce" => once(&mut nonce, "nonce", value)?,
                "opaque" => once(&mut opaque, "opaque", value)?,
                "stale" => once(&mut stale, "stale", value.eq_ignore_ascii_case("true"))?,
                "algorithm" => {
                    let known = Algorithm::parse(&value).ok_or(DigestError::UnknownAlgorithm)?;
                    once(&mut algorithm, "algorithm", known)?;
                }
                "qop" => {
                    let offered = value.split(',').filter_map(|token| Qop::parse(token.trim_ascii())).min();
                    once(&mut qop, "qop", offered.ok_or(DigestError::UnknownQop)?)?;
                }
                _ => {}
            }
        }
        Ok(ReceivedChallenge {
            realm: realm.ok_or(DigestError::Missing("realm"))?,
            nonce: nonce.ok_or(DigestError::Missing("nonce"))?,
            opaque,
            algorithm: algorithm.unwrap_or(Algorithm::Md5),
            qop,
            stale: stale.unwrap_or(false),
        })
    }

    /// The value of the Authorization or Proxy-Authorization header that answers this challenge.
    #[must_use]
    pub fn answer(&self, answer: &Answer<'_>) -> String {
        let nc = format!("{:08x}", answer.nc);
        let response = response(&Inputs {
            algorithm: self.algorithm,
            ha1: answer.ha1,
            nonce: &self.nonce,
            cnonce: answer.cnonce,
            nc: &nc,
            qop: self.qop,
            method: answer.method,
            uri: answer.uri,
            body: answer.body,
        });
        let mut out = format!(
            "Digest username={},realm={},nonce={},uri={},response=\"{}\",algorithm={}",
            quote(answer.username),
            quote(&self.realm),
            quote(&self.nonce),
            quote(answer.uri),
            response.as_str(),
            self.algorithm,
        );
        // Writing to a String cannot fail.
        if let Some(qop) = self.qop {
            let _ = write!(out, ",qop={},nc={nc}", qop.token());
        }
        if self.qop.is_some() || self.algorithm.is_session() {
            let _ = write!(out, ",cnonce={}", quote(answer.cnonce));
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(out, ",opaque={}", quote(opaque));
        }
        out
    }
}

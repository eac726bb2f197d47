//! The tokens that a login gives: signed, with an end, each for one purpose.

use std::time::Duration;

use clock::Time;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// What a token is good for; one is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// The ordinary API.
    Access,
    /// `POST /api/auth/refresh`, nothing else.
    Refresh,
    /// SIP-user administration, nothing else; signed with a secret of its own.
    SipAdmin,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Who: the id of a person; for a token made by an application that shares the SIP secret, its own name.
    pub(crate) sub: String,
    /// Whose things; the default tenant when an application leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Our own tokens say it; an application's token under the SIP secret need not.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<Purpose>,
    /// Unix seconds.
    #[serde(default)]
    pub(crate) iat: u64,
    /// Unix seconds; required.
    pub(crate) exp: u64,
}

/// Why a token is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Ours, but over.
    Expired,
    /// Not ours, damaged, or for no purpose we know.
    Invalid,
}

/// Signs and reads tokens.
pub(crate) struct Tokens {
    ordinary: Keys,
    sip: Keys,
}

struct Keys {
    sign: EncodingKey,
    read: DecodingKey,
}

impl Keys {
    fn new(secret: &[u8]) -> Keys {
        Keys { sign: EncodingKey::from_secret(secret), read: DecodingKey::from_secret(secret) }
    }
}

impl Tokens {
    pub(crate) fn new(secret: &[u8], sip_secret: &[u8]) -> Tokens {
        Tokens { ordinary: Keys::new(secret), sip: Keys::new(sip_secret) }
    }

    /// A token for `sub` of `tenant`, good from `now` for `lifetime`.
    pub(crate) fn issue(
        &self,
        purpose: Purpose,
        (sub, tenant): (&str, &str),
        now: Time,
        lifetime: Duration,
    ) -> Result<String, Problem> {
        let claims = Claims {
            sub: sub.to_owned(),
            tenant: Some(tenant.to_owned()),
            purpose: Some(purpose),
            iat: now.as_secs(),
            exp: (now + lifetime).as_secs(),
        };
        let keys = if purpose == Purpose::SipAdmin { &self.sip } else { &self.ordinary };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &keys.sign)
            .map_err(|error| Problem::internal(&error))
    }

    /// What a token says and what it is good for, if it is ours and not over.
    pub(crate) fn read(&self, token: &str, now: Time) -> Result<(Purpose, Claims), Fault> {
        let (purpose, claims) = match (claims_under(&self.ordinary, token), claims_under(&self.sip, token)) {
            (Some(claims), _) if matches!(claims.purpose, Some(Purpose::Access | Purpose::Refresh)) => {
                (claims.purpose.ok_or(Fault::Invalid)?, claims)
            }
            (_, Some(claims)) if matches!(claims.purpose, None | Some(Purpose::SipAdmin)) => {
                (Purpose::SipAdmin, claims)
            }
            _ => return Err(Fault::Invalid),
        };
        if claims.exp <= now.as_secs() { Err(Fault::Expired) } else { Ok((purpose, claims)) }
    }
}

fn claims_under(keys: &Keys, token: &str) -> Option<Claims> {
    let mut rules = Validation::new(Algorithm::HS256);
    // The end of a token is judged by our own clock, in `read`.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    jsonwebtoken::decode::<Claims>(token, &keys.read, &rules).ok().map(|token| token.claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_763_711_951);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn tokens() -> Tokens {
        Tokens::new(b"the ordinary secret", b"the secret of SIP administration")
    }

    fn sign(secret: &[u8], claims: &serde_json::Value) -> String {
        jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn a_token_is_read_back_for_its_purpose() {
        for purpose in [Purpose::Access, Purpose::Refresh, Purpose::SipAdmin] {
            let token = tokens().issue(purpose, ("u1", "t1"), NOW, HOUR).unwrap();
            let (read, claims) = tokens().read(&token, NOW).unwrap();
            assert_eq!((read, claims.sub.as_str(), claims.tenant.as_deref()), (purpose, "u1", Some("t1")));
        }
    }

    #[test]
    fn it_ends() {
        let token = tokens().issue(Purpose::Access, ("u1", "t1"), NOW, HOUR).unwrap();
        assert!(tokens().read(&token, NOW + HOUR - Duration::from_secs(1)).is_ok());
        assert_eq!(tokens().read(&token, NOW + HOUR), Err(Fault::Expired));
    }

    #[test]
    fn another_secret_is_refused_even_when_expired() {
        let others = Tokens::new(b"another secret", b"another SIP secret");
        for purpose in [Purpose::Access, Purpose::Refresh, Purpose::SipAdmin] {
            let token = others.issue(purpose, ("u1", "t1"), NOW, HOUR).unwrap();
            assert_eq!(tokens().read(&token, NOW), Err(Fault::Invalid));
            assert_eq!(tokens().read(&token, NOW + HOUR), Err(Fault::Invalid));
        }
    }

    #[test]
    fn a_secret_signs_for_its_own_purposes_only() {
        let exp = (NOW + HOUR).as_secs();
        let claims = |purpose: &str| serde_json::json!({"sub": "u1", "use": purpose, "exp": exp});
        let read = |secret: &[u8], purpose: &str| tokens().read(&sign(secret, &claims(purpose)), NOW);
        assert_eq!(read(b"the ordinary secret", "sip-admin"), Err(Fault::Invalid));
        assert_eq!(read(b"the secret of SIP administration", "access"), Err(Fault::Invalid));
        assert_eq!(read(b"the ordinary secret", "other"), Err(Fault::Invalid));
    }

    #[test]
    fn an_application_that_shares_the_sip_secret_makes_its_own() {
        let exp = (NOW + HOUR).as_secs();
        let token = sign(b"the secret of SIP administration", &serde_json::json!({"sub": "cms", "exp": exp}));
        let (purpose, claims) = tokens().read(&token, NOW).unwrap();
        assert_eq!((purpose, claims.sub.as_str(), claims.tenant), (Purpose::SipAdmin, "cms", None));
        let endless = sign(b"the secret of SIP administration", &serde_json::json!({"sub": "cms"}));
        assert_eq!(tokens().read(&endless, NOW), Err(Fault::Invalid));
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        // {"alg":"none","typ":"JWT"} . {"sub":"u1","use":"access","exp":9999999999} .
        let token = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.\
                     eyJzdWIiOiJ1MSIsInVzZSI6ImFjY2VzcyIsImV4cCI6OTk5OTk5OTk5OX0.";
        assert_eq!(tokens().read(token, NOW), Err(Fault::Invalid));
        assert_eq!(tokens().read("", NOW), Err(Fault::Invalid));
        assert_eq!(tokens().read("a.b.c", NOW), Err(Fault::Invalid));
    }
}

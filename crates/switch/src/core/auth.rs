//! Who sends a request: digest authentication, RFC 3261 §22 and RFC 7616.
//!
//! Unknown account, wrong password, foreign realm, foreign nonce and an account that is switched off are refused alike:
//! the same challenge after the same work, so that nobody learns which accounts exist. `stale=true` says something about
//! the nonce alone.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use clock::Time;
use foldhash::fast::FixedState;
use model::{Account, Ha1};
use parking_lot::Mutex;
use sip::digest::{Algorithm, Challenge, Credentials, NonceCounts, NonceState, Qop, verify};
use sip::{Incoming, Method, Name, Reply, StatusCode};
use uri::Aor;

use super::{Env, State};

/// Locks of the table of used nonces.
const STRIPES: usize = 16;

/// Used nonces of each stripe; the oldest leave. 1,500 registrations a second use 450,000 in the usual lifetime.
const NONCES_PER_STRIPE: usize = 32_768;

/// Digits that no HA1 is: what the proofs of unknown accounts are computed against.
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The `nc` windows of nonces in use, shared by the shards: a captured request passes on none of them again.
pub(crate) struct Nonces {
    stripes: [Mutex<NonceCounts>; STRIPES],
}

impl Nonces {
    pub(crate) fn new(ttl: Duration, now: Time) -> Nonces {
        let stripe = || {
            let mut counts = NonceCounts::new(NONCES_PER_STRIPE, ttl);
            counts.refuse_before(now);
            Mutex::new(counts)
        };
        Nonces { stripes: std::array::from_fn(|_| stripe()) }
    }

    fn accept(&self, nonce: &str, nc: u32, now: Time) -> bool {
        let index = FixedState::with_seed(0).hash_one(nonce) as usize % STRIPES;
        self.stripes.get(index).is_some_and(|stripe| stripe.lock().accept(nonce, nc, now))
    }
}

/// What came of looking at a request's credentials.
pub(crate) enum Verdict {
    /// It comes from this account.
    From(Arc<Account>),
    /// Ask for credentials, with this word about the nonce.
    Challenge { stale: bool },
}

/// Who asks for credentials: decides statuses and headers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenged {
    /// A registrar or another end: 401.
    AsServer,
    /// Somebody the request passes through: 407.
    AsProxy,
}

impl Challenged {
    fn credentials(self) -> Name {
        match self {
            Challenged::AsServer => Name::Authorization,
            Challenged::AsProxy => Name::ProxyAuthorization,
        }
    }
}

impl Env {
    /// Looks at the credentials of a request for one of our domains.
    pub(crate) fn authenticate(
        &self,
        now: Time,
        incoming: &Incoming,
        domain: &str,
        by: Challenged,
    ) -> Verdict {
        let message = &incoming.message;
        let realm = self.rules.realm_of(domain);
        let mut given = message.headers(by.credentials()).filter_map(|line| Credentials::parse(line).ok());
        let Some(first) = given.next() else { return Verdict::Challenge { stale: false } };
        // Several lines are for several realms, RFC 3261 §22.3.
        let credentials = if first.realm == realm {
            first
        } else {
            given.find(|other| other.realm == realm).unwrap_or(first)
        };
        let account = Aor::new(&credentials.username, domain)
            .ok()
            .filter(|_| credentials.realm == realm)
            .and_then(|aor| self.shared.directory().account_by_aor(&aor).cloned());
        let secret = account.as_deref().and_then(|account| ha1(&account.secrets, credentials.algorithm));
        let method = message.method_text().as_bytes();
        let against = secret.unwrap_or_else(|| nobody(credentials.algorithm));
        let proven = verify(&credentials, method, against, message.body()) && secret.is_some();
        match self.rules.nonce_key.check(&credentials.nonce, now, self.rules.nonce_ttl) {
            NonceState::Foreign => return Verdict::Challenge { stale: false },
            NonceState::Stale => return Verdict::Challenge { stale: true },
            NonceState::Fresh => {}
        }
        let Some(account) = account.filter(|account| proven && account.enabled) else {
            return Verdict::Challenge { stale: false };
        };
        // Without qop there is no count (RFC 2069): such a nonce passes once.
        if self.shared.nonces.accept(&credentials.nonce, credentials.nc.unwrap_or(1), now) {
            Verdict::From(account)
        } else {
            Verdict::Challenge { stale: true }
        }
    }
}

/// The stored proof for an algorithm, if there is one.
fn ha1(secrets: &Ha1, algorithm: Algorithm) -> Option<&str> {
    let stored = match algorithm.base() {
        Algorithm::Sha256 => &secrets.sha256,
        Algorithm::Sha512_256 => &secrets.sha512_256,
        _ => &secrets.md5,
    };
    (!stored.is_empty()).then_some(stored.as_str())
}

fn nobody(algorithm: Algorithm) -> &'static str {
    let digits = if algorithm.base() == Algorithm::Md5 { 32 } else { 64 };
    NOBODY.get(..digits).unwrap_or(NOBODY)
}

impl State {
    /// Asks for credentials and keeps nothing of the request.
    pub(crate) fn challenge(
        &mut self,
        env: &Env,
        now: Time,
        incoming: &Incoming,
        ask: (Challenged, &str, bool),
    ) {
        let (by, domain, stale) = ask;
        let nonce = env.rules.nonce_key.issue(now, self.random.u64());
        let challenge = Challenge {
            realm: env.rules.realm_of(domain),
            nonce: &nonce,
            algorithms: &env.rules.algorithms,
            stale,
            qop: &[Qop::Auth],
        };
        let (status, name) = match by {
            Challenged::AsServer => (StatusCode::UNAUTHORIZED, Name::WwwAuthenticate),
            Challenged::AsProxy => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Name::ProxyAuthenticate),
        };
        let mut reply = Reply::new(status);
        for value in challenge.to_headers() {
            reply = reply.header(name, value);
        }
        // The ACK to a refused INVITE finds no transaction and is dropped.
        debug_assert_ne!(incoming.message.method(), Some(Method::Ack));
        self.reply(now, incoming, reply);
    }
}

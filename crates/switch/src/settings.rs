//! What an operator can set.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
pub use sip::digest::Algorithm;

/// Chooses the address of ours that a peer should see, by the peer's address.
pub type Advertise = Arc<dyn Fn(IpAddr) -> IpAddr + Send + Sync>;

/// Everything the exchange needs at its start.
#[derive(Clone)]
pub struct Settings {
    /// Who we are.
    pub identity: Identity,
    /// SIP listeners and workers.
    pub signaling: signaling::Settings,
    /// RTP ports and workers.
    pub media: media::Settings,
    /// The media address a peer should see in SDP, by the peer's address.
    pub media_address: Advertise,
    /// Bounds of registrations.
    pub registrar: RegistrarSettings,
    /// Bounds of calls.
    pub calls: CallSettings,
    /// Digest authentication.
    pub digest: DigestSettings,
}

/// Names and numbers that say who this server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The SIP domain of accounts that name none, lowercase: `pbx.example`.
    pub domain: String,
    /// The digest realm of that domain, fixed at the first start.
    pub realm: String,
    /// Further names and addresses that mean this server, lowercase and without port: `sip.pbx.example`, `192.0.2.1`.
    /// The address a request arrives at always does.
    pub local_names: Vec<String>,
    /// The `Server` and `User-Agent` header: `Crosspoint/0.1.0`.
    pub server_name: String,
    /// The number of this node, part of every id it makes.
    pub node: u16,
    /// The boot epoch from `Storage::next_epoch`, part of every id it makes.
    pub epoch: u16,
}

/// Bounds of registrations, RFC 3261 §10.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarSettings {
    /// A shorter expiry is refused with 423 and `Min-Expires`.
    pub min_expires: Duration,
    /// A longer expiry is cut to this.
    pub max_expires: Duration,
    /// The expiry of a contact that names none.
    pub default_expires: Duration,
    /// What happens to the contact above an account's `max_contacts`.
    pub when_full: WhenFull,
}

impl Default for RegistrarSettings {
    fn default() -> RegistrarSettings {
        RegistrarSettings {
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(86_400),
            default_expires: Duration::from_secs(3_600),
            when_full: WhenFull::Reject,
        }
    }
}

/// What happens to the contact above an account's `max_contacts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenFull {
    /// The new one is refused with 403.
    #[default]
    Reject,
    /// The oldest one is removed.
    DropOldest,
}

/// Bounds of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSettings {
    /// How long the callee may ring before the caller gets 480.
    pub ring_timeout: Duration,
    /// How long one group of contacts rings before the next one is tried, when forking goes by `q`.
    pub hunt_timeout: Duration,
    /// All contacts at once, or groups of equal `q` one after the other.
    pub forking: Forking,
    /// How long the 200 that answers a call waits for the commit of its open record; then it goes out without.
    pub commit_wait: Duration,
    /// A call longer than this is ended.
    pub max_duration: Duration,
    /// Calls at once on this server; above it 503 with `Retry-After`.
    pub max_calls: usize,
}

impl Default for CallSettings {
    fn default() -> CallSettings {
        CallSettings {
            ring_timeout: Duration::from_secs(60),
            hunt_timeout: Duration::from_secs(20),
            forking: Forking::Parallel,
            commit_wait: Duration::from_secs(2),
            max_duration: Duration::from_secs(12 * 3_600),
            max_calls: 20_000,
        }
    }
}

pub use call::Forking;

/// Digest authentication, RFC 8760.
#[derive(Clone)]
pub struct DigestSettings {
    /// The secret that makes nonces verifiable without memory; the same after a restart, so that clients go on.
    pub nonce_key: [u8; 32],
    /// How long a nonce can be used; afterwards the challenge says `stale`.
    pub nonce_ttl: Duration,
    /// What a challenge offers, one header line each. Whatever is offered, every algorithm with a stored HA1 is taken.
    ///
    /// MD5 alone by default: the phones this has to work with read the first challenge only and know nothing else (SIPp,
    /// JsSIP), or give up when any of them names another algorithm (baresip up to 1.1).
    pub algorithms: Vec<Algorithm>,
}

impl DigestSettings {
    /// With this key, and the usual lifetime and algorithms.
    #[must_use]
    pub fn new(nonce_key: [u8; 32]) -> DigestSettings {
        DigestSettings { nonce_key, nonce_ttl: Duration::from_secs(300), algorithms: vec![Algorithm::Md5] }
    }
}

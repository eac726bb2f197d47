//! What a shard is given: the operator's rules, and what all shards share.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use clock::Time;
use model::Directory;
use sip::digest::NonceKey;

use super::auth::Nonces;
use crate::calls::Occupancy;
use crate::registrar::Locations;
use crate::settings::{Algorithm, CallSettings, DigestSettings, Identity, RegistrarSettings};

/// What an operator has decided, as far as the core is concerned.
#[derive(Clone)]
pub struct Rules {
    /// Who we are.
    pub identity: Identity,
    /// Bounds of registrations.
    pub registrar: RegistrarSettings,
    /// Bounds of calls.
    pub calls: CallSettings,
    pub(crate) nonce_key: NonceKey,
    pub(crate) nonce_ttl: Duration,
    pub(crate) algorithms: Vec<Algorithm>,
}

impl Rules {
    /// From the settings of the exchange.
    #[must_use]
    pub fn new(
        identity: Identity,
        registrar: RegistrarSettings,
        calls: CallSettings,
        digest: &DigestSettings,
    ) -> Rules {
        Rules {
            identity,
            registrar,
            calls,
            nonce_key: NonceKey::new(digest.nonce_key),
            nonce_ttl: digest.nonce_ttl,
            algorithms: digest.algorithms.clone(),
        }
    }

    /// The realm of one of our domains.
    #[must_use]
    pub fn realm_of<'a>(&'a self, domain: &'a str) -> &'a str {
        if domain == self.identity.domain { &self.identity.realm } else { domain }
    }
}

/// What all shards share. Every lock in it is short and held across nothing.
pub struct Shared {
    directory: ArcSwap<Directory>,
    /// Where accounts can be reached.
    pub locations: Locations,
    /// How many calls each account has.
    pub(crate) occupancy: Occupancy,
    pub(crate) nonces: Nonces,
}

impl Shared {
    /// With this directory, no contacts and no calls. Nonces issued before `now` are refused as stale: which of their
    /// requests were used already, nobody knows any more.
    #[must_use]
    pub fn new(directory: Directory, rules: &Rules, now: Time) -> Shared {
        Shared {
            directory: ArcSwap::from_pointee(directory),
            locations: Locations::default(),
            occupancy: Occupancy::default(),
            nonces: Nonces::new(rules.nonce_ttl, now),
        }
    }

    /// The present directory.
    pub fn directory(&self) -> Guard<Arc<Directory>> {
        self.directory.load()
    }

    /// The places in calls that all accounts together take: what a simulation asks at its end.
    #[must_use]
    pub fn calls_of_accounts(&self) -> u32 {
        self.occupancy.total()
    }

    /// The present directory, to keep.
    #[must_use]
    pub fn directory_snapshot(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Swaps the directory; running decisions keep the old one.
    pub fn swap_directory(&self, directory: Directory) {
        self.directory.store(Arc::new(directory));
    }
}

/// What a shard is given.
#[derive(Clone)]
pub struct Env {
    /// Shared with the other shards.
    pub shared: Arc<Shared>,
    /// The operator's.
    pub rules: Arc<Rules>,
}

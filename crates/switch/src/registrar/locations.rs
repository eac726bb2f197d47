//! Where accounts can be reached now, shared by all shards.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clock::Time;
use foldhash::fast::{FixedState, RandomState};
use model::{AccountId, Binding, BindingKey};
use parking_lot::Mutex;

/// Locks: a worker seldom meets another one.
const STRIPES: usize = 64;

/// Expired contacts are not looked for more often than this; until then they are only not used.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// A contact, and what it waits for.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) binding: Box<Binding>,
    /// The ticket of the write that is not committed yet.
    pub(crate) ticket: Option<u64>,
}

/// The contacts of all accounts, behind striped locks.
pub struct Locations {
    stripes: [Mutex<Stripe>; STRIPES],
    count: AtomicUsize,
}

#[derive(Default)]
struct Stripe {
    accounts: HashMap<AccountId, Vec<Held>, RandomState>,
    /// No contact expires before this.
    first_expiry: Option<Time>,
}

impl Default for Locations {
    fn default() -> Locations {
        Locations { stripes: std::array::from_fn(|_| Mutex::default()), count: AtomicUsize::new(0) }
    }
}

impl Locations {
    /// How many contacts there are, expired ones that nobody looked at included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what the database kept, at the start.
    pub fn load(&self, bindings: impl IntoIterator<Item = Binding>) {
        for binding in bindings {
            let mut stripe = self.stripe(binding.account).lock();
            stripe.expires(binding.expires_at);
            let held = stripe.accounts.entry(binding.account).or_default();
            held.push(Held { binding: Box::new(binding), ticket: None });
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The live contacts of an account, the oldest first.
    #[must_use]
    pub fn of(&self, account: AccountId, now: Time) -> Vec<Binding> {
        let stripe = self.stripe(account).lock();
        let held = stripe.accounts.get(&account).map(Vec::as_slice).unwrap_or_default();
        held.iter()
            .filter(|held| held.binding.is_live(now))
            .map(|held| Binding::clone(&held.binding))
            .collect()
    }

    /// Every live contact, ordered by address of record.
    #[must_use]
    pub fn all(&self, now: Time) -> Vec<Binding> {
        let mut all = Vec::with_capacity(self.len());
        for stripe in &self.stripes {
            let stripe = stripe.lock();
            let held = stripe.accounts.values().flatten().filter(|held| held.binding.is_live(now));
            all.extend(held.map(|held| Binding::clone(&held.binding)));
        }
        all.sort_by(|one, other| {
            (&one.aor, one.registered_at, &one.id).cmp(&(&other.aor, other.registered_at, &other.id))
        });
        all
    }

    /// Removes the contacts of an account.
    pub fn remove(&self, account: AccountId) -> Vec<Binding> {
        let removed = self.stripe(account).lock().accounts.remove(&account).unwrap_or_default();
        self.count.fetch_sub(removed.len(), Ordering::Relaxed);
        removed.into_iter().map(|held| *held.binding).collect()
    }

    /// The earliest time at which a contact may expire.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Time> {
        self.stripes.iter().filter_map(|stripe| stripe.lock().first_expiry).min()
    }

    /// Changes the live contacts of an account under its lock; those that expired are gone before.
    pub(crate) fn update<R>(
        &self,
        account: AccountId,
        now: Time,
        change: impl FnOnce(&mut Vec<Held>) -> R,
    ) -> R {
        let mut stripe = self.stripe(account).lock();
        let held = stripe.accounts.entry(account).or_default();
        let before = held.len();
        held.retain(|held| held.binding.is_live(now));
        let result = change(held);
        let after = held.len();
        let expiry = held.iter().map(|held| held.binding.expires_at).min();
        if after == 0 {
            stripe.accounts.remove(&account);
        }
        expiry.into_iter().for_each(|expiry| stripe.expires(expiry));
        if after >= before {
            self.count.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.count.fetch_sub(before - after, Ordering::Relaxed);
        }
        result
    }

    /// The writes of this ticket are on the disk: these contacts are durable, unless they changed since.
    pub(crate) fn durable(&self, account: AccountId, keys: &[BindingKey], ticket: u64) {
        let mut stripe = self.stripe(account).lock();
        let held = stripe.accounts.get_mut(&account).map(Vec::as_mut_slice).unwrap_or_default();
        for held in
            held.iter_mut().filter(|held| held.ticket == Some(ticket) && keys.contains(&held.binding.id))
        {
            held.ticket = None;
        }
    }

    /// Takes out what has expired; when to look again.
    pub(crate) fn sweep(&self, now: Time) -> (Vec<Binding>, Option<Time>) {
        let mut gone = Vec::new();
        let mut next: Option<Time> = None;
        for stripe in &self.stripes {
            let mut stripe = stripe.lock();
            if stripe.first_expiry.is_some_and(|first| first <= now) {
                stripe.take_expired(now, &mut gone);
            }
            next = [next, stripe.first_expiry].into_iter().flatten().min();
        }
        self.count.fetch_sub(gone.len(), Ordering::Relaxed);
        gone.sort_by(|one, other| (one.account, &one.id).cmp(&(other.account, &other.id)));
        (gone, next.map(|next| next.max(now + SWEEP_INTERVAL)))
    }

    fn stripe(&self, account: AccountId) -> &Mutex<Stripe> {
        let index = FixedState::with_seed(0).hash_one(account) as usize % STRIPES;
        let [first, ..] = &self.stripes;
        self.stripes.get(index).unwrap_or(first)
    }
}

impl Stripe {
    fn expires(&mut self, at: Time) {
        self.first_expiry = Some(self.first_expiry.map_or(at, |first| first.min(at)));
    }

    fn take_expired(&mut self, now: Time, gone: &mut Vec<Binding>) {
        let mut first: Option<Time> = None;
        self.accounts.retain(|_, held| {
            for old in held.extract_if(.., |held| !held.binding.is_live(now)) {
                gone.push(*old.binding);
            }
            let expiry = held.iter().map(|held| held.binding.expires_at);
            first = expiry.chain(first).min();
            !held.is_empty()
        });
        self.first_expiry = first;
    }
}

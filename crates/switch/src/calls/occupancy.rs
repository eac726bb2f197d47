//! How many calls each account has, shared by all shards.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::{FixedState, RandomState};
use model::AccountId;
use parking_lot::Mutex;

const STRIPES: usize = 16;

/// Calls of each account that has any, as caller or callee.
pub(crate) struct Occupancy {
    stripes: [Mutex<HashMap<AccountId, u32, RandomState>>; STRIPES],
}

impl Default for Occupancy {
    fn default() -> Occupancy {
        Occupancy { stripes: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Occupancy {
    /// Takes one of the `most` places of an account; false when there is none left.
    pub(crate) fn take(&self, account: AccountId, most: u32) -> bool {
        let mut stripe = self.stripe(account).lock();
        let count = stripe.entry(account).or_insert(0);
        let free = *count < most;
        *count += u32::from(free);
        free
    }

    /// Gives a place back.
    pub(crate) fn give_back(&self, account: AccountId) {
        let mut stripe = self.stripe(account).lock();
        if let Some(count) = stripe.get_mut(&account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                stripe.remove(&account);
            }
        }
    }

    /// The places that all accounts together take.
    pub(crate) fn total(&self) -> u32 {
        self.stripes.iter().map(|stripe| stripe.lock().values().sum::<u32>()).sum()
    }

    fn stripe(&self, account: AccountId) -> &Mutex<HashMap<AccountId, u32, RandomState>> {
        let index = FixedState::with_seed(1).hash_one(account) as usize % STRIPES;
        let [first, ..] = &self.stripes;
        self.stripes.get(index).unwrap_or(first)
    }
}

#[cfg(test)]
mod tests {
    use model::Uid;

    use super::*;

    #[test]
    fn places_are_taken_up_to_the_bound_and_come_back() {
        let (ann, bob) = (AccountId(Uid::from_bytes([1; 16])), AccountId(Uid::from_bytes([2; 16])));
        let occupancy = Occupancy::default();
        assert!(occupancy.take(ann, 2) && occupancy.take(ann, 2));
        assert!(!occupancy.take(ann, 2));
        assert!(occupancy.take(bob, 1));
        occupancy.give_back(ann);
        assert!(occupancy.take(ann, 2));
        occupancy.give_back(bob);
        occupancy.give_back(bob);
        assert!(!occupancy.take(bob, 0));
    }
}

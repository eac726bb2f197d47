//! Request counts: each `nc` of a nonce is accepted once.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Time;
use serde::{Deserialize, Serialize};

use super::nonce::NonceId;
use crate::limits::{MAX_NONCES, NC_WINDOW};

/// Which counts of one nonce have been seen: the highest, and those up to [`NC_WINDOW`] below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NcWindow {
    highest: u32,
    /// Bit n: `highest - n` was seen.
    seen: u64,
}

impl NcWindow {
    /// Accepts a count that was not seen before and is not too far behind. 0 is no count.
    pub fn accept(&mut self, nc: u32) -> bool {
        if nc == 0 {
            return false;
        }
        if nc > self.highest {
            self.seen = self.seen.checked_shl(nc - self.highest).unwrap_or(0) | 1;
            self.highest = nc;
            return true;
        }
        let behind = self.highest - nc;
        if behind >= NC_WINDOW || self.seen & (1 << behind) != 0 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

/// The windows of all nonces in use. Bounded: entries leave when their nonce is too old to be accepted, and when there are
/// too many, the oldest nonce goes. A nonce that was forgotten is refused, not taken for a new one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NonceCounts {
    windows: BTreeMap<NonceId, NcWindow>,
    capacity: usize,
    ttl: Duration,
    /// Nonces up to this one are refused unless they have a window.
    forgotten: Option<NonceId>,
}

impl NonceCounts {
    /// For at most `capacity` nonces (0 means [`MAX_NONCES`]), each accepted for `ttl`, the lifetime given to
    /// [`super::NonceKey::check`].
    #[must_use]
    pub fn new(capacity: usize, ttl: Duration) -> NonceCounts {
        let capacity = if capacity == 0 { MAX_NONCES } else { capacity };
        NonceCounts { windows: BTreeMap::new(), capacity, ttl, forgotten: None }
    }

    /// Refuses all nonces issued before `time` that have no window: a process that starts without the counts of its
    /// predecessor cannot know which of their requests were already used.
    pub fn refuse_before(&mut self, time: Time) {
        self.forgotten = self.forgotten.max(Some(NonceId { issued: time, salt: 0 }));
    }

    /// Whether a request with this nonce and count may pass. The nonce was checked and the proof verified before.
    ///
    /// `false` is to be answered by a challenge with `stale=true`: an honest client repeats its request with the new nonce.
    pub fn accept(&mut self, nonce: &str, nc: u32, now: Time) -> bool {
        let Some(id) = NonceId::read(nonce) else { return false };
        if let Some(window) = self.windows.get_mut(&id) {
            return window.accept(nc);
        }
        if Some(id) <= self.forgotten {
            return false;
        }
        let mut window = NcWindow::default();
        if !window.accept(nc) {
            return false;
        }
        self.make_room(now);
        self.windows.insert(id, window);
        true
    }

    /// How many nonces are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether no nonce is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Drops nonces past their lifetime, and the oldest when the table is full. Each request drops about as many as it
    /// adds: no pass over the table.
    fn make_room(&mut self, now: Time) {
        /// Of those past their lifetime, how many go at once.
        const SWEEP: usize = 4;
        let too_old = now - self.ttl;
        for _ in 0..SWEEP {
            let Some((oldest, _)) = self.windows.first_key_value() else { return };
            let expired = oldest.issued < too_old;
            if !expired && self.windows.len() < self.capacity {
                return;
            }
            if let Some((id, _)) = self.windows.pop_first() {
                self.forgotten = self.forgotten.max(Some(id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::NonceKey;

    const TTL: Duration = Duration::from_secs(300);

    fn nonce(secs: u64, salt: u64) -> String {
        NonceKey::new([1; 32]).issue(Time::from_secs(secs), salt)
    }

    #[test]
    fn each_count_passes_once_beyond_the_255th() {
        let mut window = NcWindow::default();
        for nc in 1..=1_000 {
            assert!(window.accept(nc), "{nc}");
            assert!(!window.accept(nc), "{nc} again");
        }
        assert!(window.accept(u32::MAX));
        assert!(!window.accept(u32::MAX));
        assert!(!window.accept(0));
    }

    #[test]
    fn counts_out_of_order_pass_once_each_within_the_window() {
        let mut window = NcWindow::default();
        assert!(window.accept(5));
        assert!(window.accept(3));
        assert!(window.accept(4));
        assert!(!window.accept(3));
        assert!(window.accept(1));
        assert!(window.accept(100));
        assert!(!window.accept(5));
        assert!(!window.accept(100 - NC_WINDOW));
        assert!(window.accept(100 - NC_WINDOW + 1));
        assert!(!window.accept(100 - NC_WINDOW + 1));
    }

    #[test]
    fn a_captured_request_does_not_pass_again() {
        let mut counts = NonceCounts::new(10, TTL);
        let now = Time::from_secs(1_000);
        let captured = nonce(1_000, 1);
        assert!(counts.accept(&captured, 1, now));
        assert!(!counts.accept(&captured, 1, now));
        assert!(counts.accept(&captured, 2, now));
        assert!(!counts.accept("not ours", 1, now));
    }

    #[test]
    fn a_forgotten_nonce_is_refused() {
        let mut counts = NonceCounts::new(3, TTL);
        let now = Time::from_secs(1_010);
        for at in 0..4 {
            assert!(counts.accept(&nonce(1_000 + at, at), 1, now));
        }
        assert_eq!(counts.len(), 3);
        assert!(!counts.accept(&nonce(1_000, 0), 1, now), "replayed after its window was dropped");
        assert!(!counts.accept(&nonce(999, 9), 1, now), "older than what was dropped");
        assert!(counts.accept(&nonce(1_003, 3), 2, now));
    }

    #[test]
    fn old_nonces_leave_and_a_restart_refuses_what_it_cannot_know() {
        let mut counts = NonceCounts::new(0, TTL);
        assert!(counts.accept(&nonce(0, 1), 1, Time::from_secs(1)));
        assert!(counts.accept(&nonce(1_000, 2), 1, Time::from_secs(1_000)));
        assert_eq!(counts.len(), 1);

        let mut counts = NonceCounts::new(0, TTL);
        counts.refuse_before(Time::from_secs(50));
        assert!(!counts.accept(&nonce(49, 1), 7, Time::from_secs(51)));
        assert!(counts.accept(&nonce(50, 1), 1, Time::from_secs(51)));
        assert!(!counts.is_empty());
    }
}

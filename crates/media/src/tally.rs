//! Counters that a worker writes and anybody reads.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Counters;

/// One worker's counters. Only the worker writes, so adding needs no locked instruction.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) received: Count,
    pub(crate) sent: Count,
    pub(crate) dropped: Count,
    pub(crate) opened: Count,
    pub(crate) closed: Count,
    pub(crate) panics: Count,
}

/// A counter with one writer.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds one; only the worker calls this.
    pub(crate) fn add(&self) {
        self.0.store(self.value().wrapping_add(1), Ordering::Relaxed);
    }

    /// The value now.
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    /// Adds this worker's counts.
    pub(crate) fn add_to(&self, counters: &mut Counters) {
        counters.packets_received += self.received.value();
        counters.packets_sent += self.sent.value();
        counters.packets_dropped += self.dropped.value();
        counters.sessions += self.opened.value().saturating_sub(self.closed.value());
        counters.panics += self.panics.value();
    }
}

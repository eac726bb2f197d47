//! The clock of the running server.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::Time;

/// Reads the time for the shells: monotonic, anchored at the wall clock of the start.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
    anchor: Time,
}

impl SystemClock {
    /// Anchors the clock at the present wall time.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the product that reads the system's clocks"
    )]
    pub fn new() -> SystemClock {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        SystemClock { started: Instant::now(), anchor: Time::ZERO + wall }
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.anchor + self.started.elapsed()
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

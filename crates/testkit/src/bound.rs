//! Waiting with a bound.

use std::time::Duration;

use clock::{SystemClock, Time};

/// How long any single event of a test may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long nothing has to happen before a test believes that nothing happens. Only for proving absences.
pub const SHORTLY: Duration = Duration::from_millis(300);

/// The end of a wait.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    clock: SystemClock,
    end: Time,
}

impl Bound {
    /// A wait of at most `within` from now on.
    #[must_use]
    pub fn within(within: Duration) -> Bound {
        let clock = SystemClock::new();
        Bound { clock, end: clock.now() + within }
    }

    /// What is left; zero when the time is up.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.end.since(self.clock.now())
    }

    /// Whether the time is up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

//! When a call wakes up by itself.

use clock::Time;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What a call waits for. At most one of each runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Timer {
    /// When the callee has rung long enough.
    Ring,
    /// When the present group of contacts has rung long enough and the next one has its turn.
    Hunt,
    /// When the answer goes out though its record is not committed.
    Commit,
    /// When a call has lasted as long as one may.
    Duration,
    /// When the other side of a re-INVITE has had its time.
    Reoffer,
    /// When the record is closed without the totals of a media session that does not report.
    Totals,
    /// When branches that never finished are forgotten.
    Linger,
}

/// The running timers, unordered: there are two or three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timers(SmallVec<[(Timer, Time); 4]>);

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Time) {
        self.clear(timer);
        self.0.push((timer, at));
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        self.0.retain(|entry| entry.0 != timer);
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.0.iter().map(|entry| entry.1).min()
    }

    /// Takes the earliest timer that is due.
    pub(crate) fn take_due(&mut self, now: Time) -> Option<Timer> {
        let due =
            self.0.iter().filter(|entry| entry.1 <= now).min_by_key(|entry| entry.1).map(|entry| entry.0)?;
        self.clear(due);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_due_timer_comes_first_and_once() {
        let at = Time::from_secs;
        let mut timers = Timers::default();
        timers.set(Timer::Ring, at(60));
        timers.set(Timer::Hunt, at(20));
        timers.set(Timer::Hunt, at(30));
        assert_eq!(timers.next(), Some(at(30)));
        assert_eq!(timers.take_due(at(29)), None);
        assert_eq!(timers.take_due(at(70)), Some(Timer::Hunt));
        assert_eq!(timers.take_due(at(70)), Some(Timer::Ring));
        assert_eq!((timers.take_due(at(70)), timers.next()), (None, None));
    }
}

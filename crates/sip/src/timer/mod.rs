//! Every timer of the SIP core, in one table.
//!
//! The endpoint never waits: it says through `poll_timeout` when it wants to be called next, and is then told the
//! time. Timers fire in the order of their deadlines; among equal ones, in an order that depends on nothing but what
//! was put in (so that a run can be repeated).

mod queue;

pub(crate) use queue::{Handle, Timers};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::endpoint::Settings;

/// What a timer is for. The letters are those of RFC 3261 and RFC 6026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Timer {
    /// When to repeat the INVITE: T1, doubled each time, unreliable transports only. RFC 3261 §17.1.1.2.
    A,
    /// When to give up an INVITE nobody responds to: 64*T1. RFC 3261 §17.1.1.2.
    B,
    /// When to cancel an INVITE that rings without a word; restarted by each provisional. RFC 3261 §16.6 item 11.
    C,
    /// How long to acknowledge repetitions of a refused INVITE's response: 64*T1. RFC 3261 §17.1.1.2.
    D,
    /// When to repeat a non-INVITE request: T1, doubled up to T2. RFC 3261 §17.1.2.2.
    E,
    /// When to give up a non-INVITE request: 64*T1. RFC 3261 §17.1.2.2.
    F,
    /// When to repeat the refusal of an INVITE: T1, doubled up to T2, unreliable only. RFC 3261 §17.2.1.
    G,
    /// When to stop waiting for the ACK to a refusal: 64*T1. RFC 3261 §17.2.1.
    H,
    /// How long to absorb repetitions of that ACK: T4. RFC 3261 §17.2.1.
    I,
    /// How long to answer repetitions of a non-INVITE request: 64*T1. RFC 3261 §17.2.2.
    J,
    /// How long to absorb repetitions of a non-INVITE response: T4. RFC 3261 §17.1.2.2.
    K,
    /// How long to absorb repetitions of an INVITE that was answered: 64*T1. RFC 6026 §7.1.
    L,
    /// How long to take repeated or forked 2xx to an INVITE: 64*T1. RFC 6026 §7.2.
    M,
    /// How long to wait for the final response after a CANCEL: 64*T1. RFC 3261 §9.1.
    CancelWait,
    /// When to forget a non-INVITE request its user never answered (a 408 would be wrong): 64*T1. RFC 4320 §4.2.
    Unanswered,
    /// When to repeat a 2xx to an INVITE that is not acknowledged: T1, doubled up to T2, on any transport.
    /// RFC 3261 §13.3.1.4.
    AnswerRepeat,
    /// When to stop waiting for the ACK to a 2xx: 64*T1. RFC 3261 §13.3.1.4.
    AckWait,
}

/// Who has to be told that a timer fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Client,
    Server,
    Dialog,
}

/// A machine runs at most two timers at once: one that repeats, one that ends its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Repeat,
    Limit,
}

/// Doublings beyond this exceed every limit there is (2⁷ * T1 > 64 * T1).
const MAX_DOUBLINGS: u8 = 7;

impl Timer {
    /// Who has to be told.
    pub(crate) const fn owner(self) -> Owner {
        match self {
            Timer::A | Timer::B | Timer::C | Timer::D | Timer::E | Timer::F => Owner::Client,
            Timer::K | Timer::M | Timer::CancelWait => Owner::Client,
            Timer::G | Timer::H | Timer::I | Timer::J | Timer::L | Timer::Unanswered => Owner::Server,
            Timer::AnswerRepeat | Timer::AckWait => Owner::Dialog,
        }
    }

    /// Which of its owner's two timers it is.
    pub(crate) const fn role(self) -> Role {
        match self {
            Timer::A | Timer::E | Timer::G | Timer::AnswerRepeat => Role::Repeat,
            _ => Role::Limit,
        }
    }

    /// How long it runs, the `repeats` messages already repeated considered. `None`: it is not to be started.
    pub(crate) fn duration(self, settings: &Settings, repeats: u8) -> Option<Duration> {
        let doubled = || settings.t1.saturating_mul(1 << repeats.min(MAX_DOUBLINGS));
        match self {
            Timer::A => Some(doubled()),
            Timer::E | Timer::G | Timer::AnswerRepeat => Some(doubled().min(settings.t2)),
            Timer::C => settings.timer_c,
            Timer::I | Timer::K => Some(settings.t4),
            _ => Some(settings.t1.saturating_mul(64)),
        }
    }
}

/// The two timers a machine may have running.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Running {
    repeat: Handle,
    limit: Handle,
    /// How often the repeating timer was started since it last rested.
    repeats: u8,
}

impl Running {
    /// Starts `timer` for `owner`, in place of the one of the same role.
    pub(crate) fn start(&mut self, timers: &mut Timers, settings: &Settings, timer: Timer, due: Due) {
        let repeats = self.repeats;
        self.stop(timers, timer.role());
        if timer.role() == Role::Repeat {
            self.repeats = repeats.saturating_add(1);
        }
        let Some(duration) = timer.duration(settings, repeats) else { return };
        let handle = timers.start(due.now, duration, timer, due.owner);
        match timer.role() {
            Role::Repeat => self.repeat = handle,
            Role::Limit => self.limit = handle,
        }
    }

    /// Starts a repeating timer at its longest interval.
    pub(crate) fn start_slow(&mut self, timers: &mut Timers, settings: &Settings, timer: Timer, due: Due) {
        self.repeats = MAX_DOUBLINGS;
        self.start(timers, settings, timer, due);
    }

    /// Stops the timer of this role, if one runs.
    pub(crate) fn stop(&mut self, timers: &mut Timers, role: Role) {
        match role {
            Role::Repeat => {
                timers.stop(std::mem::take(&mut self.repeat));
                self.repeats = 0;
            }
            Role::Limit => timers.stop(std::mem::take(&mut self.limit)),
        }
    }

    /// Stops both.
    pub(crate) fn stop_all(&mut self, timers: &mut Timers) {
        self.stop(timers, Role::Repeat);
        self.stop(timers, Role::Limit);
    }

    /// Whether a timer of this role runs.
    pub(crate) fn runs(&self, role: Role) -> bool {
        match role {
            Role::Repeat => self.repeat != Handle::default(),
            Role::Limit => self.limit != Handle::default(),
        }
    }

    /// Takes note that the timer of this role fired: it runs no more, and need not be stopped.
    pub(crate) fn fired(&mut self, role: Role) {
        match role {
            Role::Repeat => self.repeat = Handle::default(),
            Role::Limit => self.limit = Handle::default(),
        }
    }
}

/// When a timer is started and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) now: clock::Time,
    pub(crate) owner: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_double_up_to_their_limit() {
        let settings = Settings::default();
        let millis = |timer: Timer, repeats| timer.duration(&settings, repeats).map(|d| d.as_millis());
        let series = |timer| (0..6).map(|n| millis(timer, n).unwrap()).collect::<Vec<_>>();
        assert_eq!(series(Timer::A), [500, 1_000, 2_000, 4_000, 8_000, 16_000]);
        for timer in [Timer::E, Timer::G, Timer::AnswerRepeat] {
            assert_eq!(series(timer), [500, 1_000, 2_000, 4_000, 4_000, 4_000]);
        }
        for timer in [Timer::B, Timer::D, Timer::F, Timer::H, Timer::J, Timer::L, Timer::M] {
            assert_eq!(millis(timer, 0), Some(32_000));
        }
        for timer in [Timer::CancelWait, Timer::Unanswered, Timer::AckWait] {
            assert_eq!(millis(timer, 0), Some(32_000));
        }
        assert_eq!(millis(Timer::I, 0), Some(5_000));
        assert_eq!(millis(Timer::K, 0), Some(5_000));
        assert!(millis(Timer::C, 0) > Some(180_000));
        assert_eq!(Timer::C.duration(&Settings { timer_c: None, ..settings.clone() }, 0), None);
        assert_eq!(millis(Timer::A, 200), Some(64_000));
    }

    #[test]
    fn a_started_timer_replaces_the_one_of_its_role() {
        let settings = Settings::default();
        let mut timers = Timers::default();
        let mut running = Running::default();
        let at = |secs| Due { now: clock::Time::from_secs(secs), owner: 1 };
        running.start(&mut timers, &settings, Timer::A, at(0));
        running.start(&mut timers, &settings, Timer::B, at(0));
        running.start(&mut timers, &settings, Timer::C, at(10));
        assert_eq!(timers.next(), Some(clock::Time::from_nanos(500_000_000)));
        running.stop(&mut timers, Role::Repeat);
        assert_eq!(timers.next(), Some(clock::Time::from_secs(195)));
        running.stop_all(&mut timers);
        assert_eq!(timers.next(), None);
    }
}

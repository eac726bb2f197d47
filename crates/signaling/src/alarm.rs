//! Wakes a worker that sleeps.

use std::sync::atomic::{AtomicBool, Ordering, fence};

use crate::io::EventFd;

/// An event descriptor with a flag, so that a busy worker is not woken by a system call per message.
///
/// The sleeper announces its sleep and looks at its rings once more; a sender pushes and then looks whether the
/// sleep was announced. With a full fence between the two steps on each side at least one of them sees the other.
#[derive(Debug)]
pub(crate) struct Alarm {
    event: EventFd,
    asleep: AtomicBool,
}

impl Alarm {
    pub(crate) fn new() -> std::io::Result<Alarm> {
        Ok(Alarm { event: EventFd::new()?, asleep: AtomicBool::new(false) })
    }

    /// Called after something was put where the worker will look.
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.event.signal();
        }
    }

    /// Called before the last look at the rings.
    pub(crate) fn going_to_sleep(&self) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Called after the sleep; `signalled` when the event descriptor was ready.
    pub(crate) fn awake(&self, signalled: bool) {
        self.asleep.store(false, Ordering::Relaxed);
        if signalled {
            self.event.clear();
        }
    }

    pub(crate) fn event(&self) -> &EventFd {
        &self.event
    }
}

//! How commands reach a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_queue::ArrayQueue;

use crate::io::Wake;
use crate::leg::{Leg, Plan};
use crate::{Error, SessionId, Target};

/// Commands waiting at one worker; beyond that callers are told [`Error::Busy`].
const MOST_COMMANDS: usize = 1_024;

/// From so many waiting commands on, also those that can wait wake the worker.
const MANY_COMMANDS: usize = MOST_COMMANDS / 8;

/// What a worker is asked to do.
pub(crate) enum Command {
    /// Take a new leg, whose sockets are watched already.
    Open(Box<Leg>),
    /// Treat a leg so.
    Apply(SessionId, Box<Plan>, Target),
    /// Tell its statistics.
    Query(SessionId),
}

/// The way to one worker: bounded, without a lock; the worker is woken only when it may sleep.
pub(crate) struct Mailbox {
    commands: ArrayQueue<Command>,
    /// Room for every session there can be, and each is released once: a release always finds room.
    releases: ArrayQueue<SessionId>,
    asleep: AtomicBool,
    stopped: AtomicBool,
    wake: Arc<Wake>,
}

impl Mailbox {
    /// For a worker that can have `sessions` at most.
    pub(crate) fn new(sessions: usize, wake: Arc<Wake>) -> Mailbox {
        Mailbox {
            commands: ArrayQueue::new(MOST_COMMANDS),
            releases: ArrayQueue::new(sessions.max(1)),
            asleep: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            wake,
        }
    }

    /// Asks for something, now.
    pub(crate) fn send(&self, command: Command) -> Result<(), Error> {
        let pushed = self.commands.push(command).map_err(|_| Error::Busy);
        self.nudge();
        pushed
    }

    /// Asks for something that can wait for the next reason to wake: a wake-up costs more than most commands.
    pub(crate) fn leave(&self, command: Command) -> Result<(), Error> {
        let pushed = self.commands.push(command).map_err(|_| Error::Busy);
        if self.commands.len() >= MANY_COMMANDS {
            self.nudge();
        }
        pushed
    }

    /// Asks for the end of a session whose use has been ended in the pool.
    pub(crate) fn release(&self, session: SessionId) {
        let queued = self.releases.push(session);
        debug_assert!(queued.is_ok(), "each session is released once");
        self.nudge();
    }

    /// Asks the worker to end.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.wake.notify();
    }

    /// Whether the worker shall end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Says that the worker is about to wait. False when something has come in: then it must not wait long.
    ///
    /// Either the sender's push is seen here, or this store is seen by the sender, who then wakes: both sides write
    /// first and read afterwards, in one order that all agree on (`SeqCst`).
    pub(crate) fn may_sleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        self.commands.is_empty() && self.releases.is_empty() && !self.is_stopped()
    }

    /// Says that the worker is awake.
    pub(crate) fn awake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// The next command.
    pub(crate) fn command(&self) -> Option<Command> {
        self.commands.pop()
    }

    /// The next session to end.
    pub(crate) fn released(&self) -> Option<SessionId> {
        self.releases.pop()
    }

    fn nudge(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.wake.notify();
        }
    }
}

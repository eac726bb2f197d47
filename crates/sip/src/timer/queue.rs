//! Running timers: one queue per duration.
//!
//! SIP knows a dozen durations, each started again and again. Timers of one duration expire in the order they were
//! started, so each has a queue of its own, linked through one arena: starting and stopping cost O(1), the next
//! deadline is the least of a dozen heads, nothing is left behind by a timer that was stopped.

use std::time::Duration;

use clock::Time;
use serde::{Deserialize, Serialize};

use super::Timer;

/// No entry.
const NONE: u32 = u32::MAX;

/// A timer that was started, to stop it by. The default is "not running".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Handle(u32);

impl Default for Handle {
    fn default() -> Handle {
        Handle(NONE)
    }
}

/// One running timer, or a free place in the arena (then `next` leads to another one).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Entry {
    deadline: Time,
    owner: u64,
    previous: u32,
    next: u32,
    queue: u16,
    timer: Timer,
}

/// The timers of one duration, the earliest at the head.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Queue {
    duration: Duration,
    head: u32,
    tail: u32,
}

/// All running timers of an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Timers {
    entries: Vec<Entry>,
    free: u32,
    live: usize,
    queues: Vec<Queue>,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers { entries: Vec::new(), free: NONE, live: 0, queues: Vec::new() }
    }
}

impl Timers {
    /// Starts a timer that fires `duration` after `now`.
    pub(crate) fn start(&mut self, now: Time, duration: Duration, timer: Timer, owner: u64) -> Handle {
        let queue = self.queue_of(duration);
        let deadline = now + duration;
        let place = self.place(Entry { deadline, owner, previous: NONE, next: NONE, queue, timer });
        self.link(place, queue, deadline);
        self.live += 1;
        Handle(place)
    }

    /// Stops a timer that has not fired; one that is not running is left alone.
    pub(crate) fn stop(&mut self, handle: Handle) {
        if handle.0 != NONE {
            self.unlink(handle.0);
        }
    }

    /// When the next timer fires.
    pub(crate) fn next(&self) -> Option<Time> {
        self.heads().map(|(deadline, _)| deadline).min()
    }

    /// Takes the next timer that is due, with its owner: the earliest, and among equals the shortest known first.
    pub(crate) fn fire(&mut self, now: Time) -> Option<(Timer, u64)> {
        let (deadline, place) = self.heads().min_by_key(|(deadline, _)| *deadline)?;
        if deadline > now {
            return None;
        }
        let entry = self.entries.get(place as usize)?;
        let fired = (entry.timer, entry.owner);
        self.unlink(place);
        Some(fired)
    }

    /// How many timers run.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    fn heads(&self) -> impl Iterator<Item = (Time, u32)> {
        self.queues.iter().filter_map(|queue| {
            self.entries.get(queue.head as usize).map(|entry| (entry.deadline, queue.head))
        })
    }

    /// The queue of this duration; a new duration gets a new one. Settings know a dozen, so few are ever made.
    fn queue_of(&mut self, duration: Duration) -> u16 {
        let found = self.queues.iter().position(|queue| queue.duration == duration);
        let index = found.unwrap_or_else(|| {
            self.queues.push(Queue { duration, head: NONE, tail: NONE });
            self.queues.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    /// Puts an entry into a free place of the arena, or a new one.
    fn place(&mut self, entry: Entry) -> u32 {
        if let Some(vacant) = self.entries.get_mut(self.free as usize) {
            let place = std::mem::replace(&mut self.free, vacant.next);
            *vacant = entry;
            return place;
        }
        self.entries.push(entry);
        u32::try_from(self.entries.len() - 1).unwrap_or(NONE)
    }

    /// Links a placed entry behind the last one that is not later; that is the tail unless time went back.
    fn link(&mut self, place: u32, queue: u16, deadline: Time) {
        let mut before = self.queues.get(usize::from(queue)).map_or(NONE, |queue| queue.tail);
        while let Some(entry) = self.entries.get(before as usize) {
            if entry.deadline <= deadline {
                break;
            }
            before = entry.previous;
        }
        let after = match self.entries.get(before as usize) {
            Some(entry) => entry.next,
            None => self.queues.get(usize::from(queue)).map_or(NONE, |queue| queue.head),
        };
        if let Some(entry) = self.entries.get_mut(place as usize) {
            entry.previous = before;
            entry.next = after;
        }
        self.join(queue, before, place);
        self.join(queue, place, after);
    }

    fn unlink(&mut self, place: u32) {
        let Some(&Entry { previous, next, queue, .. }) = self.entries.get(place as usize) else { return };
        self.join(queue, previous, next);
        self.live -= 1;
        if self.live == 0 {
            // Nothing runs: the memory of a busy hour goes back.
            *self = Timers { queues: std::mem::take(&mut self.queues), ..Timers::default() };
            return;
        }
        if let Some(entry) = self.entries.get_mut(place as usize) {
            entry.next = std::mem::replace(&mut self.free, place);
        }
    }

    /// Makes two entries neighbours; `NONE` stands for the end of the queue.
    fn join(&mut self, queue: u16, before: u32, after: u32) {
        match self.entries.get_mut(before as usize) {
            Some(entry) => entry.next = after,
            None => {
                if let Some(queue) = self.queues.get_mut(usize::from(queue)) {
                    queue.head = after;
                }
            }
        }
        match self.entries.get_mut(after as usize) {
            Some(entry) => entry.previous = before,
            None => {
                if let Some(queue) = self.queues.get_mut(usize::from(queue)) {
                    queue.tail = before;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(timers: &mut Timers, now: u64) -> Vec<u64> {
        std::iter::from_fn(|| timers.fire(Time::from_secs(now))).map(|(_, owner)| owner).collect()
    }

    #[test]
    fn timers_fire_in_the_order_of_their_deadlines() {
        let mut timers = Timers::default();
        let mut start =
            |now, secs, owner| timers.start(Time::from_secs(now), Duration::from_secs(secs), Timer::J, owner);
        start(0, 32, 1);
        start(1, 4, 2);
        start(2, 32, 3);
        start(2, 4, 4);
        assert_eq!(timers.next(), Some(Time::from_secs(5)));
        assert_eq!(drain(&mut timers, 4), [] as [u64; 0]);
        assert_eq!(drain(&mut timers, 33), [2, 4, 1]);
        assert_eq!(timers.next(), Some(Time::from_secs(34)));
        assert_eq!(drain(&mut timers, 34), [3]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_stopped_timer_never_fires_and_leaves_nothing() {
        let mut timers = Timers::default();
        let handles: Vec<Handle> = (0..100)
            .map(|owner| timers.start(Time::from_secs(owner), Duration::from_secs(32), Timer::J, owner))
            .collect();
        for (owner, handle) in handles.iter().enumerate() {
            if owner % 3 != 0 {
                timers.stop(*handle);
            }
        }
        assert_eq!(timers.len(), 34);
        assert_eq!(drain(&mut timers, 1_000), (0..100).filter(|owner| owner % 3 == 0).collect::<Vec<_>>());
        assert_eq!((timers.len(), timers.entries.capacity()), (0, 0));
    }

    #[test]
    fn order_holds_when_time_goes_back() {
        let mut timers = Timers::default();
        for now in [5, 3, 4, 9, 1] {
            timers.start(Time::from_secs(now), Duration::from_secs(1), Timer::J, now);
        }
        assert_eq!(drain(&mut timers, 20), [1, 3, 4, 5, 9]);
    }

    #[test]
    fn places_are_used_again() {
        let mut timers = Timers::default();
        for round in 0..1_000 {
            let one = timers.start(Time::from_secs(round), Duration::from_secs(1), Timer::J, 1);
            let two = timers.start(Time::from_secs(round), Duration::from_secs(2), Timer::J, 2);
            timers.stop(one);
            if round % 2 == 0 {
                timers.stop(two);
            }
            drain(&mut timers, round);
        }
        assert!(timers.entries.len() <= 8, "{} places", timers.entries.len());
    }
}

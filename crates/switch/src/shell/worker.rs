//! One shard on its signalling worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clock::Time;
use sip::{Flow, Packet, Transmit};
use tokio::sync::Notify;

use super::Outside;
use super::relay::Inbox;
use crate::core::{Command, MediaInput, Shard};

/// What other threads say to a worker.
pub(crate) enum Input {
    /// Something was committed: look into the inbox.
    Commits,
    /// Something from the media plane.
    Media(MediaInput),
    /// A command of an operator.
    Command(Command),
}

/// What others may see of a worker without asking it.
#[derive(Default)]
pub(crate) struct Gauges {
    pub(crate) calls: AtomicUsize,
    pub(crate) transactions: AtomicUsize,
    pub(crate) dialogs: AtomicUsize,
    /// Rung when the last call has ended.
    pub(crate) idle: Notify,
}

/// A shard and its world.
pub(crate) struct Worker {
    shard: Shard,
    outside: Outside,
    inbox: Option<Arc<Inbox>>,
    gauges: Arc<Gauges>,
    /// Reused: tickets taken from the inbox.
    committed: Vec<u64>,
}

impl Worker {
    pub(crate) fn new(
        shard: Shard,
        outside: Outside,
        inbox: Option<Arc<Inbox>>,
        gauges: Arc<Gauges>,
    ) -> Worker {
        Worker { shard, outside, inbox, gauges, committed: Vec::new() }
    }

    /// Performs effects until there are none; reservations are answered in between.
    fn drain(&mut self, now: Time) {
        while let Some(effect) = self.shard.poll_effect() {
            if let Some(answer) = self.outside.perform(effect) {
                self.shard.media(now, answer);
            }
        }
    }

    fn publish(&self) {
        let (calls, transactions, dialogs) = self.shard.counts();
        let before = self.gauges.calls.swap(calls, Ordering::Relaxed);
        self.gauges.transactions.store(transactions, Ordering::Relaxed);
        self.gauges.dialogs.store(dialogs, Ordering::Relaxed);
        if before > 0 && calls == 0 {
            self.gauges.idle.notify_one();
        }
    }
}

impl signaling::Service for Worker {
    type Input = Input;

    fn packet(&mut self, now: Time, packet: Packet) {
        self.shard.packet(now, packet);
        self.drain(now);
    }

    fn input(&mut self, now: Time, input: Input) {
        match input {
            // The inbox is looked into after each batch.
            Input::Commits => return,
            Input::Media(input) => self.shard.media(now, input),
            Input::Command(command) => self.shard.command(now, command),
        }
        self.drain(now);
    }

    fn timeout(&mut self, now: Time) {
        self.shard.timeout(now);
        self.drain(now);
    }

    fn next_timeout(&self) -> Option<Time> {
        self.shard.poll_timeout()
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.shard.poll_transmit()
    }

    fn flow_error(&mut self, now: Time, flow: Flow) {
        self.shard.flow_error(now, flow);
        self.drain(now);
    }

    fn batch_end(&mut self, now: Time) {
        self.inbox.iter().for_each(|inbox| inbox.take(&mut self.committed));
        if !self.committed.is_empty() {
            self.shard.committed(now, &self.committed);
            self.committed.clear();
            self.drain(now);
        }
        self.outside.look_at_storage();
        self.shard.shed(self.outside.pressed);
        self.publish();
    }
}

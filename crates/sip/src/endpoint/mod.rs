//! The SIP endpoint: transactions and dialogs over flows, without sockets and clocks.
//!
//! ```text
//! loop {
//!     handle_packet(now, …) | handle_timeout(now) | handle_flow_error(now, …) | a command
//!     while let Some(event) = poll_event() { … commands … }
//!     while let Some(transmit) = poll_transmit() { send }
//!     wait for input until poll_timeout()
//! }
//! ```
//!
//! After each input both queues are drained to the end before the next one. Invariants:
//!
//! * The endpoint never reads a clock and never asks the operating system for randomness; what it does follows from
//!   what was put in and its seed.
//! * No hash map is iterated, so two runs with the same input send the same bytes in the same order.
//! * All of it is data: written down at any moment and read back, it goes on as if nothing had been.
//! * Nothing is kept of a request before `accept`, `accept_invite`, or its place in a dialog asks for it.

mod client;
mod closing;
mod event;
mod in_dialog;
mod outcome;
mod receive;
mod reinvite;
mod reply;
mod request;
mod server;
mod settings;
mod table;
mod uac;
mod uas;
mod write;

pub use event::{DialogEvent, Event, Incoming, Outcome};
pub use reply::{Body, HeaderText, Headers, Invite, OutOfDialog, Reply};
pub use settings::{Settings, T1, T2, T4, TIMER_C};
pub(crate) use table::Keyed;

use std::collections::VecDeque;
use std::hash::BuildHasher;

use clock::{Random, Time};
use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::dialog::{Dialog, DialogId, from_tag};
use crate::timer::Timers;
use crate::{Message, Transmit};
use client::Client;
use server::Server;
use table::Table;

/// Another INVITE is under way in the dialog, or the call does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another INVITE is under way in this dialog, or the call does not stand")]
pub struct Busy;

/// How much an endpoint holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Client and server transactions, absorbed ones included.
    pub transactions: usize,
    /// Dialogs, early ones included.
    pub dialogs: usize,
}

/// One shard's transactions and dialogs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Endpoint {
    settings: Settings,
    random: Random,
    /// Seeds the tags and hashes that are derived from requests.
    seed: u64,
    clients: Table<Client>,
    servers: Table<Server>,
    dialogs: Table<Dialog>,
    timers: Timers,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl Endpoint {
    /// An endpoint that holds nothing. Tags, branches, Call-IDs and delays come from `random`.
    #[must_use]
    pub fn new(settings: Settings, mut random: Random) -> Endpoint {
        Endpoint {
            seed: random.u64(),
            clients: Table::new(random.u64()),
            servers: Table::new(random.u64()),
            dialogs: Table::new(random.u64()),
            timers: Timers::default(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            settings,
            random,
        }
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next thing to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When `handle_timeout` is to be called, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// A dialog, while the endpoint knows it.
    #[must_use]
    pub fn dialog(&self, dialog: DialogId) -> Option<&Dialog> {
        self.dialogs.at(dialog.0)
    }

    /// How much the endpoint holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { transactions: self.clients.len() + self.servers.len(), dialogs: self.dialogs.len() }
    }

    /// What the endpoint was told once.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A tag of ours: 64 random bits (RFC 3261 §19.3 wants 32).
    fn new_tag(&mut self) -> String {
        format!("{:016x}", self.random.u64())
    }

    /// A branch of ours, RFC 3261 §8.1.1.7.
    fn new_branch(&mut self) -> String {
        format!("z9hG4bK{:016x}", self.random.u64())
    }

    /// The tag of answers that keep no state: the same for every repetition of a request.
    fn derived_tag(&self, request: &Message) -> String {
        let branch = request.via().ok().and_then(|via| via.branch()).unwrap_or("");
        let parts = (request.call_id(), from_tag(request), branch);
        format!("{:016x}", FixedState::with_seed(self.seed).hash_one(parts))
    }

    /// What a request has in common with the same request that came by another way, RFC 3261 §8.2.2.2; never 0.
    fn merge_hash(&self, request: &Message) -> u64 {
        let cseq = request.cseq().ok().map(|cseq| (cseq.number, cseq.method_text));
        let parts = (request.call_id(), from_tag(request), cseq);
        FixedState::with_seed(!self.seed).hash_one(parts).max(1)
    }
}

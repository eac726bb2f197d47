//! The pure heart: packets, timeouts, commits, media events and commands in; messages and effects out.
//!
//! ```text
//! loop {
//!     packet | timeout | flow_error | committed | media | command
//!     while let Some(effect) = shard.poll_effect() { perform it; a Reserve is answered at once by `media` }
//!     while let Some(transmit) = shard.poll_transmit() { send }
//!     wait for input until shard.poll_timeout()
//! }
//! ```
//!
//! Each shard owns its endpoint, its calls and the tickets it waits for; shards share what [`Shared`] holds, behind
//! short locks that are never held across anything. The core reads no clock, opens no socket, and its whole state can
//! be written down between two inputs and read back.

mod answer;
mod auth;
mod effect;
mod env;
mod tickets;
mod written;

use std::collections::VecDeque;

use clock::{Random, Time};
use model::Uids;
use serde::{Deserialize, Serialize};
use sip::{Endpoint, Event, Flow, Incoming, Method, Packet, StatusCode, Transmit};

pub(crate) use auth::{Challenged, Verdict};
pub use effect::{Command, Counted, Effect, MediaCommand, MediaInput, MediaToken, Report};

pub use env::{Env, Rules, Shared};
pub(crate) use tickets::{Tickets, Waiting};
pub use written::Unreadable;

use crate::calls::Calls;

/// What our endpoints take; everything else gets 405.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER";

/// Extensions that a Require may name.
const SUPPORTED: &str = "path";

/// Seconds after which a refused client may come again.
pub(crate) const RETRY_AFTER_S: &str = "5";

/// One shard of the switch.
pub struct Shard {
    pub(crate) env: Env,
    pub(crate) state: State,
}

/// Everything a shard knows that is its own.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) endpoint: Endpoint,
    pub(crate) uids: Uids,
    /// Salts of nonces.
    pub(crate) random: Random,
    pub(crate) calls: Calls,
    pub(crate) tickets: Tickets,
    /// When expired contacts are looked for.
    pub(crate) sweep_at: Option<Time>,
    /// Commands that wait for media counters.
    pub(crate) reports: VecDeque<crate::calls::PendingReport>,
    /// No new work is taken any more.
    pub(crate) draining: bool,
    /// No new work is taken for the moment: something behind us does not keep up.
    pub(crate) shedding: bool,
    /// Drained before the state is written down.
    #[serde(skip)]
    pub(crate) effects: VecDeque<Effect>,
}

/// Handling.
impl Shard {
    /// The shard with this number; everything it draws comes from `random`.
    #[must_use]
    pub fn new(number: u16, env: Env, mut random: Random) -> Shard {
        let identity = &env.rules.identity;
        let settings = sip::Settings {
            server_name: identity.server_name.clone(),
            shard: number,
            allow: ALLOW.to_owned(),
            supported: SUPPORTED.to_owned(),
            ..sip::Settings::default()
        };
        let state = State {
            endpoint: Endpoint::new(settings, random.fork()),
            uids: Uids::new(identity.node, identity.epoch, random.fork()),
            random,
            calls: Calls::default(),
            tickets: Tickets::of_shard(number),
            sweep_at: env.shared.locations.next_expiry(),
            reports: VecDeque::new(),
            draining: false,
            shedding: false,
            effects: VecDeque::new(),
        };
        Shard { env, state }
    }

    /// A datagram or framed message.
    pub fn packet(&mut self, now: Time, packet: Packet) {
        self.state.endpoint.handle_packet(now, packet);
        self.state.settle(&self.env, now);
    }

    /// The time of [`Shard::poll_timeout`] has come.
    pub fn timeout(&mut self, now: Time) {
        let Shard { env, state } = self;
        if state.endpoint.poll_timeout().is_some_and(|due| due <= now) {
            state.endpoint.handle_timeout(now);
            state.settle(env, now);
        }
        state.call_timeouts(env, now);
        state.ticket_timeouts(env, now);
        state.report_timeouts(now);
        if state.sweep_at.is_some_and(|due| due <= now) {
            state.sweep(env, now);
        }
        state.settle(env, now);
    }

    /// A connection was closed or could not be made, or a datagram could not be sent.
    pub fn flow_error(&mut self, now: Time, flow: Flow) {
        self.state.endpoint.handle_flow_error(now, flow);
        self.state.settle(&self.env, now);
    }

    /// The writes of these tickets are on the disk.
    pub fn committed(&mut self, now: Time, tickets: &[u64]) {
        for ticket in tickets {
            self.state.ticket_committed(&self.env, now, *ticket);
        }
        self.state.settle(&self.env, now);
    }

    /// Something from the media plane.
    pub fn media(&mut self, now: Time, input: MediaInput) {
        self.state.media_input(&self.env, now, input);
        self.state.settle(&self.env, now);
    }

    /// Whether new INVITEs and REGISTERs get 503 for the moment; what is established goes on.
    pub fn shed(&mut self, shedding: bool) {
        self.state.shedding = shedding;
    }

    /// A command of an operator.
    pub fn command(&mut self, now: Time, command: Command) {
        self.state.obey(&self.env, now, command);
        self.state.settle(&self.env, now);
    }
}

/// Polling.
impl Shard {
    /// The next thing to be done outside.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.state.effects.pop_front()
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.state.endpoint.poll_transmit()
    }

    /// When [`Shard::timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let state = &self.state;
        let due = [
            state.endpoint.poll_timeout(),
            state.calls.next_due(),
            state.tickets.next_due(),
            state.sweep_at,
            state.reports.front().map(|report| report.due),
        ];
        due.into_iter().flatten().min()
    }
}

/// Looking.
impl Shard {
    /// Running calls, SIP transactions, SIP dialogs.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let counts = self.state.endpoint.counts();
        (self.state.calls.len(), counts.transactions, counts.dialogs)
    }

    /// Whether nothing is left of any call or wait: what a test asks at its end.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state.calls.is_empty() && self.state.tickets.is_empty() && self.state.effects.is_empty()
    }
}

impl State {
    /// Handles what the endpoint has to tell, to the end.
    pub(crate) fn settle(&mut self, env: &Env, now: Time) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Invite(incoming) => self.begin_call(env, now, &incoming),
                Event::Request(incoming) => self.request(env, now, &incoming),
                Event::Dialog { dialog, event } => self.dialog_event(env, now, dialog, event),
                Event::Response { tx, outcome } => self.relayed(now, tx, &outcome),
            }
        }
    }

    fn request(&mut self, env: &Env, now: Time, incoming: &Incoming) {
        match incoming.message.method() {
            Some(Method::Register) => self.register(env, now, incoming),
            Some(Method::Options) => self.options(env, now, incoming),
            _ => self.refuse(now, incoming, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    pub(crate) fn count(&mut self, method: Option<Method>, status: StatusCode) {
        let method = method.unwrap_or(Method::Other);
        self.effects.push_back(Effect::Count(Counted::Transaction { method, status }));
    }
}

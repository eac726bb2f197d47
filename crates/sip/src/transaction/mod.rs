//! The four transaction machines of RFC 3261 §17 with the Accepted state of RFC 6026.
//!
//! Each machine is a pure function `step(state, input, reliable) -> Step`: where it goes and what is to be done, in
//! order. It holds no message, no timer and no clock; the endpoint does what it says. So each is tested as the table
//! it is in the RFC.

mod client;
mod client_invite;
mod key;
mod server;
mod server_invite;

pub(crate) use client::{ClientInput, ClientState};
pub(crate) use client_invite::{ClientInviteInput, ClientInviteState};
pub(crate) use key::{Key, KeyText};
pub(crate) use server::{ServerInput, ServerState};
pub(crate) use server_invite::{ServerInviteInput, ServerInviteState};

use serde::{Deserialize, Serialize};

use crate::timer::{Role, Timer};

/// A request of ours, until its outcome is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientTx(pub(crate) u64);

/// A request of a peer, until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerTx(pub(crate) u64);

/// Something a machine wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send what came with the input, and keep it for repetition.
    Send,
    /// Send again what was sent last.
    Repeat,
    /// Send the ACK for a refusal (RFC 3261 §17.1.1.3).
    Acknowledge,
    /// Start a timer.
    Start(Timer),
    /// Start a repeating timer at its longest interval.
    StartSlow(Timer),
    /// Stop a timer.
    Stop(Role),
    /// Hand the message that came with the input to the core above.
    PassUp,
    /// Tell the core above that nobody answered.
    TimedOut,
    /// Tell the core above that the flow failed.
    FlowFailed,
    /// Have the core above cancel this INVITE (RFC 3261 §16.8).
    Cancel,
    /// Forget the transaction.
    Terminate,
}

/// Where a machine goes and what it wants done, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step<S> {
    pub(crate) next: S,
    pub(crate) actions: &'static [Action],
}

/// A step in one line of a table.
const fn go<S>(next: S, actions: &'static [Action]) -> Step<S> {
    Step { next, actions }
}

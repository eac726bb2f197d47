//! What the tests of transactions and dialogs share: a network on virtual time, and a desk for one endpoint.
#![expect(dead_code, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where it goes wrong")]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test stops where it goes wrong")]

pub(crate) mod agent;
pub(crate) mod desk;
pub(crate) mod network;

use std::net::SocketAddr;
use std::time::Duration;

use crosspoint_sip::{Flow, Transport};

/// The addresses of the two sides.
pub(crate) const ADDRESSES: [&str; 2] = ["192.0.2.1:5060", "192.0.2.2:5060"];

/// 64*T1 + T4: how long anything may last after the last word.
pub(crate) const LINGER: Duration = Duration::from_millis(64 * 500 + 5_000);

/// The flow of side `from` (0 or 1) to the other one.
pub(crate) fn flow(from: usize, transport: Transport) -> Flow {
    let address = |side: usize| ADDRESSES[side].parse::<SocketAddr>().unwrap();
    Flow { transport, local: address(from), remote: address(1 - from), connection: None }
}

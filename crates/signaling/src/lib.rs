//! SIP sockets: UDP workers and TCP connections.
//!
//! The shell around the `sip` core on the signalling plane. It owns the sockets and the worker threads, reads the
//! clock once per batch, and hands whole messages to a [`Service`], one per worker. It deliberately knows nothing of
//! transactions, accounts or calls, resolves no names, and never parses more of a message than its Call-ID.
//!
//! The loop that drives a service, on each worker:
//!
//! ```text
//! sleep until a socket, the mailbox or the next timer is ready        (an idle worker does not tick)
//!   packet / input / flow_error …   at most BATCH of each
//!   timeout                         when next_timeout() has come
//!   batch_end, then transmit until None
//! ```
//!
//! A message belongs to the worker that [`sip::shard_of`] names for its Call-ID, whichever socket it came in on: other
//! workers hand it over through a bounded ring. So all messages of a call are handled on one thread, in the order in
//! which they arrived from their sender.
//!
//! Invariants: no queue without a bound (a full one drops and counts, a stream connection is held back instead);
//! no lock and no task switch on the way of a datagram; `unsafe` only in `io`.

mod alarm;
mod error;
#[expect(
    unsafe_code,
    reason = "recvmmsg, sendmmsg, epoll and eventfd have no safe form in the standard library"
)]
mod io;
mod mailbox;
mod service;
mod settings;
mod signaling;
mod stun;
mod tcp;
mod udp;
mod worker;

pub use error::Error;
pub use mailbox::Mailbox;
pub use service::Service;
pub use settings::{Advertise, Limits, Listen, Settings};
pub use signaling::{Prepared, Signaling, prepare, start};
pub use sip::Transport;

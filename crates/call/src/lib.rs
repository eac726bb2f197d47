//! The call: events in, actions out.
//!
//! What to do with a call is decided here and nowhere else. [`routing::decide`] says where a call goes,
//! [`Call`] forks it to the callee's contacts, joins the one that answers, passes later offers through, and ends
//! it with exactly one record.
//!
//! The loop that drives it:
//!
//! ```text
//! let mut call = Call::start(now, setup);
//! loop {
//!     while let Some(action) = call.poll_action() { perform(action) }      // all of them, then the next event
//!     if call.is_over() { break }
//!     match next { event => call.handle(now, event), timeout => call.handle_timeout(now) }
//! }
//! ```
//!
//! Invariants, above all the absences: the call never reads a clock, never draws a random number, knows no socket, no
//! dialog and no database. It does not retransmit: dialogs and transactions are `sip`'s. Every session it reserves it
//! releases; it closes its record exactly once; a leg whose dialog may still speak keeps the call alive.

mod action;
mod call;
mod end;
mod event;
pub mod feature;
mod leg;
mod machine;
mod record;
pub mod routing;
mod setup;
mod timer;

pub use action::{Action, Target};
pub use call::{Call, State};
pub use end::End;
pub use event::{Abandoned, Event, Rejection, Totals};
pub use leg::{Contact, Leg, LegId, LegState, Party};
pub use setup::{Forking, MAX_BRANCHES, Route, Setup, Timing};

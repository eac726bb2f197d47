//! Session descriptions (RFC 4566), offer and answer (RFC 3264) for a back-to-back relay, and the plan that tells
//! the media plane how to treat a side.
//!
//! [`Session`] keeps every line byte-exact and in order; what this crate does not know passes through it unharmed.
//! [`relay_offer`] and [`relay_answer`] make the description that the other side gets: our address and port, their
//! codecs in their order, hold kept. [`leg_plan`] turns what a side sent into a [`LegPlan`].
//!
//! What it deliberately does not do: no transcoding decisions, no SRTP, no ICE, no rtcp-mux (all dropped from what is
//! relayed), no name resolution of a `c=` line with a host name (the address is then learned from the packets).
//! The crate knows no socket, no clock and no randomness.

mod answer;
mod attributes;
mod codec;
mod compose;
mod direction;
mod error;
pub mod limits;
mod line;
mod media;
mod origin;
mod plan;
mod relay;
mod session;

pub use answer::{local_answer, local_offer};
pub use codec::Codec;
pub use compose::Local;
pub use direction::Direction;
pub use error::SdpError;
pub use line::Line;
pub use media::{Connection, Media, MediaKind, RtcpAddress};
pub use origin::Origin;
pub use plan::{LegPlan, leg_plan};
pub use relay::{relay_answer, relay_offer, relay_reoffer};
pub use session::Session;

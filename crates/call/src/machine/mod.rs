//! The state machine, by phase.

mod best;
mod ending;
mod media;
mod ringing;
mod talking;

pub(crate) use media::status_of;
pub(crate) use talking::Reoffer;

//! The shell around the shards: performs their effects, and carries in what other threads say.

mod measures;
mod outside;
mod relay;
mod replies;
mod worker;

pub(crate) use measures::Measures;
pub(crate) use outside::Outside;
pub(crate) use relay::Relay;
pub(crate) use replies::Replies;
pub(crate) use worker::{Gauges, Input, Worker};

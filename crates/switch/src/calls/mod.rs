//! Calls: what `call` decides, carried to the endpoint, the media plane and the database, and what they say carried back.

mod begin;
mod events;
mod occupancy;
mod perform;
mod relay;
mod report;
mod table;

pub(crate) use occupancy::Occupancy;
pub(crate) use report::PendingReport;
pub(crate) use table::{Calls, Link, Running};

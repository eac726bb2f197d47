//! `/api/registrations`: who is registered, and where. One file per endpoint.

pub(crate) mod list;
pub(crate) mod remove;

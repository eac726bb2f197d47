//! The memory of the exchange: SQLite in the data directory, or PostgreSQL.
//!
//! # What it is
//! [`Storage`] opens, locks and migrates; one repository per noun reads and writes ([`Accounts`], [`Bindings`],
//! [`Cdrs`], [`Users`], [`Tokens`], [`Tenants`], [`SettingValues`]). What signalling produces at high rate goes
//! through the [`Writer`]: sets in one commit that many wait for (a [`Ticket`] each), refreshes and endings
//! written behind.
//!
//! # What it deliberately does not do
//! No policy, no cache, no retry of what a person asked for (an API call fails at once; only the writer waits for a
//! database that is away). Passwords never come here: accounts bring digests, encrypted at rest, people bring hashes.
//!
//! # SQL
//! Written once, in what both engines share: `BIGINT`, `TEXT`, `$1`. The differences are in `dialect.rs` alone.
//! A set is one JSON parameter, an array of rows, each an array of columns; both engines read it with `value->>0`.
//!
//! # The loop that drives it
//! None here: repositories are plain async calls, and the writer is one task that [`Writer::start`] spawns.

mod accounts;
mod bindings;
mod cdrs;
mod connection;
mod dialect;
mod error;
mod inspect;
mod lock;
mod open;
mod query;
mod row;
mod schema;
mod secret;
mod settings;
mod tenants;
mod tokens;
mod users;
mod writer;

pub use accounts::{AccountFilter, Accounts};
pub use bindings::Bindings;
pub use cdrs::{CdrFilter, CdrTotals, Cdrs};
pub use error::Error;
pub use inspect::{Inspection, inspect};
pub use open::{Settings, Storage};
pub use settings::SettingValues;
pub use tenants::Tenants;
pub use tokens::Tokens;
pub use users::Users;
pub use writer::{CommitSink, Counts, Full, Stopped, Ticket, Write, Writer};

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

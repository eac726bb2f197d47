//! The switch: where the planes meet.
//!
//! [`core::Shard`] is pure: packets, timeouts, commits, media events and commands in, messages and effects out; all of it
//! can be written down and read back. [`Exchange`] is the shell around as many shards as there are signalling workers:
//! it performs their effects against `signaling`, `media` and `storage`, and is what the faces (API, command line) hold.
//!
//! What it deliberately does not do: it decides nothing about calls (`call` does), parses no message (`sip` does), and
//! blocks nowhere on a worker's thread.

mod accounts;
mod calls;
pub mod core;
mod error;
mod exchange;
mod registrar;
mod settings;
mod shell;
mod view;

pub use accounts::{AccountFilter, Accounts};
pub use error::Error;
pub use exchange::Exchange;
pub use registrar::Locations;
pub use settings::{
    Advertise, Algorithm, CallSettings, DigestSettings, Forking, Identity, RegistrarSettings, Settings,
    WhenFull,
};
pub use view::{CallState, CallView, Counters, LegView, MediaView};

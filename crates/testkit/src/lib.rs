//! Test tools: the real server, scripted user agents, RTP peers, other people's programs, test databases.
//!
//! For tests only. What can go wrong here ends the test with a panic that says what was expected and what was seen;
//! every wait is for an event, with a bound. Messages are written and read by code of its own, so that a mistake of
//! the product's parser cannot hide by being made on both sides.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test tool fails by panicking with what it expected"
)]

mod api;
mod audio;
mod baresip;
mod bound;
mod digest;
mod message;
mod phone;
mod postgres;
mod program;
mod sdp;
mod server;
mod sipp;
mod slot;
mod talk;
mod tone_peer;
mod wav;

pub use api::Api;
pub use audio::{Codec, Heard, coded_tone, hear};
pub use baresip::{Baresip, Event, Manner};
pub use bound::{Bound, PATIENCE, SHORTLY};
pub use digest::Algorithm;
pub use message::Msg;
pub use phone::{Account, Dialog, Phone, Wire, caller_of};
pub use postgres::Postgres;
pub use program::{Program, Signal};
pub use sdp::{media_target, offer};
pub use server::{Server, Setup};
pub use sipp::{Sipp, SippRun, Statistics};
pub use slot::Slot;
pub use talk::{Answered, CALLEE_TONE, CALLER_TONE, Talk};
pub use tone_peer::{Counted, TonePeer, TonePeers};

/// Makes two tests of each function, on SQLite and on PostgreSQL; the function takes the [`Setup`].
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name($crate::Setup::sqlite()); })+
        }
        mod on_postgresql {
            $(#[test] fn $name() { super::$name($crate::Setup::postgresql()); })+
        }
    };
}

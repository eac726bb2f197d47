//! Digest authentication, RFC 7616 and RFC 8760, as server and as client.
//!
//! As server: [`NonceKey::issue`] a nonce, put it in a [`Challenge`] per algorithm (strongest first); read what comes back
//! with [`Credentials::parse`]; then, in this order, compare realm and username with whom the request claims to be,
//! [`NonceKey::check`] the nonce, [`verify`] the response against the stored HA1, and at last let [`NonceCounts::accept`]
//! see the `nc`. The order matters: counts of requests that do not verify must not use up the window of those that do.
//!
//! What it deliberately does not do: it compares no realm and no username (who may be whom is the switch's business),
//! keeps no password (an HA1 is enough), and remembers no nonce it issued: a nonce proves itself, and only those that
//! were used correctly are remembered, for the replay window.

mod algorithm;
mod challenge;
mod client;
mod counts;
mod credentials;
mod hash;
mod nonce;
mod params;
mod verify;

pub use algorithm::{Algorithm, Qop};
pub use challenge::Challenge;
pub use client::{Answer, ReceivedChallenge};
pub use counts::{NcWindow, NonceCounts};
pub use credentials::Credentials;
pub use hash::ha1;
pub use nonce::{NonceKey, NonceState};
pub use params::DigestError;
pub use verify::{response_auth, verify};

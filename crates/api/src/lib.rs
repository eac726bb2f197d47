//! The HTTP API: logins, SIP users, calls, registrations, channels, API keys, health, metrics, and its own document.
//!
//! A thin face: it says who may ask, reads the request into types that cannot be wrong, asks `switch` (what runs) or
//! `storage` (what is kept), and puts the answer into its wire form. It deliberately holds no state of its own but the
//! table of failed logins, decides nothing about calls, and knows no SQL. Endpoint = path = file.
//!
//! [`router`] makes the service, [`serve()`] listens, [`openapi()`] is its document.
//!
//! Every list is scoped to the caller's tenant; another tenant's things answer 404 like things that do not exist.
//! Passwords are taken and never given, except a generated one in the answer that made it.

mod auth;
mod calls;
mod channels;
mod error;
mod extract;
mod list;
mod moment;
mod observe;
mod openapi;
mod problem;
mod registrations;
mod router;
mod serve;
mod sip_users;
mod state;
mod system;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tokens;

pub use auth::{Rate, all_scopes, hash_password, local_key};
pub use router::{openapi, openapi_json, router};
pub use serve::{Limits, Listen, ServeError, ServeSettings, Serving, serve};
pub use state::{AuthSettings, RenderMetrics, Secret, Settings, SipServer, State};
pub use system::{ConfigStatus, ListenerStatus};

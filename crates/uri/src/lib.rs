//! SIP and tel URIs, hosts, addresses-of-record, E.164 numbers.
//!
//! # What it is
//! Values that cannot be invalid: [`SipUri`] (owned) and [`UriRef`] (borrowed, no allocation) read `sip:`, `sips:` and
//! `tel:` URIs (RFC 3261 §19.1, RFC 3966) and keep their text byte for byte, so that what is forwarded is what came.
//! [`Aor`] and [`E164`] are canonical: two that mean the same are equal.
//!
//! # What it deliberately does not do
//! It resolves nothing (no DNS), changes nothing (an edited URI is a new text), and compares by text unless asked:
//! the comparison of RFC 3261 §19.1.4 is not transitive and so cannot be `Eq`; it is [`SipUri::equivalent`].
//!
//! # The loop that drives it
//! None: `UriRef::parse(bytes)?`, then getters. Peers send tolerable nonsense (characters that should have been escaped);
//! the parser accepts what has one reading and refuses what has two: white space, control characters, a second host.

mod aor;
mod borrowed;
mod e164;
mod equivalence;
mod error;
mod escape;
mod host;
mod owned;
mod params;
mod parts;

pub use aor::Aor;
pub use borrowed::UriRef;
pub use e164::E164;
pub use error::UriError;
pub use escape::{escape_user, unescape};
pub use host::{Host, HostPort, HostRef};
pub use owned::SipUri;
pub use params::{Headers, Params};
pub use parts::{MAX_URI_BYTES, Scheme};

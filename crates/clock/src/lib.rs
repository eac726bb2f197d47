//! Time, seeded randomness, and values that must not be logged.
//!
//! The ground floor of the house: every protocol core takes `now: Time` and a [`Random`] as arguments and
//! never reads a clock or the operating system itself, so a test or a simulation owns both.
//! The shells read [`SystemClock`] once per batch of input.

mod pii;
mod random;
mod system;
mod time;

pub use pii::Pii;
pub use random::Random;
pub use system::SystemClock;
pub use time::Time;

//! Where a call goes.

mod decide;
mod facts;

pub use decide::{Decision, Destination, Rule, Step, decide};
pub use facts::{Facts, Host};

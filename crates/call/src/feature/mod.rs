//! Things the server itself does at the far end of a call.

mod echo;

/// The number of the echo test.
pub const ECHO_TEST: &str = "*43";

//! The media plane on real loopback sockets. Nothing sleeps: each test waits for what must come, with a bound.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so")]

mod learning;
mod ports;
mod relay;
mod room;
mod silence;
mod statistics;

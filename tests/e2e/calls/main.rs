//! The real server on real sockets: calls.
#![cfg(test)]

mod nominal;
mod off_nominal;

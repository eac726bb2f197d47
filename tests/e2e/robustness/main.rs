//! The real server on real sockets: robustness.
#![cfg(test)]

mod nominal;
mod off_nominal;

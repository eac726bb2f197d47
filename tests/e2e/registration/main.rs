//! The real server on real sockets: registration.
#![cfg(test)]

mod nominal;
mod off_nominal;

//! The real server on real sockets: accounts.
#![cfg(test)]

mod nominal;
mod off_nominal;

//! The real server on real sockets: storage.
#![cfg(test)]

mod nominal;
mod off_nominal;

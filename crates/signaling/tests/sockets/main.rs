//! The signalling plane on real sockets of the loopback, with a service that echoes.
#![cfg(test)]

mod plane;
mod tcp;
mod udp;

//! What the operator decides.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sip::Transport;

/// Chooses the address of ours that a peer should see, by the peer's address (NAT, several networks).
pub type Advertise = Arc<dyn Fn(IpAddr) -> IpAddr + Send + Sync>;

/// How to listen and within which limits.
#[derive(Clone)]
pub struct Settings {
    /// The listeners; a port of 0 takes a free one.
    pub listen: Vec<Listen>,
    /// Number of UDP workers, which is also the number of shards; 0 = one per core.
    pub workers: usize,
    /// The address put into [`sip::Flow::local`].
    pub advertise: Advertise,
    /// Bounds of queues and connections.
    pub limits: Limits,
}

/// One listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// UDP or TCP.
    pub transport: Transport,
    /// Address and port to bind.
    pub addr: SocketAddr,
}

/// A limit on everything that a stranger can make us keep.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open stream connections in all, ours included.
    pub connections: usize,
    /// Open stream connections accepted from one address.
    pub connections_per_source: usize,
    /// A connection without a whole message or keep-alive in either direction for so long is closed.
    pub idle: Duration,
    /// The time a peer has for a whole message, from its first byte; and for the first message after it connects.
    pub message: Duration,
    /// The time a connection of ours has to be made.
    pub connect: Duration,
    /// The time a peer has to take what we write.
    pub write: Duration,
    /// Messages that wait to be written to one connection.
    pub write_queue: usize,
    /// Bytes that wait to be written to one connection.
    pub write_queue_bytes: usize,
    /// Inputs that wait for one worker; datagrams handed over wait in a ring of the same size.
    pub mailbox: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            // A descriptor and some 4 KiB each: 40 MiB when all are used.
            connections: 10_000,
            // Phones behind one office NAT.
            connections_per_source: 1_000,
            // Longer than the usual registration (one hour), so that a phone that sends no keep-alive stays reachable;
            // peers that vanished are found by TCP keep-alive long before.
            idle: Duration::from_secs(3_900),
            // 64*T1, the time a transaction lives.
            message: Duration::from_secs(32),
            // Shorter than 64*T1, so that another target can still be tried.
            connect: Duration::from_secs(5),
            write: Duration::from_secs(10),
            write_queue: 64,
            // Four messages of the largest size.
            write_queue_bytes: 4 * 65_536,
            // A second of a worker's full speed would be 100,000; more than 100 ms of waiting helps nobody.
            mailbox: 8_192,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("workers", &self.workers)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// As in the configuration: `udp://0.0.0.0:5060`.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        };
        write!(f, "{scheme}://{}", self.addr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_shown_as_the_configuration_writes_it() {
        let listen = Listen { transport: Transport::Tcp, addr: "[::1]:5060".parse().unwrap() };
        assert_eq!(listen.to_string(), "tcp://[::1]:5060");
    }
}

//! Where a message came from and where one goes.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// Datagrams; the only transport on which transactions retransmit.
    Udp,
    /// A plain stream.
    Tcp,
    /// A stream under TLS.
    Tls,
    /// WebSocket, RFC 7118.
    Ws,
    /// WebSocket under TLS, RFC 7118.
    Wss,
}

impl Transport {
    /// Whether the transport itself repeats what is lost, so that transactions need not (RFC 3261 §17).
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// The token of the Via header, RFC 3261 §20.42.
    #[must_use]
    pub const fn via_token(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// The value of the `transport` URI parameter, RFC 3261 §19.1.1.
    #[must_use]
    pub const fn uri_token(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// The transport of a Via or URI token, in any case.
    #[must_use]
    pub fn from_token(token: &[u8]) -> Option<Transport> {
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss]
            .into_iter()
            .find(|transport| transport.via_token().as_bytes().eq_ignore_ascii_case(token))
    }
}

/// One stream connection of the signalling plane; never used twice while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u64);

/// The path between us and one peer: what RFC 5626 §2 calls a flow.
///
/// Answers and requests to a peer behind a NAT go back on the flow its last message came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// What carries it.
    pub transport: Transport,
    /// What the peer should see of us: the advertised address and port of the listener. Written into Via.
    pub local: SocketAddr,
    /// The peer's address and port as we see them.
    pub remote: SocketAddr,
    /// The stream connection, if there is one; without it a stream is opened on demand.
    pub connection: Option<ConnectionId>,
}

impl Flow {
    /// Whether a failure of `failed` is a failure of this flow: the same path, or the same connection.
    #[must_use]
    pub fn shares_fate_with(&self, failed: &Flow) -> bool {
        self == failed || (self.connection.is_some() && self.connection == failed.connection)
    }
}

/// One received datagram or framed message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// Where it came from.
    pub flow: Flow,
    /// The whole message.
    pub bytes: Bytes,
}

/// One message to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transmit {
    /// Where it goes.
    pub flow: Flow,
    /// The whole message.
    pub bytes: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_back_in_any_case() {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss] {
            assert_eq!(Transport::from_token(transport.via_token().as_bytes()), Some(transport));
            assert_eq!(Transport::from_token(transport.uri_token().as_bytes()), Some(transport));
        }
        assert_eq!(Transport::from_token(b"SCTP"), None);
    }

    #[test]
    fn a_closed_connection_fails_every_flow_on_it() {
        let flow = Flow {
            transport: Transport::Tcp,
            local: SocketAddr::from(([192, 0, 2, 1], 5060)),
            remote: SocketAddr::from(([192, 0, 2, 7], 40_000)),
            connection: Some(ConnectionId(7)),
        };
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 5070));
        assert!(flow.shares_fate_with(&Flow { local: elsewhere, ..flow }));
        assert!(!flow.shares_fate_with(&Flow { connection: Some(ConnectionId(8)), ..flow }));
        assert!(!Flow { connection: None, ..flow }.shares_fate_with(&Flow {
            connection: None,
            local: elsewhere,
            ..flow
        }));
    }
}

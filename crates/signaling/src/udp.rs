//! The UDP listeners: one socket per listener and worker, sharing the port.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use sip::Flow;
use socket2::{Domain, Protocol, Socket, Type};

use crate::{Error, Listen};

/// What the kernel may hold while a worker is busy: 4 MiB are some 2,000 large messages, 50 ms of full speed. The
/// kernel gives less where `net.core.rmem_max` says so.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// The sockets of one listener, one per worker.
#[derive(Debug)]
pub(crate) struct UdpListener {
    pub(crate) listen: Listen,
    pub(crate) sockets: Vec<UdpSocket>,
}

impl UdpListener {
    pub(crate) fn bind(mut listen: Listen, workers: usize) -> Result<UdpListener, Error> {
        let refused = |source| Error::Listen { listen, source };
        // SO_REUSEPORT would let a second server of the same user take half of the datagrams in silence. A socket
        // without it finds out whether the port is free, and which one when any will do.
        let probe = UdpSocket::bind(listen.addr).and_then(|socket| socket.local_addr()).map_err(refused)?;
        let sockets =
            (0..workers).map(|_| bind_shared(probe)).collect::<io::Result<Vec<_>>>().map_err(refused)?;
        listen.addr = probe;
        Ok(UdpListener { listen, sockets })
    }
}

fn bind_shared(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_port(true)?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// The listener through which a flow goes: the one bound to its local address, else one on its local port, else any
/// of the peer's family. (The local address of a flow is the advertised one, which need not be bound here.)
pub(crate) fn listener_of(listeners: &[Listen], flow: &Flow) -> Option<usize> {
    let fits = |listen: &Listen| {
        listen.transport == flow.transport && listen.addr.is_ipv4() == flow.remote.is_ipv4()
    };
    let find = |wanted: &dyn Fn(&Listen) -> bool| listeners.iter().position(|l| fits(l) && wanted(l));
    find(&|l| l.addr == flow.local)
        .or_else(|| find(&|l| l.addr.port() == flow.local.port()))
        .or_else(|| find(&|_| true))
}

/// What the peer should see of a listener.
pub(crate) fn advertised(advertise: &crate::Advertise, listen: &Listen, peer: IpAddr) -> SocketAddr {
    SocketAddr::new(advertise(peer), listen.addr.port())
}

#[cfg(test)]
mod tests {
    use sip::Transport;

    use super::*;

    fn listen(text: &str) -> Listen {
        Listen { transport: Transport::Udp, addr: text.parse().unwrap() }
    }

    fn flow(local: &str, remote: &str) -> Flow {
        let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
        Flow { transport: Transport::Udp, local, remote, connection: None }
    }

    #[test]
    fn a_flow_finds_its_listener_by_address_then_port_then_family() {
        let all =
            [listen("10.0.0.1:5060"), listen("10.0.0.2:5060"), listen("10.0.0.2:5070"), listen("[::1]:5060")];
        assert_eq!(listener_of(&all, &flow("10.0.0.2:5060", "10.9.9.9:1")), Some(1));
        assert_eq!(listener_of(&all, &flow("203.0.113.7:5070", "10.9.9.9:1")), Some(2));
        assert_eq!(listener_of(&all, &flow("203.0.113.7:9", "10.9.9.9:1")), Some(0));
        assert_eq!(listener_of(&all, &flow("[2001:db8::1]:9", "[2001:db8::2]:1")), Some(3));
        let tcp = Flow { transport: Transport::Tcp, ..flow("10.0.0.1:5060", "10.9.9.9:1") };
        assert_eq!(listener_of(&all, &tcp), None);
    }

    #[test]
    fn a_port_in_use_is_refused_though_the_socket_would_share_it() {
        let first = UdpListener::bind(listen("127.0.0.1:0"), 2).unwrap();
        assert_eq!(first.sockets.len(), 2);
        let error = UdpListener::bind(first.listen, 2).unwrap_err().to_string();
        assert!(error.contains(&first.listen.to_string()) && error.contains("another program"), "{error}");
    }
}

//! A socket or a connection to the server.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::{Bound, Msg};

/// How a phone is connected.
#[derive(Debug)]
pub enum Wire {
    /// A socket that hears only the server.
    Udp(UdpSocket),
    /// A connection, with what was read and is not a whole message yet.
    Tcp(TcpStream, Vec<u8>),
}

impl Wire {
    pub(super) fn udp(server: SocketAddr, ip: IpAddr) -> Wire {
        let socket = UdpSocket::bind((ip, 0)).expect("a socket for a phone");
        socket.connect(server).expect("a UDP socket connects");
        Wire::Udp(socket)
    }

    /// From `ip`, so that the server sees the phone there.
    pub(super) fn tcp(server: SocketAddr, ip: IpAddr) -> Wire {
        let socket =
            Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket for a phone");
        socket.bind(&SocketAddr::new(ip, 0).into()).expect("an address of this slot");
        socket.connect(&server.into()).expect("the server accepts a connection");
        socket.set_tcp_nodelay(true).expect("a socket option");
        Wire::Tcp(socket.into(), Vec::new())
    }

    pub(super) fn is_tcp(&self) -> bool {
        matches!(self, Wire::Tcp(..))
    }

    pub(super) fn local(&self) -> SocketAddr {
        match self {
            Wire::Udp(socket) => socket.local_addr(),
            Wire::Tcp(stream, _) => stream.local_addr(),
        }
        .expect("a bound socket")
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        match self {
            // "Refused" tells of an earlier datagram to a server that is down: a phone on UDP does not care.
            Wire::Udp(socket) => {
                let _refused = socket.send(bytes).or_else(|_| socket.send(bytes));
            }
            Wire::Tcp(stream, _) => stream.write_all(bytes).expect("the connection takes the message"),
        }
    }

    /// The next message, until the bound; `None` also when the connection was closed.
    pub(super) fn receive(&mut self, bound: &Bound) -> Option<Msg> {
        let mut buffer = vec![0; 65_536];
        loop {
            if let Wire::Tcp(_, read) = self
                && let Some(message) = whole(read)
            {
                return Some(message);
            }
            let left = Some(bound.left().max(Duration::from_millis(1)));
            let result = match self {
                Wire::Udp(socket) => socket.set_read_timeout(left).and_then(|()| socket.recv(&mut buffer)),
                Wire::Tcp(stream, _) => stream.set_read_timeout(left).and_then(|()| stream.read(&mut buffer)),
            };
            match (result, &mut *self) {
                (Ok(size), Wire::Udp(_)) => return Some(Msg::read(&buffer[..size])),
                (Ok(0), Wire::Tcp(..)) => return None,
                (Ok(size), Wire::Tcp(_, read)) => read.extend(&buffer[..size]),
                (Err(error), Wire::Udp(_)) if error.kind() == ErrorKind::ConnectionRefused => {}
                (Err(error), _) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                (Err(_), _) => return None,
            }
            if bound.is_over() {
                return None;
            }
        }
    }
}

/// Takes a whole message off the front of what was read from a stream; line ends before it are keep-alives.
fn whole(read: &mut Vec<u8>) -> Option<Msg> {
    let blank = read.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    read.drain(..blank);
    let head = read.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let length: usize =
        Msg::read(&read[..head]).header("Content-Length").and_then(|n| n.parse().ok()).unwrap_or(0);
    if read.len() < head + length {
        return None;
    }
    Some(Msg::read(&read.drain(..head + length).collect::<Vec<u8>>()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_stream_is_cut_into_messages() {
        let one = Msg::new("OPTIONS sip:a SIP/2.0").with("CSeq", "1 OPTIONS").with_body("text/plain", "abc");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut wire = Wire::tcp(listener.local_addr().unwrap(), "127.0.0.1".parse().unwrap());
        let (mut far, _) = listener.accept().unwrap();
        far.write_all(&[b"\r\n", &one.bytes()[..], &one.bytes()[..10]].concat()).unwrap();
        let bound = Bound::within(crate::PATIENCE);
        assert_eq!(wire.receive(&bound).unwrap().body, "abc");
        far.write_all(&one.bytes()[10..]).unwrap();
        assert_eq!(wire.receive(&bound).unwrap().body, "abc");
        drop(far);
        assert_eq!(wire.receive(&bound), None);
    }
}

//! Stream connections, on real sockets of the loopback.
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::plane::{BOUND, Plane, Say, message};
use bytes::Bytes;
use crosspoint_signaling::Limits;
use sip::{Flow, Transmit, Transport, shard_of};

fn phone(plane: &Plane) -> TcpStream {
    let stream = TcpStream::connect(plane.addr()).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn receive(stream: &mut TcpStream, size: usize) -> Vec<u8> {
    let mut buffer = vec![0; size];
    stream.read_exact(&mut buffer).unwrap();
    buffer
}

/// Waits until the other side has closed.
fn closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 16]) {
        Ok(size) => size == 0,
        Err(error) => matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
    }
}

#[test]
fn messages_split_and_joined_anyhow_come_back_byte_exact() {
    let plane = Plane::start(Transport::Tcp, 2, Limits::default());
    let mut stream = phone(&plane);
    let first = message("one@phone", "body of the first");
    let second = message("two@phone", &"y".repeat(20_000));
    for piece in first.chunks(7) {
        stream.write_all(piece).unwrap();
    }
    assert_eq!(receive(&mut stream, first.len()), first);
    let (worker, packet) = plane.next_packet();
    assert_eq!((worker, &packet.bytes[..]), (shard_of(b"one@phone", 2), &first[..]));
    let flow = plane.flow(Transport::Tcp, stream.local_addr().unwrap());
    assert_eq!(packet.flow, Flow { connection: packet.flow.connection, ..flow });
    let connection = packet.flow.connection.unwrap();

    let joined = [&second[..], &first, &second].concat();
    let (front, back) = joined.split_at(second.len() + 10);
    stream.write_all(front).unwrap();
    stream.write_all(back).unwrap();
    // Each worker keeps the order of its own; between workers there is none.
    let mut of_second = 0;
    for _ in 0..3 {
        let (worker, packet) = plane.next_packet();
        let is_first = packet.bytes == first;
        assert!(is_first || packet.bytes == second, "{} bytes", packet.bytes.len());
        let call_id: &[u8] = if is_first { b"one@phone" } else { b"two@phone" };
        assert_eq!((worker, packet.flow.connection), (shard_of(call_id, 2), Some(connection)));
        of_second += usize::from(!is_first);
    }
    assert_eq!(of_second, 2);
}

#[test]
fn a_double_line_end_is_answered_with_a_single_one() {
    let plane = Plane::start(Transport::Tcp, 1, Limits::default());
    let mut stream = phone(&plane);
    stream.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(receive(&mut stream, 2), b"\r\n");
    let sent = message("after@phone", "");
    stream.write_all(&sent).unwrap();
    assert_eq!(receive(&mut stream, sent.len()), sent);
}

#[test]
fn a_peer_that_never_finishes_its_message_is_cut_off() {
    let limits = Limits { message: Duration::from_millis(150), ..Limits::default() };
    let plane = Plane::start(Transport::Tcp, 1, limits);
    let mut silent = phone(&plane);
    let mut pinging = phone(&plane);
    let mut slow = phone(&plane);
    let mut good = phone(&plane);
    let whole = message("good@phone", "body");
    good.write_all(&whole).unwrap();
    assert_eq!(receive(&mut good, whole.len()), whole);
    pinging.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(receive(&mut pinging, 2), b"\r\n");
    // A byte now and then: each of them is activity, none of them a message.
    let mut rest = whole.iter();
    slow.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let cut = loop {
        let Some(byte) = rest.next() else { break false };
        if slow.write_all(&[*byte]).is_err() {
            break true;
        }
        match slow.read(&mut [0; 16]) {
            Ok(size) => break size == 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break true,
        }
    };
    assert!(cut, "the slow peer was cut off before its {} bytes were through", whole.len());
    assert!(closed(&mut silent) && closed(&mut pinging));
    good.write_all(&whole).unwrap();
    assert_eq!(receive(&mut good, whole.len()), whole, "who has spoken may be silent");
}

#[test]
fn an_idle_connection_is_closed_and_the_service_hears_of_it() {
    let limits = Limits { idle: Duration::from_millis(100), ..Limits::default() };
    let plane = Plane::start(Transport::Tcp, 2, limits);
    let mut stream = phone(&plane);
    let sent = message("one@phone", "");
    stream.write_all(&sent).unwrap();
    let flow = plane.next_packet().1.flow;
    assert_eq!(receive(&mut stream, sent.len()), sent);
    assert!(closed(&mut stream));
    assert_eq!(plane.next_flow_error(), flow);
    assert_eq!(plane.signaling.connections(), 0);
}

#[test]
fn garbage_ends_the_connection() {
    let plane = Plane::start(Transport::Tcp, 1, Limits::default());
    let mut stream = phone(&plane);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: pbx.example\r\n\r\n").unwrap();
    assert!(closed(&mut stream));
}

#[test]
fn connections_beyond_the_limit_are_closed_and_places_come_back() {
    let limits = Limits { connections_per_source: 2, ..Limits::default() };
    let plane = Plane::start(Transport::Tcp, 1, limits);
    let sent = message("one@phone", "");
    let mut open: Vec<TcpStream> = (0..2).map(|_| phone(&plane)).collect();
    for stream in &mut open {
        stream.write_all(&sent).unwrap();
        assert_eq!(receive(stream, sent.len()), sent);
        plane.next_packet();
    }
    assert!(closed(&mut phone(&plane)));
    drop(open.pop());
    plane.next_flow_error();
    let mut again = phone(&plane);
    again.write_all(&sent).unwrap();
    assert_eq!(receive(&mut again, sent.len()), sent);
}

#[test]
fn a_connection_is_made_on_demand_once_and_used_both_ways() {
    let plane = Plane::start(Transport::Tcp, 2, Limits::default());
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = plane.flow(Transport::Tcp, peer.local_addr().unwrap());
    let sent = message("ours@pbx", "to the peer");
    for worker in [0, 1] {
        let bytes = Bytes::from(sent.clone());
        plane.mailbox(worker).try_send(Say::Send(Transmit { flow, bytes })).ok().unwrap();
    }
    let (mut stream, from) = peer.accept().unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    assert_eq!(from.ip(), plane.addr().ip());
    assert_eq!(receive(&mut stream, 2 * sent.len()), sent.repeat(2));
    let back = message("ours@pbx", "to us");
    stream.write_all(&back).unwrap();
    let seen = plane.next_packet().1;
    assert_eq!(seen.bytes, back);
    assert_eq!(seen.flow, Flow { connection: seen.flow.connection, ..flow });
    assert_eq!(receive(&mut stream, back.len()), back);

    drop(stream);
    // Both workers used it: each is told, of the connection and of the flow that asked for it.
    let mut told: Vec<Flow> = (0..4).map(|_| plane.next_flow_error()).collect();
    told.sort_by_key(|flow| flow.connection);
    assert_eq!(told, [flow, flow, seen.flow, seen.flow]);
}

#[test]
fn a_refused_connection_is_a_flow_error() {
    let plane = Plane::start(Transport::Tcp, 1, Limits::default());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let flow = plane.flow(Transport::Tcp, nobody);
    let transmit = Transmit { flow, bytes: Bytes::from(message("ours@pbx", "")) };
    plane.mailbox(0).try_send(Say::Send(transmit)).ok().unwrap();
    // The flow of the connection may be told of first.
    while plane.next_flow_error() != flow {}
    assert_eq!(plane.signaling.connections(), 0);
}

#[test]
fn a_closed_connection_of_a_phone_is_not_called_back() {
    let plane = Plane::start(Transport::Tcp, 1, Limits::default());
    let mut stream = phone(&plane);
    stream.write_all(&message("one@phone", "")).unwrap();
    let flow = plane.next_packet().1.flow;
    drop(stream);
    assert_eq!(plane.next_flow_error(), flow);
    let transmit = Transmit { flow, bytes: Bytes::from_static(b"too late") };
    plane.mailbox(0).try_send(Say::Send(transmit)).ok().unwrap();
    assert_eq!(plane.next_flow_error(), flow);
}

#[test]
fn a_peer_that_does_not_read_is_cut_off() {
    let limits = Limits { write_queue: 4, ..Limits::default() };
    let plane = Plane::with_echo(Transport::Tcp, 1, limits, false);
    let mut stream = phone(&plane);
    stream.write_all(&message("one@phone", "")).unwrap();
    let flow = plane.next_packet().1.flow;
    let bytes = Bytes::from(vec![b'x'; 60_000]);
    // Far more than the socket buffers of both sides and the queue hold.
    for _ in 0..500 {
        let transmit = Transmit { flow, bytes: bytes.clone() };
        plane.mailbox(0).try_send(Say::Send(transmit)).ok().unwrap();
    }
    assert_eq!(plane.next_flow_error(), flow);
}

#[test]
fn stopping_closes_connections_and_frees_the_port() {
    let plane = Plane::start(Transport::Tcp, 1, Limits::default());
    let mut stream = phone(&plane);
    let sent = message("one@phone", "");
    stream.write_all(&sent).unwrap();
    assert_eq!(receive(&mut stream, sent.len()), sent);
    let addr = plane.addr();
    plane.signaling.stop();
    assert!(closed(&mut stream));
    assert!(TcpStream::connect(addr).is_err());
}

//! Datagrams, on real sockets of the loopback.
use std::collections::{HashMap, HashSet};
use std::net::UdpSocket;
use std::time::Duration;

use crate::plane::{BOUND, Plane, Say, Seen, message};
use bytes::Bytes;
use crosspoint_signaling::Limits;
use sip::{Transmit, Transport, shard_of};

fn phone(plane: &Plane) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(plane.addr()).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_536];
    let size = socket.recv(&mut buffer).unwrap();
    buffer.truncate(size);
    buffer
}

#[test]
fn a_datagram_comes_back_byte_exact_from_the_listening_address() {
    let plane = Plane::start(Transport::Udp, 2, Limits::default());
    let socket = phone(&plane);
    for size in [0, 1, 1_400, 60_000] {
        let sent = message("one@phone", &"x".repeat(size));
        socket.send(&sent).unwrap();
        assert_eq!(receive(&socket), sent);
        let (_, packet) = plane.next_packet();
        assert_eq!(packet.bytes, sent);
        assert_eq!(packet.flow, plane.flow(Transport::Udp, socket.local_addr().unwrap()));
    }
}

#[test]
fn each_call_is_handled_by_the_worker_its_call_id_names_in_the_order_it_was_sent() {
    const WORKERS: usize = 3;
    const SENDERS: usize = 6;
    const CALLS: usize = 10;
    const ROUNDS: usize = 100;
    let plane = Plane::with_echo(Transport::Udp, WORKERS, Limits::default(), false);
    let addr = plane.addr();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            scope.spawn(move || {
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                for round in 0..ROUNDS {
                    for call in 0..CALLS {
                        let text = message(&format!("{call}@{sender}"), &round.to_string());
                        socket.send_to(&text, addr).unwrap();
                    }
                }
            });
        }
    });
    let mut next: HashMap<String, usize> = HashMap::new();
    let mut used = HashSet::new();
    for _ in 0..SENDERS * CALLS * ROUNDS {
        let (worker, packet) = plane.next_packet();
        let text = String::from_utf8(packet.bytes.to_vec()).unwrap();
        let call_id = text.lines().find_map(|line| line.strip_prefix("Call-ID: ")).unwrap();
        let round: usize = text.rsplit("\r\n").next().unwrap().parse().unwrap();
        assert_eq!(worker, shard_of(call_id.as_bytes(), WORKERS), "{call_id}");
        let expected = next.entry(call_id.to_owned()).or_default();
        assert_eq!(round, *expected, "{call_id}");
        *expected += 1;
        used.insert(worker);
    }
    assert_eq!(used.len(), WORKERS);
}

#[test]
fn keep_alives_are_not_messages_and_stun_is_answered() {
    let plane = Plane::start(Transport::Udp, 1, Limits::default());
    let socket = phone(&plane);
    for nothing in [&b""[..], b"\r\n", b"\r\n\r\n", b"\0"] {
        socket.send(nothing).unwrap();
    }
    let request = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], b"transaction!"].concat();
    socket.send(&request).unwrap();
    let answer = receive(&socket);
    assert_eq!((answer[..4].to_vec(), &answer[8..20]), (vec![1, 1, 0, 12], &b"transaction!"[..]));
    assert_eq!(u16::from_be_bytes([answer[26], answer[27]]) ^ 0x2112, socket.local_addr().unwrap().port());
    let sent = message("after@phone", "");
    socket.send(&sent).unwrap();
    assert_eq!(plane.next_packet().1.bytes, sent, "the first that the service sees");
}

#[test]
fn an_idle_worker_sends_what_the_mailbox_says() {
    let plane = Plane::start(Transport::Udp, 2, Limits::default());
    let socket = phone(&plane);
    let flow = plane.flow(Transport::Udp, socket.local_addr().unwrap());
    for worker in [0, 1, 0, 1] {
        let bytes = Bytes::from(format!("from {worker}"));
        plane.mailbox(worker).try_send(Say::Send(Transmit { flow, bytes: bytes.clone() })).ok().unwrap();
        assert_eq!(receive(&socket), bytes);
    }
}

#[test]
fn an_idle_worker_does_not_wake_up_by_itself() {
    let plane = Plane::start(Transport::Udp, 1, Limits::default());
    plane.mailbox(0).try_send(Say::WhichThread).ok().unwrap();
    let Seen::Thread(thread) = plane.next() else { panic!("the worker says which thread it is") };
    let switches = || {
        let status = std::fs::read_to_string(thread.join("status")).unwrap();
        let lines = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
        lines.map(|(_, count)| count.trim().parse::<u64>().unwrap()).sum::<u64>()
    };
    let asleep = || std::fs::read_to_string(thread.join("status")).unwrap().contains("State:\tS");
    while !asleep() {
        std::thread::yield_now();
    }
    let before = switches();
    // Nothing is to happen: the only way to see that is to look again later.
    std::thread::park_timeout(Duration::from_millis(500));
    assert_eq!(switches(), before);
}

#[test]
fn a_timer_fires_once_and_not_early() {
    let plane = Plane::start(Transport::Udp, 1, Limits::default());
    let at = plane.clock.now() + Duration::from_millis(30);
    plane.mailbox(0).try_send(Say::WakeAt(at)).ok().unwrap();
    match plane.next() {
        Seen::Timeout(now) => assert!(now >= at, "{now} before {at}"),
        other => panic!("{other:?}"),
    }
    assert!(plane.seen.try_recv().is_err());
}

#[test]
fn what_cannot_be_sent_is_a_flow_error() {
    let plane = Plane::start(Transport::Udp, 1, Limits::default());
    let socket = phone(&plane);
    let flow = plane.flow(Transport::Udp, socket.local_addr().unwrap());
    let tls = plane.flow(Transport::Tls, socket.local_addr().unwrap());
    let say = |flow, size| {
        let bytes = Bytes::from(vec![b'x'; size]);
        plane.mailbox(0).try_send(Say::Send(Transmit { flow, bytes })).ok().unwrap();
    };
    say(flow, 66_000);
    assert_eq!(plane.next_flow_error(), flow);
    say(tls, 10);
    assert_eq!(plane.next_flow_error(), tls);
    say(flow, 10);
    assert_eq!(receive(&socket), b"xxxxxxxxxx");
}

#[test]
fn stopping_frees_the_port() {
    let plane = Plane::start(Transport::Udp, 2, Limits::default());
    let addr = plane.addr();
    assert!(UdpSocket::bind(addr).is_err());
    plane.signaling.stop();
    assert!(UdpSocket::bind(addr).is_ok());
}

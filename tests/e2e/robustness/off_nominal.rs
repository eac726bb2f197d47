//! Input that nobody should send.

use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use clock::{Random, SystemClock};
use serde_json::json;
use testkit::{Codec, Msg, Phone, Server, Talk, offer};

/// Per transport.
const MESSAGES: u32 = 100_000;
/// Sent before the server is asked for a sign of life, so that its socket buffer holds them all.
const BURST: u32 = 50;
/// Messages that follow each other on one connection.
const PER_CONNECTION: u32 = 4;
/// What the transactions of the last half minute and the buffers of the allocator may take.
const GROWTH: u64 = 24 * 1_024 * 1_024;

#[test]
fn a_hundred_thousand_mutated_datagrams_neither_stop_nor_fatten_the_server() {
    let mut server = Server::start();
    let mut talk = Talk::prepare(&server);
    let mut mutant = Mutant::new(&server);
    let socket = UdpSocket::bind((server.peer_ip(6), 0)).unwrap();
    socket.connect(server.sip).unwrap();
    let mut send = |count: u32, phone: &mut Phone| {
        for n in 0..count {
            let _refused = socket.send(&mutant.next());
            if n % BURST == BURST - 1 {
                sign_of_life(phone);
            }
        }
    };
    send(MESSAGES / 10, &mut talk.caller);
    let warm = server.memory_bytes();
    send(MESSAGES - MESSAGES / 10, &mut talk.caller);
    server.assert_alive();
    let arrived = talk.api.metric("crosspoint_sip_datagrams_total{direction=\"in\"}");
    assert!(arrived >= f64::from(MESSAGES), "only {arrived} of {MESSAGES} reached the server");
    assert_grown_little(&server, warm);
    assert_works(&mut talk);
}

#[test]
fn a_hundred_thousand_mutated_messages_over_tcp_neither_stop_nor_fatten_the_server() {
    let mut server = Server::start();
    let mut talk = Talk::prepare(&server);
    let mut mutant = Mutant::new(&server);
    let mut stream = TcpStream::connect(server.sip).unwrap();
    let mut connections = 1;
    let mut send = |count: u32, phone: &mut Phone| {
        for n in 0..count {
            // Many end the connection, as they should; others swallow what follows: a new one now and then.
            if stream.write_all(&mutant.next()).is_err() || n % PER_CONNECTION == 0 {
                stream = TcpStream::connect(server.sip).unwrap();
                connections += 1;
            }
            if n % BURST == BURST - 1 {
                sign_of_life(phone);
            }
        }
    };
    send(MESSAGES / 10, &mut talk.caller);
    let warm = server.memory_bytes();
    send(MESSAGES - MESSAGES / 10, &mut talk.caller);
    server.assert_alive();
    let framed = talk.api.metric("crosspoint_sip_stream_messages_total{direction=\"in\"}");
    println!("{connections} connections, {framed} whole messages");
    assert!(framed >= f64::from(MESSAGES) / 4.0, "only {framed} were cut out of the streams");
    assert_grown_little(&server, warm);
    assert_works(&mut talk);
}

fn sign_of_life(phone: &mut Phone) {
    let request = phone.request("OPTIONS", &format!("sip:{}", phone.account.domain));
    assert_eq!(phone.exchange(&request).status(), 200);
}

fn assert_grown_little(server: &Server, warm: u64) {
    let grown = server.memory_bytes().saturating_sub(warm);
    assert!(grown <= GROWTH, "{} KiB more than after the first tenth", grown / 1_024);
}

fn assert_works(talk: &mut Talk) {
    talk.caller.register(600);
    let mut call = talk.call();
    talk.speak(&call);
    talk.assert_heard();
    talk.hang_up(&mut call);
}

/// Makes broken messages from good ones, the same for the same seed.
struct Mutant {
    random: Random,
    good: Vec<Vec<u8>>,
    number: u32,
}

impl Mutant {
    fn new(server: &Server) -> Mutant {
        let seed = SystemClock::new().now().as_nanos();
        println!("seed {seed}");
        let account = server.admin().account("6109", &json!({}));
        let mut phone = Phone::udp(server.sip, server.peer_ip(5), &account);
        let mut good = Vec::new();
        let register = phone.register_request(600);
        let challenge = phone.exchange(&register);
        good.push(phone.authorized(&register, &challenge).bytes());
        good.push(register.with("Path", "<sip:a.example;lr>").with("Supported", "path, outbound").bytes());
        let sdp = offer(SocketAddr::new(server.peer_ip(5), 40_000), Codec::Pcmu, "sendrecv");
        let invite = phone.invite_request("6102", &sdp);
        for method in ["ACK", "BYE", "CANCEL", "INFO", "OPTIONS", "MESSAGE", "SUBSCRIBE", "UPDATE"] {
            let request = phone.request(method, "sip:6102@pbx.test;user=phone?Subject=x");
            good.push(request.with("Route", "<sip:p1.example;lr>, <sip:p2.example;lr>").bytes());
        }
        for (status, reason) in
            [(100, "Trying"), (180, "Ringing"), (200, "OK"), (401, "Unauthorized"), (600, "Busy")]
        {
            let response =
                phone.response(&invite, status, reason).with("Record-Route", "<sip:p1.example;lr>");
            good.push(response.with_body("application/sdp", sdp.clone()).bytes());
        }
        good.push(folded(&invite).bytes());
        good.push(invite.bytes());
        Mutant { random: Random::seeded(seed), good, number: 0 }
    }

    fn next(&mut self) -> Vec<u8> {
        self.number += 1;
        let which = self.below(self.good.len());
        let mut bytes = self.good[which].clone();
        for _ in 0..=self.below(4) {
            self.mutate(&mut bytes);
        }
        bytes.truncate(65_000);
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            bytes.extend(b"INVITE");
        }
        let at = self.below(bytes.len());
        let to = (at + 1 + self.below(40)).min(bytes.len());
        match self.below(10) {
            0 => bytes[at] = self.byte(),
            1 => bytes[at] ^= 1 << self.below(8),
            2 => drop(bytes.drain(at..to)),
            3 => {
                let copy = bytes[at..to].to_vec();
                bytes.splice(at..at, copy);
            }
            4 => bytes.truncate(at),
            5 => {
                let junk: Vec<u8> = (0..self.below(60)).map(|_| self.byte()).collect();
                bytes.splice(at..at, junk);
            }
            6 => {
                const WORDS: &[&[u8]] = &[
                    b"\r\n",
                    b"\r\n\r\n",
                    b"\n",
                    b"\0",
                    b",",
                    b";",
                    b"\"",
                    b"<",
                    b">",
                    b"%00",
                    b"4294967296",
                    b"-1",
                    b"99999999999999999999",
                    b"SIP/2.0",
                    b"Content-Length: 70000\r\n",
                    b"l: 3\r\n",
                    b"Content-Length: -5\r\n",
                    b";tag=",
                    b"z9hG4bK",
                    b"\xff\xfe",
                    b"*",
                    b"[::1]",
                    b"=?utf-8?",
                ];
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            7 => {
                // Lines change places.
                let mut lines: Vec<Vec<u8>> =
                    bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let (one, other) = (self.below(lines.len()), self.below(lines.len()));
                lines.swap(one, other);
                *bytes = lines.join(&b'\n');
            }
            8 => {
                let other = self.below(self.good.len());
                let from = self.below(self.good[other].len());
                let tail = self.good[other][from..].to_vec();
                bytes.truncate(at);
                bytes.extend(tail);
            }
            _ => {
                let long = vec![self.byte(); self.below(5_000)];
                bytes.splice(at..at, long);
            }
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(u64::try_from(bound).unwrap())).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.random.u64().to_be_bytes()[0]
    }
}

fn folded(message: &Msg) -> Msg {
    message.clone().with("Subject", "I know\r\n you're there,\r\n\tpick up")
}

#[test]
fn a_message_of_the_largest_size_is_answered() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let mut phone = Phone::tcp(server.sip, server.peer_ip(2), &account);
    for size in [10_000, 30_000] {
        let request = phone.request("OPTIONS", &format!("sip:{}", server.domain));
        let answer = phone.exchange(&request.with_body("text/plain", "x".repeat(size)));
        assert!(answer.status() >= 200, "{}", answer.start);
    }
    assert_eq!(phone.register(600).status(), 200);
}

#[test]
fn connections_that_say_nothing_do_not_keep_phones_out() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let silent: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(server.sip).unwrap()).collect();
    let mut phone = Phone::tcp(server.sip, server.peer_ip(2), &account);
    phone.register(600);
    drop(silent);
}

#[test]
fn replies_to_a_stranger_are_not_much_larger_than_what_it_sent() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    for method in ["OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE"] {
        let request = phone.request(method, &format!("sip:{}", server.domain));
        let answer = phone.exchange(&request);
        let (asked, told) = (request.bytes().len(), answer.bytes().len());
        assert!(told <= 2 * asked, "{method}: {told} bytes for {asked}");
        let more =
            phone.find(Duration::from_millis(700), &|message| message.need("CSeq") == request.need("CSeq"));
        assert_eq!(more, None, "{method}: not repeated by itself");
    }
}

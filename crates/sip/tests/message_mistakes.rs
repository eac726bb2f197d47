//! The mistakes other stacks made in parsing, forwarding and digest: each one a test for us.

#![expect(clippy::unwrap_used, reason = "a test stops where it goes wrong")]

use bytes::Bytes;
use clock::Time;
use crosspoint_sip::digest::{
    Algorithm, Answer, Challenge, Credentials, NonceCounts, NonceKey, NonceState, Qop, ReceivedChallenge,
    ha1, verify,
};
use crosspoint_sip::{EditList, Message, Name, StatusCode};
use std::time::Duration;

const TTL: Duration = Duration::from_secs(300);

fn parse(text: impl AsRef<[u8]>) -> Message {
    Message::parse(Bytes::copy_from_slice(text.as_ref())).unwrap()
}

/// A good MESSAGE with these lines added and this body, without a Content-Length of its own.
fn message(lines: &str, body: &str) -> Message {
    parse(format!(
        "MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
         From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: 1@192.0.2.1\r\n\
         CSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n{lines}\r\n{body}"
    ))
}

fn refused(message: &Message) -> Option<u16> {
    message.validate().err().map(|refusal| refusal.status.as_u16())
}

#[test]
fn without_content_length_the_body_is_the_rest_of_the_datagram() {
    let message = message("Content-Type: text/plain\r\n", "hello\r\n\r\nworld");
    assert_eq!(message.body(), b"hello\r\n\r\nworld");
    assert_eq!(refused(&message), None);
}

#[test]
fn content_length_larger_than_the_datagram_is_answered_400() {
    let message = message("Content-Length: 6\r\n", "hello");
    assert_eq!(message.validate().unwrap_err().reason, "Content-Length Exceeds Message");
    assert_eq!(refused(&message), Some(400));
    // Enough is left to answer.
    assert_eq!(message.via().unwrap().branch(), Some("z9hG4bK1"));
}

#[test]
fn bytes_behind_the_body_are_not_part_of_the_message() {
    let message = message("Content-Length: 5\r\n", "helloINVITE sip:x SIP/2.0\r\n");
    assert_eq!((message.body(), refused(&message)), (&b"hello"[..], None));
    assert!(message.edited(&EditList::new()).ends_with(b"\r\n\r\nhello"));
}

#[test]
fn content_lengths_that_are_unclear_are_answered_400() {
    for lines in
        ["l: 1\r\nContent-Length: 2\r\n", "l: -1\r\n", "l: 1, 1\r\n", "l:\r\n", "l: 0x1\r\n", "l: +1\r\n"]
    {
        assert_eq!(refused(&message(lines, "hello")), Some(400), "{lines}");
    }
    assert_eq!(refused(&message("l: 5\r\nContent-Length: 005\r\n", "hello")), None);
}

#[test]
fn one_latin_1_byte_spoils_its_own_header_only() {
    let mut bytes = message("Subject: caf@\r\nX-After: seen\r\nContent-Length: 2\r\n", "hi").bytes().to_vec();
    let at = bytes.windows(4).position(|window| window == b"caf@").unwrap() + 3;
    bytes[at] = 0xe9;
    let message = parse(&bytes);
    assert_eq!(refused(&message), None);
    assert_eq!(message.header(Name::Subject), Some(&b"caf\xe9"[..]));
    assert_eq!(message.other("x-after"), Some(&b"seen"[..]));
    assert_eq!(message.body(), b"hi");
    assert_eq!(message.edited(&EditList::new()), bytes);
}

#[test]
fn one_latin_1_byte_in_a_display_name_leaves_the_rest_readable() {
    let bytes = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: J\xf6rg <sip:j@example.com>\r\n\
        To: <sip:b@example.com>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
    let message = parse(bytes);
    assert!(message.from().is_err());
    assert_eq!(message.to().unwrap().tag(), Some("2"));
    assert_eq!(message.cseq().unwrap().number, 1);
}

#[test]
fn request_uri_and_its_parameters_are_forwarded_byte_for_byte() {
    let uri =
        "sip:+49%2030;phone-context=x@Example.COM:5060;User=phone;transport=UDP;x=%41;lr?Subject=a%20b&z";
    let text = format!("INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n");
    let mut list = EditList::new();
    list.prepend(Name::Via, "SIP/2.0/UDP me;branch=z9hG4bK2");
    let edited = parse(&text).edited(&list);
    assert_eq!(edited, text.replacen("Via:", "Via: SIP/2.0/UDP me;branch=z9hG4bK2\r\nVia:", 1));
    assert_eq!(parse(&edited).request_uri(), uri.as_bytes());
    assert_eq!(parse(&edited).uri().unwrap().as_str(), uri);
}

#[test]
fn reason_phrases_are_forwarded_byte_for_byte() {
    for reason in ["Ok, \u{442}\u{435}\u{441}\u{442}  =", "", "  two  blanks "] {
        let text = format!("SIP/2.0 200 {reason}\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\r\n\r\n");
        let message = parse(&text);
        assert_eq!(message.reason(), reason.as_bytes());
        let mut list = EditList::new();
        list.remove_first(Name::Via);
        assert_eq!(message.edited(&list), text.replacen("Via: SIP/2.0/UDP a\r\n", "", 1));
    }
}

#[test]
fn sdp_beyond_8_kilobytes_arrives_whole() {
    let body = "a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n".repeat(400);
    let message = message(&format!("Content-Length: {}\r\n", body.len()), &body);
    assert_eq!((message.body().len(), refused(&message)), (body.len(), None));
}

#[test]
fn sizes_have_an_answer() {
    let huge = "x".repeat(crosspoint_sip::limits::MAX_BODY_BYTES + 1);
    assert_eq!(refused(&message("", &huge)), Some(413));
    assert_eq!(refused(&message(&"X-Y: z\r\n".repeat(300), "")), Some(400));
    assert_eq!(refused(&message(&"X-Y: z\r\n".repeat(200), "")), None);
    let long_uri = format!("OPTIONS sip:{}@a SIP/2.0\r\n", "u".repeat(5_000));
    let text = String::from_utf8(message("", "").bytes().to_vec()).unwrap();
    let text =
        text.replace("MESSAGE sip:bob@example.com SIP/2.0\r\n", &long_uri).replace("1 MESSAGE", "1 OPTIONS");
    assert_eq!(refused(&parse(text)), Some(414));
    assert!(Message::parse(Bytes::from(vec![b'a'; 65_536])).is_err());
}

#[test]
fn a_message_read_back_from_its_bytes_is_the_same() {
    let message = message("Content-Length: 2\r\n", "hi");
    let stored = postcard::to_stdvec(&message).unwrap();
    let restored: Message = postcard::from_bytes(&stored).unwrap();
    assert_eq!(restored, message);
    assert_eq!((restored.body(), restored.call_id()), (message.body(), message.call_id()));
    assert!(postcard::from_bytes::<Message>(b"\x03abc").is_err());
}

/// A client with one account, and a server that knows its HA1.
struct Pair {
    key: NonceKey,
    counts: NonceCounts,
    nonce: String,
    now: Time,
}

impl Pair {
    fn new() -> Pair {
        let now = Time::from_secs(1_763_711_951);
        let key = NonceKey::new([3; 32]);
        let nonce = key.issue(now, 99);
        Pair { key, counts: NonceCounts::new(100, TTL), nonce, now }
    }

    fn authorization(&self, algorithm: Algorithm, qop: Qop, nc: u32, body: &[u8]) -> String {
        let challenge = Challenge {
            realm: "pbx.example",
            nonce: &self.nonce,
            algorithms: &[algorithm],
            stale: false,
            qop: &[qop],
        };
        let header = challenge.to_header(algorithm);
        let received = ReceivedChallenge::parse(header.as_bytes()).unwrap();
        received.answer(&Answer {
            username: "alice",
            ha1: &ha1(algorithm, "alice", "pbx.example", "s3cret"),
            method: b"REGISTER",
            uri: "sip:192.0.2.1:5060",
            body,
            nc,
            cnonce: "0a4f113b",
        })
    }

    /// What the server says: proof, nonce, count.
    fn judge(&mut self, authorization: &str, body: &[u8]) -> (bool, NonceState, bool) {
        let credentials = Credentials::parse(authorization.as_bytes()).unwrap();
        let secret = ha1(credentials.algorithm, "alice", "pbx.example", "s3cret");
        let proven = verify(&credentials, b"REGISTER", &secret, body);
        let state = self.key.check(&credentials.nonce, self.now, TTL);
        let counted = self.counts.accept(&credentials.nonce, credentials.nc.unwrap_or(0), self.now);
        (proven, state, counted)
    }
}

const WELCOME: (bool, NonceState, bool) = (true, NonceState::Fresh, true);

#[test]
fn a_nonce_serves_beyond_its_10th_and_256th_request() {
    let mut pair = Pair::new();
    for nc in (1..=600).chain([65_535, 65_536, 0x00ff_ffff, 0x0100_0000, u32::MAX]) {
        let authorization = pair.authorization(Algorithm::Md5, Qop::Auth, nc, b"");
        assert_eq!(pair.judge(&authorization, b""), WELCOME, "nc {nc}");
    }
}

#[test]
fn every_algorithm_and_quality_is_understood() {
    for algorithm in Algorithm::ALL {
        for qop in [Qop::Auth, Qop::AuthInt] {
            let mut pair = Pair::new();
            let authorization = pair.authorization(algorithm, qop, 1, b"body");
            assert!(authorization.contains(&format!("algorithm={}", algorithm.token())));
            assert_eq!(pair.judge(&authorization, b"body"), WELCOME, "{algorithm} {qop:?}");
            let (other_body, ..) = pair.judge(&authorization, b"another");
            assert_eq!(other_body, qop == Qop::Auth, "{algorithm} {qop:?}");
        }
    }
}

#[test]
fn a_session_algorithm_is_not_computed_as_the_plain_one() {
    let pair = Pair::new();
    let response = |algorithm| {
        let authorization = pair.authorization(algorithm, Qop::Auth, 1, b"");
        Credentials::parse(authorization.as_bytes()).unwrap().response.into_owned()
    };
    assert_ne!(response(Algorithm::Md5), response(Algorithm::Md5Sess));
    assert_ne!(response(Algorithm::Sha256), response(Algorithm::Sha256Sess));
}

#[test]
fn a_captured_authorization_is_not_valid_for_ever() {
    let mut pair = Pair::new();
    let captured = pair.authorization(Algorithm::Sha256, Qop::Auth, 1, b"");
    assert_eq!(pair.judge(&captured, b""), WELCOME);
    assert_eq!(pair.judge(&captured, b""), (true, NonceState::Fresh, false), "replayed at once");
    pair.now += TTL + Duration::from_secs(1);
    assert_eq!(pair.judge(&captured, b"").1, NonceState::Stale, "replayed later");
    pair.key = NonceKey::new([4; 32]);
    assert_eq!(pair.judge(&captured, b"").1, NonceState::Foreign, "replayed elsewhere");
}

#[test]
fn realm_and_username_are_there_to_be_compared() {
    let pair = Pair::new();
    let authorization = pair.authorization(Algorithm::Md5, Qop::Auth, 1, b"");
    let credentials = Credentials::parse(authorization.as_bytes()).unwrap();
    assert_eq!((&*credentials.username, &*credentials.realm), ("alice", "pbx.example"));
    // The signed URI is the client's own idea of the server, not the request-URI.
    assert_eq!(credentials.uri, "sip:192.0.2.1:5060");
    let mallory = ha1(Algorithm::Md5, "mallory", "pbx.example", "s3cret");
    assert!(!verify(&credentials, b"REGISTER", &mallory, b""));
    let secret = ha1(Algorithm::Md5, "alice", "pbx.example", "s3cret");
    assert!(verify(&credentials, b"REGISTER", &secret, b""));
    assert!(!verify(&credentials, b"INVITE", &secret, b""));
}

#[test]
fn the_status_of_each_way_to_be_wrong() {
    let good = String::from_utf8(message("", "").bytes().to_vec()).unwrap();
    for (from, to, status) in [
        ("SIP/2.0\r\nVia", "SIP/2.0\r\nVia", None),
        ("bob@example.com SIP/2.0", "bob@example.com SIP/3.0", Some(StatusCode::VERSION_NOT_SUPPORTED)),
        (
            "MESSAGE sip:bob@example.com ",
            "MESSAGE im:bob@example.com ",
            Some(StatusCode::UNSUPPORTED_URI_SCHEME),
        ),
        ("MESSAGE sip:bob@example.com ", "MESSAGE sip:bob@ ", Some(StatusCode::BAD_REQUEST)),
        ("MESSAGE sip:bob@example.com ", "MESSAGE  sip:bob@example.com ", Some(StatusCode::BAD_REQUEST)),
        ("Via: SIP/2.0/UDP", "X-Via: SIP/2.0/UDP", Some(StatusCode::BAD_REQUEST)),
        ("From: ", "X-From: ", Some(StatusCode::BAD_REQUEST)),
        ("To: ", "X-To: ", Some(StatusCode::BAD_REQUEST)),
        ("Call-ID: 1@192.0.2.1", "Call-ID: ", Some(StatusCode::BAD_REQUEST)),
        ("CSeq: 1 MESSAGE", "CSeq: 1 INVITE", Some(StatusCode::BAD_REQUEST)),
        ("CSeq: 1 MESSAGE", "CSeq: 2147483648 MESSAGE", Some(StatusCode::BAD_REQUEST)),
        ("CSeq: 1 MESSAGE", "CSeq: 1 MESSAGE\r\nCSeq: 1 MESSAGE", Some(StatusCode::BAD_REQUEST)),
        ("Max-Forwards: 70", "Max-Forwards: 256", Some(StatusCode::BAD_REQUEST)),
        ("Max-Forwards: 70\r\n", "", None),
        ("Max-Forwards: 70", "no colon here", Some(StatusCode::BAD_REQUEST)),
        ("Max-Forwards: 70", "X: a\rVia: b", Some(StatusCode::BAD_REQUEST)),
        ("Max-Forwards: 70\r\n\r\n", "Max-Forwards: 70\r\n", Some(StatusCode::BAD_REQUEST)),
        ("MESSAGE", "INVITE", Some(StatusCode::BAD_REQUEST)),
        ("MESSAGE", "X-OWN", None),
    ] {
        let text = if from == "MESSAGE" { good.replace(from, to) } else { good.replacen(from, to, 1) };
        assert!(from == to || text != good, "{from}");
        assert_eq!(parse(&text).validate().err().map(|refusal| refusal.status), status, "{text}");
    }
}

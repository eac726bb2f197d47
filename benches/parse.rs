//! Reading and forwarding an INVITE of 1.6 kB with SDP, ours and `sipx-sip` over the same bytes in the same run.
//!
//! Goal: four times as fast as the yardstick. `cargo bench -p crosspoint-benches --bench parse`

#![expect(clippy::unwrap_used, reason = "a test stops where it goes wrong")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sip::digest::{Algorithm, Answer, Credentials, NonceCounts, NonceKey, ReceivedChallenge, ha1, verify};
use sip::{Builder, EditList, Message, Name, StatusCode, StreamFramer, scan_call_id, shard_of};
use sipx_sip::{Header, HeaderName, Limits, parse_datagram};

const INVITE: &[u8] = include_bytes!("../crates/sip/tests/data/invite.sip");
const VIA: &str = "SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK5f2a91c07de4486b";

/// A datagram as the socket loop hands it over: in a buffer of its own.
fn datagram() -> Bytes {
    Bytes::copy_from_slice(INVITE)
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Bytes(INVITE.len() as u64));
    group.bench_function("ours", |b| {
        b.iter_batched(datagram, |bytes| Message::parse(bytes).unwrap(), BatchSize::SmallInput);
    });
    group.bench_function("sipx", |b| {
        let limits = Limits::datagram();
        b.iter_batched(datagram, |bytes| parse_datagram(bytes, &limits).unwrap(), BatchSize::SmallInput);
    });
    group.finish();
}

/// One hop of a proxy: our Via on top, Max-Forwards one less, written out.
fn forward(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse and forward");
    group.bench_function("ours", |b| {
        b.iter_batched(
            datagram,
            |bytes| {
                let message = Message::parse(bytes).unwrap();
                let mut list = EditList::new();
                list.prepend(Name::Via, VIA).replace(Name::MaxForwards, "69");
                message.edited(&list)
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("sipx", |b| {
        let limits = Limits::datagram();
        b.iter_batched(
            datagram,
            |bytes| {
                let mut message = parse_datagram(bytes, &limits).unwrap();
                let headers = message.headers_mut();
                headers.push_front(Header::build(HeaderName::Via, VIA).unwrap());
                headers.remove_all(&HeaderName::MaxForwards);
                headers.push(Header::build(HeaderName::MaxForwards, "69").unwrap());
                message.to_bytes()
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// What a worker does with a message besides reading it.
fn around(c: &mut Criterion) {
    let message = Message::parse(Bytes::from_static(INVITE)).unwrap();
    let source = "198.51.100.7:40123".parse().unwrap();
    let mut group = c.benchmark_group("around");
    group.bench_function("shard of a datagram", |b| {
        b.iter(|| scan_call_id(black_box(INVITE)).map(|call_id| shard_of(call_id, 4)));
    });
    group.bench_function("validate", |b| b.iter(|| black_box(&message).validate()));
    group.bench_function("100 Trying", |b| {
        b.iter(|| Builder::response_to(&message, StatusCode::TRYING, None, None, Some(source)).finish());
    });
    group.bench_function("frame from a stream", |b| {
        b.iter(|| {
            let mut framer = StreamFramer::new();
            framer.push(black_box(INVITE));
            framer.next()
        });
    });
    group.finish();
}

/// What a REGISTER with an Authorization costs besides the parse.
fn digest(c: &mut Criterion) {
    let key = NonceKey::new([1; 32]);
    let now = clock::Time::from_secs(1_763_711_951);
    let ttl = std::time::Duration::from_secs(300);
    let nonce = key.issue(now, 1);
    let secret = ha1(Algorithm::Md5, "alice", "pbx.example", "s3cret");
    let challenge = format!("Digest realm=\"pbx.example\",nonce=\"{nonce}\",algorithm=MD5,qop=\"auth\"");
    let answer = Answer {
        username: "alice",
        ha1: &secret,
        method: b"REGISTER",
        uri: "sip:pbx.example",
        body: b"",
        nc: 1,
        cnonce: "0a4f113b",
    };
    let header = ReceivedChallenge::parse(challenge.as_bytes()).unwrap().answer(&answer);
    let mut group = c.benchmark_group("digest");
    group.bench_function("issue a nonce", |b| b.iter(|| key.issue(black_box(now), black_box(2))));
    group.bench_function("check nonce, proof and count", |b| {
        let mut counts = NonceCounts::new(0, ttl);
        let mut nc = 0;
        b.iter(|| {
            nc += 1;
            let credentials = Credentials::parse(black_box(header.as_bytes())).unwrap();
            let state = key.check(&credentials.nonce, now, ttl);
            (
                state,
                verify(&credentials, b"REGISTER", &secret, b""),
                counts.accept(&credentials.nonce, nc, now),
            )
        });
    });
    group.finish();
}

criterion_group!(benches, parse, forward, around, digest);
criterion_main!(benches);

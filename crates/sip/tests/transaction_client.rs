//! Client transactions, from the wire: what is repeated and when, what a response belongs to, what ends it.

#![expect(clippy::panic, reason = "a test stops where it goes wrong")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use crosspoint_sip::{
    ClientTx, DialogEvent, DialogId, Event, Headers, Invite, Message, Method, Name, OutOfDialog, Outcome,
    Settings, Transport,
};
use support::desk::{Desk, response, start_line, text};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn call(desk: &mut Desk) -> (DialogId, Message) {
    let dialog = desk.endpoint.invite(
        desk.now,
        Invite {
            target: "sip:b@example.com".into(),
            flow: desk.flow,
            route: vec!["<sip:edge.example;lr>".into()],
            from: "\"A\" <sip:a@example.com>".into(),
            to: "<sip:b@example.com>".into(),
            contact: "<sip:a@192.0.2.1:5060>".into(),
            headers: vec![(Name::Subject.into(), "lunch".into())],
            body: None,
        },
    );
    (dialog, desk.sent_one())
}

fn ask(desk: &mut Desk) -> (ClientTx, Message) {
    let tx = desk.endpoint.request(
        desk.now,
        OutOfDialog {
            method: Method::Options,
            target: "sip:b@example.com".into(),
            flow: desk.flow,
            from: "<sip:a@example.com>".into(),
            to: "<sip:b@example.com>".into(),
            contact: None,
            headers: Headers::new(),
            body: None,
        },
    );
    (tx, desk.sent_one())
}

fn outcome(desk: &mut Desk) -> u16 {
    match desk.event() {
        Event::Response { outcome, .. } => outcome.status().as_u16(),
        Event::Dialog { event: DialogEvent::Rejected(outcome), .. } => outcome.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

fn times(sent: &[(u64, String)]) -> Vec<u64> {
    sent.iter().map(|(at, _)| *at).collect()
}

#[test]
fn a_request_says_what_the_rfc_wants() {
    let mut desk = Desk::new();
    let (_, invite) = call(&mut desk);
    assert_eq!(start_line(&invite), "INVITE sip:b@example.com SIP/2.0");
    let via = invite.via().unwrap();
    assert!(via.has_magic_branch() && via.rport() == Some(None) && via.transport() == "UDP");
    assert!(text(&invite, Name::Via).starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));
    assert_eq!(text(&invite, Name::Route), "<sip:edge.example;lr>");
    assert_eq!(text(&invite, Name::MaxForwards), "70");
    assert_eq!(text(&invite, Name::CSeq), "1 INVITE");
    assert_eq!(text(&invite, Name::Contact), "<sip:a@192.0.2.1:5060>");
    assert_eq!(text(&invite, Name::Subject), "lunch");
    assert_eq!(text(&invite, Name::UserAgent), "Crosspoint");
    assert!(text(&invite, Name::Allow).contains("CANCEL"));
    assert!(text(&invite, Name::From).starts_with("\"A\" <sip:a@example.com>;tag="));
    assert_eq!(invite.to().unwrap().tag(), None);
    assert_eq!(crosspoint_sip::shard_of(invite.call_id().unwrap(), 8), 0);
}

#[test]
fn an_invite_is_repeated_at_doubled_intervals_and_given_up_at_32_seconds() {
    let mut desk = Desk::new();
    call(&mut desk);
    desk.restore();
    assert_eq!(times(&desk.wait(secs(31))), [500, 1_500, 3_500, 7_500, 15_500]);
    assert!(desk.is_silent());
    assert_eq!(times(&desk.wait(secs(2))), [500]);
    assert_eq!(outcome(&mut desk), 408);
    assert_eq!(desk.counts(), (0, 0));
}

#[test]
fn another_request_is_repeated_each_t2_at_last_and_given_up_at_32_seconds() {
    let mut desk = Desk::new();
    ask(&mut desk);
    let again = times(&desk.wait(secs(33)));
    assert_eq!(again, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(outcome(&mut desk), 408);
    let (_, options) = ask(&mut desk);
    desk.receive(response(&options, "100 Trying", "", &[]));
    assert_eq!(times(&desk.wait(secs(10))), [500, 4_500, 8_500], "heard: every T2");
    desk.receive(response(&options, "200 OK", "x", &[]));
    assert_eq!(outcome(&mut desk), 200);
    desk.receive(response(&options, "200 OK", "x", &[]));
    assert!(desk.wait(secs(5)).is_empty() && desk.is_silent());
    assert_eq!(desk.counts(), (0, 0));
}

#[test]
fn a_reliable_transport_repeats_nothing() {
    let mut desk = Desk::with(Settings::default(), Transport::Tls);
    call(&mut desk);
    ask(&mut desk);
    assert!(desk.wait(secs(33)).is_empty());
    assert_eq!((outcome(&mut desk), outcome(&mut desk)), (408, 408));
    let (_, options) = ask(&mut desk);
    desk.receive(response(&options, "200 OK", "x", &[]));
    assert_eq!(desk.counts(), (0, 0), "nothing to absorb");
}

#[test]
fn timer_c_is_started_again_by_each_provisional_response() {
    let mut desk = Desk::new();
    let (_, invite) = call(&mut desk);
    desk.receive(response(&invite, "100 Trying", "", &[]));
    for _ in 0..4 {
        assert!(desk.wait(secs(170)).is_empty());
        desk.receive(response(&invite, "180 Ringing", "x", &[]));
        assert!(matches!(desk.event(), Event::Dialog { event: DialogEvent::Provisional(_), .. }));
        desk.restore();
    }
    desk.wait(secs(100));
    desk.receive(response(&invite, "100 Trying", "", &[]));
    let sent = desk.wait(secs(86));
    assert_eq!(sent[0], (85_000, "CANCEL sip:b@example.com SIP/2.0".into()), "a 100 does not start it again");
    desk.receive(response(&invite, "487 Request Terminated", "x", &[]));
    assert_eq!(outcome(&mut desk), 487);
}

#[test]
fn without_timer_c_a_call_may_ring_for_ever() {
    let mut desk = Desk::with(Settings { timer_c: None, ..Settings::default() }, Transport::Udp);
    let (_, invite) = call(&mut desk);
    desk.receive(response(&invite, "180 Ringing", "x", &[]));
    assert!(desk.wait(secs(100_000)).is_empty());
    assert_eq!(desk.endpoint.poll_timeout(), None);
}

#[test]
fn a_cancelled_invite_nobody_ends_is_given_up_after_32_seconds() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    desk.receive(response(&invite, "180 Ringing", "x", &[]));
    desk.event();
    desk.endpoint.cancel(desk.now, dialog, Headers::new());
    let cancel = desk.sent_one();
    desk.receive(response(&cancel, "200 OK", "x", &[]));
    desk.wait(secs(20));
    desk.receive(response(&invite, "180 Ringing", "x", &[]));
    desk.wait(secs(11));
    assert!(desk.is_silent());
    desk.wait(secs(1));
    assert_eq!(outcome(&mut desk), 408);
    assert_eq!(desk.counts(), (0, 0));
}

#[test]
fn a_response_belongs_to_the_branch_and_host_it_names() {
    let mut desk = Desk::new();
    let (_, options) = ask(&mut desk);
    let answer = String::from_utf8(response(&options, "200 OK", "x", &[]).to_vec()).unwrap();
    for (from, to) in [
        ("192.0.2.1:5060;branch", "192.0.2.9:5060;branch"),
        ("192.0.2.1:5060;branch", "192.0.2.1:5062;branch"),
        ("branch=z9hG4bK", "branch=z9hG4bK0"),
        ("OPTIONS\r\n", "INFO\r\n"),
        ("From:", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKbelow\r\nFrom:"),
    ] {
        let astray = answer.replacen(from, to, 1);
        assert_ne!(astray, answer);
        desk.receive(Bytes::from(astray));
        assert!(desk.is_silent(), "{from} -> {to}");
    }
    desk.receive(Bytes::from(answer));
    assert_eq!(outcome(&mut desk), 200);
}

#[test]
fn a_refusal_is_acknowledged_on_the_branch_of_the_invite_each_time() {
    let mut desk = Desk::new();
    let (_, invite) = call(&mut desk);
    let busy = response(&invite, "486 Busy Here", "their-tag", &[]);
    desk.receive(busy.clone());
    let ack = desk.sent_one();
    assert_eq!(start_line(&ack), "ACK sip:b@example.com SIP/2.0");
    assert_eq!(text(&ack, Name::Via), text(&invite, Name::Via));
    assert_eq!(text(&ack, Name::Route), text(&invite, Name::Route));
    assert_eq!(text(&ack, Name::From), text(&invite, Name::From));
    assert_eq!(text(&ack, Name::CSeq), "1 ACK");
    assert_eq!(text(&ack, Name::To), "<sip:b@example.com>;tag=their-tag");
    assert_eq!(outcome(&mut desk), 486);
    desk.restore();
    desk.receive(busy);
    assert_eq!(desk.sent_one().bytes(), ack.bytes());
    assert!(desk.is_silent());
    desk.wait(secs(32));
    assert_eq!(desk.counts(), (0, 0));
}

#[test]
fn a_failed_flow_ends_what_waits_on_it_and_nothing_else() {
    let mut desk = Desk::with(Settings::default(), Transport::Tcp);
    call(&mut desk);
    ask(&mut desk);
    let failed = desk.flow;
    desk.flow.remote = "192.0.2.77:5060".parse().unwrap();
    let (_, other) = ask(&mut desk);
    desk.endpoint.handle_flow_error(desk.now, failed);
    assert_eq!((outcome(&mut desk), outcome(&mut desk)), (503, 503));
    assert_eq!(desk.counts(), (1, 0));
    desk.receive(response(&other, "200 OK", "x", &[]));
    let Event::Response { outcome: Outcome::Response(_), .. } = desk.event() else { panic!() };
}

//! Server transactions, from the wire: what is repeated, what is absorbed, what is refused.

#![expect(clippy::panic, reason = "a test stops where it goes wrong")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use crosspoint_sip::{
    DialogEvent, DialogId, Event, Incoming, Method, Name, Reply, Settings, StatusCode, Transport,
};
use support::desk::{Desk, Text, request, start_line, text, texts, to_tag};

const CONTACT: &str = "<sip:b@192.0.2.1:5060>";

fn invited(desk: &mut Desk, text: &Text) -> DialogId {
    desk.receive(text.write());
    let Event::Invite(incoming) = desk.event() else { panic!("no INVITE") };
    desk.endpoint.accept_invite(desk.now, &incoming, CONTACT.into())
}

fn asked(desk: &mut Desk, text: &Text) -> Incoming {
    desk.receive(text.write());
    let Event::Request(incoming) = desk.event() else { panic!("no request") };
    incoming
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn a_repeated_invite_gets_the_last_provisional_response_again() {
    let mut desk = Desk::new();
    let invite = request("INVITE", "1", 1);
    let dialog = invited(&mut desk, &invite);
    assert_eq!(desk.lines(), ["SIP/2.0 100 Trying"]);
    assert_eq!(desk.exchange(invite.write()), ["SIP/2.0 100 Trying"]);
    desk.endpoint.provisional(desk.now, dialog, Reply::new(StatusCode::RINGING));
    let ringing = desk.sent_one();
    desk.receive(invite.write());
    assert_eq!(desk.sent_one().bytes(), ringing.bytes());
    assert!(desk.is_silent());
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let mut desk = Desk::new();
    let dialog = invited(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.reject(desk.now, dialog, Reply::new(StatusCode::BUSY_HERE));
    let busy = desk.sent().pop().unwrap();
    assert_eq!(start_line(&busy), "SIP/2.0 486 Busy Here");
    assert_eq!(desk.counts(), (1, 0));
    let again = desk.wait(secs(4)).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
    assert_eq!(again, [500, 1_500, 3_500]);
    let ack = request("ACK", "1", 1).to(&text(&busy, Name::To));
    assert!(desk.exchange(ack.write()).is_empty());
    assert!(desk.exchange(ack.write()).is_empty(), "repeated ACKs are absorbed");
    assert!(desk.exchange(request("INVITE", "1", 1).write()).is_empty(), "so is the INVITE");
    assert!(desk.wait(secs(5)).is_empty() && desk.is_silent());
    assert_eq!(desk.counts(), (0, 0));
}

#[test]
fn a_refusal_nobody_acknowledges_is_given_up_after_32_seconds() {
    let mut desk = Desk::new();
    let dialog = invited(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.reject(desk.now, dialog, Reply::new(StatusCode::DECLINE));
    desk.sent();
    let again: Vec<u64> = desk.wait(secs(40)).into_iter().map(|(at, _)| at).collect();
    assert_eq!(again, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(desk.counts(), (0, 0));
}

#[test]
fn a_reliable_transport_repeats_no_refusal() {
    let mut desk = Desk::with(Settings::default(), Transport::Tcp);
    let dialog = invited(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.reject(desk.now, dialog, Reply::new(StatusCode::DECLINE));
    desk.sent();
    assert!(desk.wait(secs(31)).is_empty());
    desk.receive(request("ACK", "1", 1).to("<sip:b@example.com>;tag=x").write());
    assert_eq!(desk.counts(), (0, 0));
}

#[test]
fn an_answer_is_repeated_for_each_repetition_of_its_request() {
    let mut desk = Desk::new();
    let options = request("OPTIONS", "1", 1);
    let incoming = asked(&mut desk, &options);
    let tx = desk.endpoint.accept(desk.now, &incoming);
    assert!(desk.exchange(options.write()).is_empty(), "nothing to repeat yet");
    assert_eq!(desk.endpoint.accept(desk.now, &incoming), tx);
    desk.endpoint.respond(desk.now, tx, Reply::new(StatusCode::OK));
    let answer = desk.sent_one();
    desk.restore();
    desk.wait(secs(31));
    desk.receive(options.write());
    assert_eq!(desk.sent_one().bytes(), answer.bytes());
    assert!(desk.is_silent());
    desk.wait(secs(1));
    assert_eq!(desk.counts(), (0, 0));
    asked(&mut desk, &options);
}

#[test]
fn a_request_nobody_answers_is_forgotten_without_a_408() {
    let mut desk = Desk::new();
    let incoming = asked(&mut desk, &request("MESSAGE", "1", 1));
    let tx = desk.endpoint.accept(desk.now, &incoming);
    assert!(desk.wait(secs(33)).is_empty());
    assert_eq!(desk.counts(), (0, 0));
    desk.endpoint.respond(desk.now, tx, Reply::new(StatusCode::OK));
    assert!(desk.sent().is_empty());
}

#[test]
fn the_same_branch_from_another_host_is_another_transaction() {
    let mut desk = Desk::new();
    let mut other = request("INVITE", "1", 1);
    other.via = vec!["SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1".into()];
    other.call_id = "call-2".into();
    let first = invited(&mut desk, &request("INVITE", "1", 1));
    let second = invited(&mut desk, &other);
    assert_ne!(first, second);
    desk.sent();
    let mut cancel = request("CANCEL", "1", 1);
    cancel.via = other.via;
    assert_eq!(desk.exchange(cancel.write()), ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]);
    let Event::Dialog { dialog, event: DialogEvent::Cancelled(_) } = desk.event() else { panic!() };
    assert_eq!(dialog, second);
    // Another port is another host too, and letter case is none.
    cancel.via = vec!["SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK1".into()];
    assert_eq!(desk.exchange(cancel.write()), ["SIP/2.0 481 Call/Transaction Does Not Exist"]);
}

#[test]
fn a_cancel_belongs_to_the_invite_on_its_branch_whatever_else_it_says() {
    let mut desk = Desk::new();
    let dialog = invited(&mut desk, &request("INVITE", "1", 1));
    desk.sent();
    assert_eq!(
        desk.exchange(request("CANCEL", "2", 1).write()),
        ["SIP/2.0 481 Call/Transaction Does Not Exist"]
    );
    assert!(desk.endpoint.dialog(dialog).is_some());
    // Routed elsewhere, its URI changed on the way: still this one.
    let mut cancel = request("CANCEL", "1", 1);
    cancel.start = "CANCEL sip:somewhere.example SIP/2.0".into();
    desk.receive(cancel.write());
    let sent = desk.sent();
    let lines: Vec<String> = sent.iter().map(start_line).collect();
    assert_eq!(lines, ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]);
    assert_eq!(
        (text(&sent[0], Name::CSeq), text(&sent[1], Name::CSeq)),
        ("1 CANCEL".into(), "1 INVITE".into())
    );
    assert_eq!(to_tag(&sent[0]), to_tag(&sent[1]));
    assert!(matches!(desk.event(), Event::Dialog { event: DialogEvent::Cancelled(_), .. }));
    assert!(desk.endpoint.dialog(dialog).is_none());
    assert_eq!(desk.exchange(cancel.write()), ["SIP/2.0 200 OK"], "once more, and nothing else");
    assert!(desk.is_silent());
}

#[test]
fn a_cancel_behind_the_answer_changes_nothing() {
    let mut desk = Desk::new();
    let dialog = invited(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.answer(desk.now, dialog, Reply::new(StatusCode::OK));
    desk.sent();
    assert_eq!(desk.exchange(request("CANCEL", "1", 1).write()), ["SIP/2.0 200 OK"]);
    assert!(desk.is_silent() && desk.endpoint.dialog(dialog).is_some());
}

#[test]
fn the_same_request_by_another_way_is_merged() {
    let mut desk = Desk::new();
    invited(&mut desk, &request("INVITE", "1", 1));
    desk.sent();
    assert_eq!(desk.exchange(request("INVITE", "2", 1).write()), ["SIP/2.0 482 Loop Detected"]);
    let message = request("MESSAGE", "3", 7);
    let incoming = asked(&mut desk, &message);
    let tx = desk.endpoint.accept(desk.now, &incoming);
    desk.endpoint.respond(desk.now, tx, Reply::new(StatusCode::OK));
    desk.sent();
    desk.restore();
    assert_eq!(desk.exchange(request("MESSAGE", "4", 7).write()), ["SIP/2.0 482 Loop Detected"]);
    desk.wait(secs(40));
    asked(&mut desk, &request("MESSAGE", "5", 7));
}

#[test]
fn a_peer_of_rfc_2543_is_matched_by_what_it_has() {
    let mut desk = Desk::new();
    let old = |method: &str| {
        let mut text = request(method, "", 1);
        text.via = vec!["SIP/2.0/UDP 192.0.2.2:5060;branch=1".into()];
        text
    };
    invited(&mut desk, &old("INVITE"));
    desk.sent();
    assert_eq!(desk.exchange(old("INVITE").write()), ["SIP/2.0 100 Trying"]);
    assert_eq!(desk.exchange(old("CANCEL").write()), ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]);
    assert!(matches!(desk.event(), Event::Dialog { event: DialogEvent::Cancelled(_), .. }));
    desk.receive(old("ACK").write());
    assert!(desk.wait(secs(6)).is_empty());
    assert_eq!(desk.counts(), (0, 0));
    let mut bare = request("OPTIONS", "", 2);
    bare.via = vec!["SIP/2.0/UDP 192.0.2.2".into()];
    asked(&mut desk, &bare);
}

#[test]
fn an_answer_without_state_is_the_same_each_time() {
    let mut desk = Desk::new();
    let register = request("REGISTER", "1", 1);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let incoming = asked(&mut desk, &register);
        desk.endpoint.reply(desk.now, &incoming, Reply::new(StatusCode::UNAUTHORIZED));
        answers.push(desk.sent_one());
        desk.restore();
    }
    assert_eq!(answers[0].bytes(), answers[1].bytes());
    assert!(!to_tag(&answers[0]).is_empty());
    let invite = request("INVITE", "2", 2);
    desk.receive(invite.write());
    let Event::Invite(incoming) = desk.event() else { panic!() };
    desk.endpoint.reply(desk.now, &incoming, Reply::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED));
    let refused = desk.sent_one();
    desk.receive(request("ACK", "2", 2).to(&text(&refused, Name::To)).write());
    assert!(desk.sent().is_empty() && desk.is_silent());
    assert_eq!((desk.counts(), desk.endpoint.poll_timeout()), ((0, 0), None));
}

#[test]
fn what_cannot_be_acted_on_is_refused_without_state() {
    let cases: &[(&str, Text)] = &[
        ("SIP/2.0 400 Missing Contact", Text { contact: None, ..request("INVITE", "1", 1) }),
        ("SIP/2.0 400 Malformed Contact", Text { contact: Some("*".into()), ..request("INVITE", "1", 1) }),
        ("SIP/2.0 400 CSeq Of Another Method", Text { cseq: "1 BYE".into(), ..request("INVITE", "1", 1) }),
        ("SIP/2.0 400 Missing Call-ID", Text { call_id: String::new(), ..request("OPTIONS", "1", 1) }),
        ("SIP/2.0 483 Too Many Hops", request("INVITE", "1", 1).line("Max-Forwards: 0")),
        ("SIP/2.0 483 Too Many Hops", request("MESSAGE", "1", 1).line("Max-Forwards: 0")),
        ("SIP/2.0 420 Bad Extension", request("INVITE", "1", 1).line("Require: 100rel, timer")),
        (
            "SIP/2.0 481 Call/Transaction Does Not Exist",
            request("BYE", "1", 1).to("<sip:b@example.com>;tag=x"),
        ),
        (
            "SIP/2.0 481 Call/Transaction Does Not Exist",
            request("INVITE", "1", 1).to("<sip:b@example.com>;tag=x"),
        ),
        ("SIP/2.0 481 Call/Transaction Does Not Exist", request("CANCEL", "1", 1)),
    ];
    for (answer, text) in cases {
        let mut desk = Desk::new();
        assert_eq!(desk.exchange(text.write()), [*answer]);
        assert!(desk.is_silent() && desk.counts() == (0, 0), "{answer}");
    }
    // Nothing answers an ACK or a response.
    let mut desk = Desk::new();
    for text in [request("ACK", "1", 1), Text { call_id: String::new(), ..request("ACK", "1", 1) }] {
        assert!(desk.exchange(text.write()).is_empty() && desk.is_silent());
    }
    assert!(desk.exchange(Bytes::from_static(b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n")).is_empty());
    assert!(desk.exchange(Bytes::from_static(b"hello")).is_empty());
}

#[test]
fn the_last_hop_of_options_and_register_is_us() {
    let mut desk = Desk::new();
    for (method, branch) in [("OPTIONS", "1"), ("REGISTER", "2")] {
        asked(&mut desk, &request(method, branch, 1).line("Max-Forwards: 0"));
    }
}

#[test]
fn a_required_extension_is_refused_by_name_unless_it_is_supported() {
    let mut desk =
        Desk::with(Settings { supported: "timer, path".into(), ..Settings::default() }, Transport::Udp);
    desk.receive(request("OPTIONS", "1", 1).line("Require: timer, gruu, 100rel").write());
    assert_eq!(text(&desk.sent_one(), Name::Unsupported), "gruu, 100rel");
    asked(&mut desk, &request("OPTIONS", "2", 1).line("Require: Timer"));
}

#[test]
fn an_answer_goes_to_where_the_request_came_from_and_says_so() {
    let mut desk = Desk::new();
    let mut options = request("OPTIONS", "1", 1);
    options.via = vec![
        "SIP/2.0/UDP 10.0.0.7:5066;rport;branch=z9hG4bKa".into(),
        "SIP/2.0/TCP phone.example;branch=z9hG4bKb, SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKc".into(),
    ];
    let incoming = asked(&mut desk, &options);
    desk.endpoint.reply(desk.now, &incoming, Reply::new(StatusCode::OK));
    let transmit = desk.endpoint.poll_transmit().unwrap();
    assert_eq!(transmit.flow, desk.flow);
    let answer = crosspoint_sip::Message::parse(transmit.bytes).unwrap();
    let vias: Vec<String> =
        answer.values(Name::Via).map(|via| String::from_utf8(via.to_vec()).unwrap()).collect();
    assert_eq!(
        vias,
        [
            "SIP/2.0/UDP 10.0.0.7:5066;branch=z9hG4bKa;received=192.0.2.2;rport=5060",
            "SIP/2.0/TCP phone.example;branch=z9hG4bKb",
            "SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKc",
        ]
    );
    let method = incoming.message.method();
    assert_eq!(method, Some(Method::Options));
    assert_eq!(texts(&answer, Name::Allow).len(), 1);
    assert_eq!(text(&answer, Name::Server), "Crosspoint");
}

#[test]
fn a_repetition_from_elsewhere_is_answered_there() {
    let mut desk = Desk::new();
    let options = request("OPTIONS", "1", 1);
    let incoming = asked(&mut desk, &options);
    let tx = desk.endpoint.accept(desk.now, &incoming);
    desk.endpoint.respond(desk.now, tx, Reply::new(StatusCode::OK));
    desk.sent();
    desk.flow.remote = "192.0.2.2:61000".parse().unwrap();
    desk.receive(options.write());
    assert_eq!(desk.endpoint.poll_transmit().unwrap().flow, desk.flow);
}

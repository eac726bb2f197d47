//! Calls we make, from the wire: routes, forks, ACK, CANCEL and its races, BYE.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where it goes wrong")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use crosspoint_sip::{
    Body, DialogEvent, DialogId, Event, Headers, Invite, Message, Method, Name, Outcome, StatusCode,
};
use support::desk::{Desk, request, response, start_line, text, texts};

const CONTACT: &str = "Contact: <sip:b@192.0.2.2:5060>";

fn call(desk: &mut Desk) -> (DialogId, Message) {
    let dialog = desk.endpoint.invite(
        desk.now,
        Invite {
            target: "sip:b@example.com".into(),
            flow: desk.flow,
            route: Vec::new(),
            from: "<sip:a@example.com>".into(),
            to: "<sip:b@example.com>".into(),
            contact: "<sip:a@192.0.2.1:5060>".into(),
            headers: Headers::new(),
            body: None,
        },
    );
    (dialog, desk.sent_one())
}

fn told(desk: &mut Desk) -> DialogEvent {
    let Event::Dialog { event, .. } = desk.event() else { panic!("no news of a dialog") };
    event
}

/// A call that stands: the dialog, its INVITE, and our ACK.
fn standing(desk: &mut Desk, more: &[&str]) -> (DialogId, Message, Message) {
    let (dialog, invite) = call(desk);
    desk.receive(response(&invite, "200 OK", "b1", more));
    assert!(matches!(told(desk), DialogEvent::Answered(_)));
    desk.endpoint.ack(desk.now, dialog, None);
    (dialog, invite, desk.sent_one())
}

/// A request of the called one in the dialog.
fn theirs(method: &str, invite: &Message, tag: &str, cseq: u32) -> support::desk::Text {
    let mut text = request(method, &format!("{method}{cseq}"), cseq);
    text.from = format!("<sip:b@example.com>;tag={tag}");
    text.to = String::from_utf8(invite.header(Name::From).unwrap().to_vec()).unwrap();
    text.call_id = String::from_utf8(invite.call_id().unwrap().to_vec()).unwrap();
    text
}

#[test]
fn an_answer_is_acknowledged_on_a_branch_of_its_own_and_each_repetition_alike() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    let answer = response(&invite, "200 OK", "b1", &[CONTACT]);
    desk.receive(answer.clone());
    assert!(matches!(told(&mut desk), DialogEvent::Answered(_)));
    desk.receive(answer.clone());
    assert!(desk.sent().is_empty() && desk.is_silent(), "the ACK is the user's to give");
    desk.endpoint.ack(desk.now, dialog, Some(Body::sdp("v=0\r\n")));
    let ack = desk.sent_one();
    assert_eq!(start_line(&ack), "ACK sip:b@192.0.2.2:5060 SIP/2.0");
    assert_ne!(ack.via().unwrap().branch(), invite.via().unwrap().branch());
    assert_eq!((text(&ack, Name::CSeq), ack.body()), ("1 ACK".into(), &b"v=0\r\n"[..]));
    assert_eq!(text(&ack, Name::To), "<sip:b@example.com>;tag=b1");
    desk.restore();
    desk.receive(answer);
    assert_eq!(desk.sent_one().bytes(), ack.bytes());
    assert!(desk.is_silent());
}

#[test]
fn the_route_set_is_the_record_route_reversed_in_ack_and_bye() {
    let mut desk = Desk::new();
    let routes = ["Record-Route: <sip:p3;lr>, <sip:p2;lr>", "Record-Route: <sip:p1;lr>", CONTACT];
    let (dialog, _, ack) = standing(&mut desk, &routes);
    desk.endpoint.bye(desk.now, dialog, vec![(Name::Reason.into(), "Q.850;cause=16".into())]);
    let bye = desk.sent_one();
    for message in [&ack, &bye] {
        assert_eq!(texts(message, Name::Route), ["<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"]);
        assert_eq!(message.request_uri(), b"sip:b@192.0.2.2:5060");
    }
    assert_eq!((text(&bye, Name::CSeq), text(&bye, Name::Reason)), ("2 BYE".into(), "Q.850;cause=16".into()));
    desk.receive(response(&bye, "200 OK", "", &[]));
    let DialogEvent::ByeOutcome(outcome) = told(&mut desk) else { panic!() };
    assert_eq!(outcome.status(), StatusCode::OK);
    assert!(desk.endpoint.dialog(dialog).is_none());
}

#[test]
fn a_strict_router_takes_the_request_uri() {
    let mut desk = Desk::new();
    let (_, _, ack) = standing(&mut desk, &["Record-Route: <sip:p2;lr>, <sip:p1.example>", CONTACT]);
    assert_eq!(start_line(&ack), "ACK sip:p1.example SIP/2.0");
    assert_eq!(texts(&ack, Name::Route), ["<sip:p2;lr>", "<sip:b@192.0.2.2:5060>"]);
}

#[test]
fn the_first_branch_to_answer_wins_and_the_others_are_ended() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    for tag in ["b1", "b2"] {
        desk.receive(response(&invite, "180 Ringing", tag, &["Contact: <sip:early@192.0.2.2>"]));
        assert!(matches!(told(&mut desk), DialogEvent::Provisional(_)));
    }
    desk.receive(response(&invite, "200 OK", "b2", &["Contact: <sip:two@192.0.2.2>"]));
    assert!(matches!(told(&mut desk), DialogEvent::Answered(_)));
    desk.endpoint.ack(desk.now, dialog, None);
    assert_eq!(desk.sent_one().request_uri(), b"sip:two@192.0.2.2");
    let lost =
        response(&invite, "200 OK", "b1", &["Contact: <sip:one@192.0.2.2>", "Record-Route: <sip:q;lr>"]);
    desk.restore();
    desk.receive(lost.clone());
    let sent = desk.sent();
    let lines: Vec<String> = sent.iter().map(start_line).collect();
    assert_eq!(lines, ["ACK sip:one@192.0.2.2 SIP/2.0", "BYE sip:one@192.0.2.2 SIP/2.0"]);
    for message in &sent {
        assert_eq!(text(message, Name::To), "<sip:b@example.com>;tag=b1");
        assert_eq!(text(message, Name::Route), "<sip:q;lr>");
    }
    assert_eq!((text(&sent[0], Name::CSeq), text(&sent[1], Name::CSeq)), ("1 ACK".into(), "2 BYE".into()));
    desk.receive(lost);
    assert_eq!(desk.sent_one().bytes(), sent[0].bytes(), "once more the ACK, and no second BYE");
    desk.receive(response(&sent[1], "200 OK", "", &[]));
    assert!(desk.is_silent());
    assert_eq!(desk.endpoint.dialog(dialog).unwrap().remote_tag(), Some(&b"b2"[..]));
    desk.wait(Duration::from_secs(33));
    assert_eq!(desk.counts(), (0, 1));
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    desk.endpoint.cancel(desk.now, dialog, vec![(Name::Reason.into(), "SIP;cause=200".into())]);
    assert!(desk.sent().is_empty());
    desk.restore();
    desk.receive(response(&invite, "100 Trying", "", &[]));
    let cancel = desk.sent_one();
    assert_eq!(start_line(&cancel), "CANCEL sip:b@example.com SIP/2.0");
    for name in [Name::Via, Name::From, Name::To, Name::CallId] {
        assert_eq!(text(&cancel, name), text(&invite, name));
    }
    assert_eq!(text(&cancel, Name::CSeq), "1 CANCEL");
    assert_eq!(text(&cancel, Name::Reason), "SIP;cause=200");
    desk.endpoint.cancel(desk.now, dialog, Headers::new());
    assert!(desk.sent().is_empty(), "once is enough");
    desk.receive(response(&cancel, "200 OK", "b1", &[]));
    desk.receive(response(&invite, "487 Request Terminated", "b1", &[]));
    assert_eq!(desk.lines(), ["ACK sip:b@example.com SIP/2.0"]);
    let DialogEvent::Rejected(outcome) = told(&mut desk) else { panic!() };
    assert_eq!(outcome.status(), StatusCode::REQUEST_TERMINATED);
    assert!(desk.is_silent());
}

#[test]
fn an_answer_that_crosses_the_cancel_is_taken_and_ended() {
    for ringing in [true, false] {
        let mut desk = Desk::new();
        let (dialog, invite) = call(&mut desk);
        if ringing {
            desk.receive(response(&invite, "180 Ringing", "b1", &[CONTACT]));
            told(&mut desk);
        }
        desk.endpoint.cancel(desk.now, dialog, Headers::new());
        desk.sent();
        let answer = response(&invite, "200 OK", "b1", &[CONTACT]);
        desk.receive(answer.clone());
        assert_eq!(desk.lines(), ["ACK sip:b@192.0.2.2:5060 SIP/2.0", "BYE sip:b@192.0.2.2:5060 SIP/2.0"]);
        let DialogEvent::Rejected(outcome) = told(&mut desk) else { panic!() };
        assert!(matches!(outcome, Outcome::Cancelled));
        assert_eq!(outcome.status(), StatusCode::REQUEST_TERMINATED);
        assert!(desk.endpoint.dialog(dialog).is_none());
        desk.receive(answer);
        assert_eq!(desk.lines(), ["ACK sip:b@192.0.2.2:5060 SIP/2.0"]);
        assert!(desk.is_silent());
    }
}

#[test]
fn cancel_after_answer_changes_nothing_and_bye_says_ack_first() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    desk.receive(response(&invite, "200 OK", "b1", &[CONTACT]));
    told(&mut desk);
    desk.endpoint.cancel(desk.now, dialog, Headers::new());
    assert!(desk.sent().is_empty());
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    assert_eq!(desk.lines(), ["ACK sip:b@192.0.2.2:5060 SIP/2.0", "BYE sip:b@192.0.2.2:5060 SIP/2.0"]);
}

#[test]
fn bye_while_it_rings_is_a_cancel() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    desk.receive(response(&invite, "180 Ringing", "b1", &[CONTACT]));
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    assert_eq!(desk.lines(), ["CANCEL sip:b@example.com SIP/2.0"]);
}

#[test]
fn requests_of_an_early_branch_are_its_own() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    assert!(
        desk.endpoint.request_in_dialog(desk.now, dialog, Method::Info, Headers::new(), None).is_none(),
        "nobody to send it to"
    );
    for tag in ["b1", "b2"] {
        desk.receive(response(
            &invite,
            "183 Session Progress",
            tag,
            &[&format!("Contact: <sip:{tag}@192.0.2.2>")],
        ));
        told(&mut desk);
    }
    for tag in ["b1", "b2"] {
        desk.receive(theirs("INFO", &invite, tag, if tag == "b1" { 5 } else { 3 }).write());
        let DialogEvent::Request { tx, .. } = told(&mut desk) else { panic!() };
        desk.endpoint.respond(desk.now, tx, crosspoint_sip::Reply::new(StatusCode::OK));
        assert_eq!(desk.lines(), ["SIP/2.0 200 OK"]);
    }
    assert_eq!(
        desk.exchange(theirs("INFO", &invite, "b3", 9).write()),
        ["SIP/2.0 481 Call/Transaction Does Not Exist"]
    );
    desk.endpoint.request_in_dialog(desk.now, dialog, Method::Info, Headers::new(), None).unwrap();
    let info = desk.sent_one();
    assert_eq!(start_line(&info), "INFO sip:b2@192.0.2.2 SIP/2.0");
    assert_eq!(text(&info, Name::CSeq), "2 INFO");
    // The number of the branch that answers goes on where it was.
    desk.receive(response(&invite, "200 OK", "b1", &[CONTACT]));
    told(&mut desk);
    desk.endpoint.ack(desk.now, dialog, None);
    desk.sent();
    let late = desk.exchange(theirs("BYE", &invite, "b1", 5).write());
    assert_eq!(late, ["SIP/2.0 500 Server Internal Error"]);
    assert_eq!(desk.exchange(theirs("BYE", &invite, "b1", 6).write()), ["SIP/2.0 200 OK"]);
    assert!(matches!(told(&mut desk), DialogEvent::Ended(_)));
}

#[test]
fn a_reinvite_of_ours_is_acknowledged_and_refreshes_the_target() {
    let mut desk = Desk::new();
    let (dialog, ..) = standing(&mut desk, &[CONTACT]);
    assert_eq!(desk.endpoint.reinvite(desk.now, dialog, Some(Body::sdp("v=1\r\n"))), Ok(()));
    let again = desk.sent_one();
    assert_eq!(
        (start_line(&again).as_str(), again.body()),
        ("INVITE sip:b@192.0.2.2:5060 SIP/2.0", &b"v=1\r\n"[..])
    );
    assert_eq!(text(&again, Name::CSeq), "2 INVITE");
    assert_eq!(desk.endpoint.reinvite(desk.now, dialog, None), Err(crosspoint_sip::Busy));
    let answer = response(&again, "200 OK", "", &["Contact: <sip:moved@192.0.2.2>"]);
    desk.receive(answer.clone());
    let DialogEvent::ReinviteOutcome(outcome) = told(&mut desk) else { panic!() };
    assert_eq!(outcome.status(), StatusCode::OK);
    desk.endpoint.ack(desk.now, dialog, None);
    let ack = desk.sent_one();
    assert_eq!(
        (start_line(&ack).as_str(), text(&ack, Name::CSeq)),
        ("ACK sip:moved@192.0.2.2 SIP/2.0", "2 ACK".into())
    );
    desk.restore();
    desk.receive(answer);
    assert_eq!(desk.sent_one().bytes(), ack.bytes());
    assert!(desk.is_silent());
}

#[test]
fn a_refused_reinvite_leaves_the_call_as_it_was() {
    let mut desk = Desk::new();
    let (dialog, ..) = standing(&mut desk, &[CONTACT]);
    for status in ["491 Request Pending", "488 Not Acceptable Here"] {
        desk.endpoint.reinvite(desk.now, dialog, None).unwrap();
        let again = desk.sent_one();
        desk.receive(response(&again, status, "", &[]));
        assert_eq!(desk.sent_one().method(), Some(Method::Ack));
        let DialogEvent::ReinviteOutcome(outcome) = told(&mut desk) else { panic!() };
        assert_eq!(outcome.status().as_u16().to_string(), status[..3]);
    }
    assert!(desk.endpoint.dialog(dialog).unwrap().is_confirmed());
    let delay = desk.endpoint.glare_delay(dialog);
    assert!((Duration::from_millis(2_100)..=Duration::from_secs(4)).contains(&delay), "{delay:?}");
}

#[test]
fn a_reinvite_answered_behind_our_bye_is_acknowledged_all_the_same() {
    let mut desk = Desk::new();
    let (dialog, ..) = standing(&mut desk, &[CONTACT]);
    desk.endpoint.reinvite(desk.now, dialog, None).unwrap();
    let again = desk.sent_one();
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    let bye = desk.sent_one();
    desk.receive(response(&again, "200 OK", "", &[CONTACT]));
    assert_eq!(desk.lines(), ["ACK sip:b@192.0.2.2:5060 SIP/2.0"], "and no second BYE");
    desk.receive(response(&bye, "200 OK", "", &[]));
    assert!(matches!(told(&mut desk), DialogEvent::ByeOutcome(_)));
    assert!(desk.is_silent());
}

#[test]
fn a_bye_that_crosses_ours_ends_the_call_once() {
    let mut desk = Desk::new();
    let (dialog, invite, _) = standing(&mut desk, &[CONTACT]);
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    let ours = desk.sent_one();
    assert_eq!(desk.exchange(theirs("BYE", &invite, "b1", 1).write()), ["SIP/2.0 200 OK"]);
    assert!(matches!(told(&mut desk), DialogEvent::Ended(_)));
    desk.receive(response(&ours, "200 OK", "", &[]));
    assert!(desk.is_silent());
    assert_eq!(desk.exchange(theirs("BYE", &invite, "b1", 1).write()), ["SIP/2.0 200 OK"], "absorbed");
    assert_eq!(
        desk.exchange(theirs("BYE", &invite, "b1", 2).write()),
        ["SIP/2.0 481 Call/Transaction Does Not Exist"]
    );
}

#[test]
fn an_answer_without_contact_or_tag_is_taken_as_it_is() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    desk.receive(response(&invite, "200 OK", "", &[]));
    assert!(matches!(told(&mut desk), DialogEvent::Answered(_)));
    desk.endpoint.ack(desk.now, dialog, None);
    assert_eq!(desk.lines(), ["ACK sip:b@example.com SIP/2.0"]);
}

#[test]
fn a_flow_that_changes_is_followed() {
    let mut desk = Desk::new();
    let (dialog, invite, _) = standing(&mut desk, &[CONTACT]);
    desk.flow.remote = "192.0.2.2:61000".parse().unwrap();
    desk.receive(theirs("INFO", &invite, "b1", 1).write());
    told(&mut desk);
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    assert_eq!(desk.endpoint.poll_transmit().unwrap().flow, desk.flow);
}

#[test]
fn a_fork_to_a_hundred_places_is_bounded() {
    let mut desk = Desk::new();
    let (dialog, invite) = call(&mut desk);
    for tag in 0..100 {
        desk.receive(response(&invite, "180 Ringing", &format!("r{tag}"), &[CONTACT]));
        told(&mut desk);
    }
    let acks: usize = (0..100)
        .map(|tag| {
            let bytes: Bytes = response(&invite, "200 OK", &format!("b{tag}"), &[CONTACT]);
            desk.exchange(bytes).iter().filter(|line| line.starts_with("ACK")).count()
        })
        .sum();
    assert_eq!(acks, 63, "one is the user's, 63 losers are ended, the rest is left to itself");
    assert!(desk.endpoint.dialog(dialog).is_some());
}

//! Calls made to us, from the wire: what establishes them, what changes them, what ends them.

#![expect(clippy::panic, reason = "a test stops where it goes wrong")]

mod support;

use std::time::Duration;

use crosspoint_sip::{Body, DialogEvent, DialogId, Event, Headers, Message, Method, Name, Reply, StatusCode};
use support::desk::{Desk, Text, request, response, start_line, text, texts, to_tag};

const OURS: &str = "<sip:b@192.0.2.1:5060>";

fn told(desk: &mut Desk) -> DialogEvent {
    let Event::Dialog { event, .. } = desk.event() else { panic!("no news of a dialog") };
    event
}

fn ringing(desk: &mut Desk, invite: &Text) -> DialogId {
    desk.receive(invite.write());
    let Event::Invite(incoming) = desk.event() else { panic!("no INVITE") };
    let dialog = desk.endpoint.accept_invite(desk.now, &incoming, OURS.into());
    assert_eq!(desk.lines(), ["SIP/2.0 100 Trying"]);
    dialog
}

fn answered(desk: &mut Desk, invite: &Text) -> (DialogId, Message) {
    let dialog = ringing(desk, invite);
    desk.endpoint.answer(desk.now, dialog, Reply::new(StatusCode::OK).body(Body::sdp("v=0\r\n")));
    (dialog, desk.sent_one())
}

/// A request of the caller in the dialog that this answer made.
fn theirs(method: &str, cseq: u32, answer: &Message) -> Text {
    request(method, &format!("{method}{cseq}"), cseq).to(&text(answer, Name::To))
}

/// A call that stands, and its 2xx.
fn standing(desk: &mut Desk, invite: &Text) -> (DialogId, Message) {
    let (dialog, answer) = answered(desk, invite);
    desk.receive(theirs("ACK", 1, &answer).write());
    assert!(matches!(told(desk), DialogEvent::Acked(_)));
    (dialog, answer)
}

#[test]
fn responses_of_a_call_carry_tag_contact_and_record_route() {
    let mut desk = Desk::new();
    let invite = request("INVITE", "1", 1)
        .line("Record-Route: <sip:p1;lr>, <sip:p2;lr>")
        .line("Record-Route: <sip:p3;lr>")
        .line("Timestamp: 54");
    desk.receive(invite.write());
    let Event::Invite(incoming) = desk.event() else { panic!() };
    let dialog = desk.endpoint.accept_invite(desk.now, &incoming, OURS.into());
    let trying = desk.sent_one();
    assert_eq!((to_tag(&trying), texts(&trying, Name::RecordRoute).len()), (String::new(), 0));
    assert_eq!(text(&trying, Name::Timestamp), "54");
    desk.endpoint.provisional(desk.now, dialog, Reply::new(StatusCode::RINGING).header("X-Key", "7"));
    let rings = desk.sent_one();
    desk.endpoint.answer(desk.now, dialog, Reply::new(StatusCode::OK).body(Body::sdp("v=0\r\n")));
    let answer = desk.sent_one();
    for message in [&rings, &answer] {
        assert_eq!(text(message, Name::Contact), OURS);
        assert_eq!(texts(message, Name::RecordRoute), ["<sip:p1;lr>, <sip:p2;lr>", "<sip:p3;lr>"]);
        assert_eq!(to_tag(message).as_bytes(), desk.endpoint.dialog(dialog).unwrap().local_tag());
        assert_eq!(text(message, Name::Server), "Crosspoint");
    }
    assert_eq!(rings.other("x-key"), Some(&b"7"[..]));
    assert_eq!(answer.body(), b"v=0\r\n");
    assert!(text(&answer, Name::Allow).contains("INVITE"));
}

#[test]
fn our_requests_follow_the_record_route_in_order() {
    let mut desk = Desk::new();
    let invite = request("INVITE", "1", 1).line("Record-Route: <sip:p1;lr>, <sip:p2;lr>");
    let (dialog, answer) = standing(&mut desk, &invite);
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    let bye = desk.sent_one();
    assert_eq!(start_line(&bye), "BYE sip:a@192.0.2.2:5060 SIP/2.0");
    assert_eq!(texts(&bye, Name::Route), ["<sip:p1;lr>", "<sip:p2;lr>"]);
    assert_eq!(text(&bye, Name::From), text(&answer, Name::To));
    assert_eq!(text(&bye, Name::To), "<sip:a@example.com>;tag=peer");
    assert_eq!(text(&bye, Name::CSeq), "1 BYE");
}

#[test]
fn an_answer_is_repeated_until_its_ack() {
    let mut desk = Desk::new();
    let (_, answer) = answered(&mut desk, &request("INVITE", "1", 1));
    desk.restore();
    let again: Vec<u64> = desk.wait(Duration::from_secs(8)).into_iter().map(|(at, _)| at).collect();
    assert_eq!(again, [500, 1_500, 3_500, 7_500]);
    assert!(desk.exchange(request("INVITE", "1", 1).write()).is_empty(), "the INVITE again is absorbed");
    desk.receive(theirs("ACK", 2, &answer).write());
    assert!(desk.is_silent(), "an ACK of another number");
    desk.receive(theirs("ACK", 1, &answer).write());
    assert!(matches!(told(&mut desk), DialogEvent::Acked(_)));
    desk.receive(theirs("ACK", 1, &answer).write());
    assert!(desk.is_silent() && desk.wait(Duration::from_secs(60)).is_empty());
    assert_eq!(desk.counts(), (0, 1));
}

#[test]
fn an_ack_on_the_branch_of_the_invite_is_taken_too() {
    let mut desk = Desk::new();
    let (_, answer) = answered(&mut desk, &request("INVITE", "1", 1));
    desk.receive(request("ACK", "1", 1).to(&text(&answer, Name::To)).write());
    assert!(matches!(told(&mut desk), DialogEvent::Acked(_)));
}

#[test]
fn without_an_ack_the_user_is_told_after_32_seconds() {
    let mut desk = Desk::new();
    let (dialog, _) = answered(&mut desk, &request("INVITE", "1", 1));
    assert_eq!(desk.wait(Duration::from_secs(32)).len(), 10);
    assert!(matches!(told(&mut desk), DialogEvent::AckTimeout));
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    assert_eq!(desk.lines(), ["BYE sip:a@192.0.2.2:5060 SIP/2.0"]);
}

#[test]
fn our_bye_waits_for_the_ack_of_our_answer() {
    let mut desk = Desk::new();
    let (dialog, answer) = answered(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.bye(desk.now, dialog, vec![(Name::Reason.into(), "Q.850;cause=16".into())]);
    assert!(desk.sent().is_empty());
    desk.restore();
    desk.receive(theirs("ACK", 1, &answer).write());
    let bye = desk.sent_one();
    assert_eq!((bye.method(), text(&bye, Name::Reason)), (Some(Method::Bye), "Q.850;cause=16".into()));
    assert!(desk.is_silent());
    desk.receive(response(&bye, "200 OK", "", &[]));
    assert!(matches!(told(&mut desk), DialogEvent::ByeOutcome(_)));

    let mut desk = Desk::new();
    let (dialog, _) = answered(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    let sent = desk.wait(Duration::from_secs(32));
    assert_eq!(sent.last().unwrap().1, "BYE sip:a@192.0.2.2:5060 SIP/2.0", "or for its end");
    assert!(desk.is_silent());
}

#[test]
fn their_bye_may_come_before_their_ack() {
    let mut desk = Desk::new();
    let (dialog, answer) = answered(&mut desk, &request("INVITE", "1", 1));
    assert_eq!(desk.exchange(theirs("BYE", 2, &answer).write()), ["SIP/2.0 200 OK"]);
    assert!(matches!(told(&mut desk), DialogEvent::Ended(_)));
    desk.receive(theirs("ACK", 1, &answer).write());
    assert!(desk.wait(Duration::from_secs(40)).is_empty() && desk.is_silent());
    assert!(desk.endpoint.dialog(dialog).is_none());
    assert_eq!(desk.counts(), (0, 0));
}

#[test]
fn a_bye_while_it_rings_ends_the_invite_with_487() {
    let mut desk = Desk::new();
    let dialog = ringing(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.provisional(desk.now, dialog, Reply::new(StatusCode::RINGING));
    let rings = desk.sent_one();
    assert_eq!(
        desk.exchange(theirs("BYE", 2, &rings).write()),
        ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]
    );
    assert!(matches!(told(&mut desk), DialogEvent::Ended(_)));
    desk.endpoint.answer(desk.now, dialog, Reply::new(StatusCode::OK));
    assert!(desk.sent().is_empty(), "too late");
}

#[test]
fn our_bye_while_it_rings_is_a_refusal() {
    let mut desk = Desk::new();
    let dialog = ringing(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    assert_eq!(desk.lines(), ["SIP/2.0 480 Temporarily Unavailable"]);
    assert!(desk.is_silent() && desk.endpoint.dialog(dialog).is_none());
}

#[test]
fn numbers_in_a_dialog_only_grow() {
    let mut desk = Desk::new();
    let (_, answer) = standing(&mut desk, &request("INVITE", "1", 1));
    desk.receive(theirs("INFO", 9, &answer).write());
    let DialogEvent::Request { tx, request: info } = told(&mut desk) else { panic!() };
    assert_eq!(info.method(), Some(Method::Info));
    desk.endpoint.respond(desk.now, tx, Reply::new(StatusCode::OK));
    assert_eq!(desk.lines(), ["SIP/2.0 200 OK"]);
    for cseq in [8, 1] {
        desk.receive(theirs("INFO", cseq, &answer).write());
        let late = desk.sent_one();
        assert_eq!(start_line(&late), "SIP/2.0 500 Server Internal Error");
        assert_eq!(text(&late, Name::RetryAfter), "1");
    }
    assert!(desk.is_silent());
    let before = desk.counts();
    desk.receive(theirs("INFO", 10, &answer).write());
    assert!(matches!(told(&mut desk), DialogEvent::Request { .. }));
    assert_eq!(desk.counts().0, before.0 + 1);
}

#[test]
fn a_request_with_another_tag_is_of_no_dialog() {
    let mut desk = Desk::new();
    let (_, answer) = standing(&mut desk, &request("INVITE", "1", 1));
    let unknown = "SIP/2.0 481 Call/Transaction Does Not Exist";
    let mut bye = theirs("BYE", 2, &answer);
    bye.from = "<sip:a@example.com>;tag=somebody".into();
    assert_eq!(desk.exchange(bye.write()), [unknown]);
    let mut bye = theirs("BYE", 2, &answer);
    bye.call_id = "call-2".into();
    assert_eq!(desk.exchange(bye.write()), [unknown]);
    assert_eq!(desk.exchange(theirs("BYE", 2, &answer).write()), ["SIP/2.0 200 OK"]);
}

#[test]
fn a_reinvite_is_answered_and_moves_the_target() {
    let mut desk = Desk::new();
    let (dialog, answer) = standing(&mut desk, &request("INVITE", "1", 1));
    let again = Text { contact: Some("<sip:moved@192.0.2.2>".into()), ..theirs("INVITE", 2, &answer) };
    assert_eq!(desk.exchange(again.write()), ["SIP/2.0 100 Trying"]);
    assert!(matches!(told(&mut desk), DialogEvent::Reinvite(_)));
    assert_eq!(desk.endpoint.dialog(dialog).unwrap().remote_target(), b"sip:a@192.0.2.2:5060", "not yet");
    desk.restore();
    desk.endpoint.respond_reinvite(desk.now, dialog, Reply::new(StatusCode::OK).body(Body::sdp("v=2\r\n")));
    let second = desk.sent_one();
    assert_eq!((text(&second, Name::CSeq), text(&second, Name::Contact)), ("2 INVITE".into(), OURS.into()));
    assert_eq!(desk.wait(Duration::from_millis(600)).len(), 1, "repeated like the first one");
    desk.receive(Text { cseq: "2 ACK".into(), ..theirs("ACK", 20, &answer) }.write());
    assert!(matches!(told(&mut desk), DialogEvent::ReinviteAcked(_)));
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    assert_eq!(desk.lines(), ["BYE sip:moved@192.0.2.2 SIP/2.0"]);
}

#[test]
fn a_reinvite_that_meets_ours_is_refused_with_491_each_time() {
    let mut desk = Desk::new();
    let (dialog, answer) = standing(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.reinvite(desk.now, dialog, None).unwrap();
    desk.sent();
    let again = theirs("INVITE", 2, &answer);
    assert_eq!(desk.exchange(again.write()), ["SIP/2.0 491 Request Pending"]);
    desk.restore();
    assert_eq!(desk.exchange(again.write()), ["SIP/2.0 491 Request Pending"]);
    assert!(desk.is_silent());
    let delay = desk.endpoint.glare_delay(dialog);
    assert!(delay <= Duration::from_secs(2), "the other side owns the Call-ID: {delay:?}");
}

#[test]
fn a_second_reinvite_before_the_first_is_answered_is_refused_with_500() {
    let mut desk = Desk::new();
    let (dialog, answer) = standing(&mut desk, &request("INVITE", "1", 1));
    desk.receive(theirs("INVITE", 2, &answer).write());
    desk.sent();
    desk.receive(theirs("INVITE", 3, &answer).write());
    let refused = desk.sent_one();
    assert_eq!(start_line(&refused), "SIP/2.0 500 Server Internal Error");
    assert!(text(&refused, Name::RetryAfter).parse::<u32>().unwrap() <= 10);
    desk.endpoint.respond_reinvite(desk.now, dialog, Reply::new(StatusCode::NOT_ACCEPTABLE_HERE));
    assert_eq!(desk.lines(), ["SIP/2.0 488 Not Acceptable Here"]);
    assert!(desk.endpoint.dialog(dialog).unwrap().is_confirmed());
}

#[test]
fn a_reinvite_before_the_ack_is_put_off() {
    let mut desk = Desk::new();
    let (_, answer) = answered(&mut desk, &request("INVITE", "1", 1));
    assert_eq!(desk.exchange(theirs("INVITE", 2, &answer).write()), ["SIP/2.0 491 Request Pending"]);
}

#[test]
fn a_cancelled_reinvite_goes_on_to_its_own_end() {
    let mut desk = Desk::new();
    let (dialog, answer) = standing(&mut desk, &request("INVITE", "1", 1));
    let again = theirs("INVITE", 2, &answer);
    desk.receive(again.write());
    told(&mut desk);
    desk.sent();
    let mut cancel = again;
    cancel.start = cancel.start.replace("INVITE", "CANCEL");
    cancel.cseq = "2 CANCEL".into();
    assert_eq!(desk.exchange(cancel.write()), ["SIP/2.0 200 OK"]);
    assert!(desk.is_silent());
    desk.endpoint.respond_reinvite(desk.now, dialog, Reply::new(StatusCode::OK));
    assert_eq!(desk.lines(), ["SIP/2.0 200 OK"]);
}

#[test]
fn a_bye_ends_a_reinvite_that_waits() {
    let mut desk = Desk::new();
    let (dialog, answer) = standing(&mut desk, &request("INVITE", "1", 1));
    desk.receive(theirs("INVITE", 2, &answer).write());
    told(&mut desk);
    desk.sent();
    assert_eq!(
        desk.exchange(theirs("BYE", 3, &answer).write()),
        ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]
    );
    assert!(matches!(told(&mut desk), DialogEvent::Ended(_)));
    desk.endpoint.respond_reinvite(desk.now, dialog, Reply::new(StatusCode::OK));
    assert!(desk.sent().is_empty());
}

#[test]
fn taken_on_twice_it_is_one_call() {
    let mut desk = Desk::new();
    let invite = request("INVITE", "1", 1);
    desk.receive(invite.write());
    let Event::Invite(incoming) = desk.event() else { panic!() };
    let first = desk.endpoint.accept_invite(desk.now, &incoming, OURS.into());
    let second = desk.endpoint.accept_invite(desk.now, &incoming, OURS.into());
    assert_eq!((first, desk.counts()), (second, (1, 1)));
}

#[test]
fn commands_out_of_season_do_nothing() {
    let mut desk = Desk::new();
    let (dialog, _) = standing(&mut desk, &request("INVITE", "1", 1));
    let ok = || Reply::new(StatusCode::OK);
    let now = desk.now;
    desk.endpoint.provisional(now, dialog, Reply::new(StatusCode::RINGING));
    desk.endpoint.answer(now, dialog, ok());
    desk.endpoint.reject(now, dialog, Reply::new(StatusCode::BUSY_HERE));
    desk.endpoint.respond_reinvite(now, dialog, ok());
    desk.endpoint.ack(now, dialog, None);
    desk.endpoint.cancel(now, dialog, Headers::new());
    assert!(desk.sent().is_empty());
    desk.endpoint.bye(now, dialog, Headers::new());
    desk.sent();
    desk.endpoint.bye(now, dialog, Headers::new());
    assert_eq!(desk.endpoint.reinvite(now, dialog, None), Err(crosspoint_sip::Busy));
    assert!(desk.sent().is_empty());
    for _ in 0..2 {
        desk.endpoint.handle_timeout(desk.now);
    }
    assert!(desk.sent().is_empty() && desk.is_silent());
}

#[test]
fn bye_that_is_answered_481_is_an_outcome() {
    let mut desk = Desk::new();
    let (dialog, _) = standing(&mut desk, &request("INVITE", "1", 1));
    desk.endpoint.bye(desk.now, dialog, Headers::new());
    let bye = desk.sent_one();
    desk.receive(response(&bye, "481 Call/Transaction Does Not Exist", "", &[]));
    let DialogEvent::ByeOutcome(outcome) = told(&mut desk) else { panic!() };
    assert_eq!(outcome.status(), StatusCode::CALL_DOES_NOT_EXIST);
    assert!(desk.endpoint.dialog(dialog).is_none());
}

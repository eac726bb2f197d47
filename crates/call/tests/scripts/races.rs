//! What crosses on the wire: every order ends well; and what the record says.

use crate::stage::Script;
use clock::Time;
use model::{Direction, Fault, LegSide};

#[test]
fn a_cancel_and_an_answer_in_any_order() {
    let script = "a invites; b1 rings; a cancels || b1 answers; committed; b1 is terminated";
    for played in Script::phones(1).play_orders(script) {
        let end = played.record.unwrap().termination.unwrap();
        assert_eq!((end.fault, end.reason.as_str()), (Fault::Caller, "cancelled"), "{}", played.text);
        assert!(played.text.contains("bye b1"), "the answered phone must not stay up:\n{}", played.text);
    }
}

#[test]
fn two_phones_answer_at_once() {
    let script = "a invites; b1 answers || b2 answers; committed; a hangs up";
    for played in Script::phones(2).play_orders(script) {
        assert_eq!(played.text.matches("200 to a").count(), 1, "{}", played.text);
        assert_eq!(played.text.matches("bye b").count(), 2, "the loser and the winner:\n{}", played.text);
    }
}

#[test]
fn both_sides_hang_up_at_once() {
    let script = "a invites; b1 answers; committed; a acks; a hangs up || b1 hangs up";
    for played in Script::phones(1).play_orders(script) {
        assert_eq!(played.text.matches("bye").count(), 1, "{}", played.text);
    }
}

#[test]
fn a_hangup_crosses_everything_else() {
    for other in ["b1 holds", "a holds", "b1 is silent", "operator hangs up", "server stops", "a never acks"]
    {
        let script = format!("a invites; b1 answers; committed; a acks; a hangs up || {other}");
        Script::phones(1).play_orders(&script);
    }
}

#[test]
fn the_commit_crosses_the_end() {
    for end in ["a cancels", "b1 hangs up", "operator hangs up", "server stops", "wait 2"] {
        let script = format!("a invites; b1 answers; committed || {end}; a never acks");
        Script::phones(1).play_orders(&script);
    }
}

#[test]
fn events_that_come_too_late_change_nothing() {
    let after = [
        "b1 rings",
        "b1 plays early media",
        "b1 answers",
        "b1 refuses 486",
        "a cancels",
        "a acks",
        "a never acks",
        "a holds",
        "b1 accepts sendrecv",
        "a acks reinvite",
        "b1 hangs up",
        "committed",
        "b1 is silent",
        "operator hangs up",
        "wait 100",
    ];
    let whole = Script::phones(1).play("a invites; b1 answers; committed; a acks; a hangs up");
    for step in after {
        let script = format!("a invites; b1 answers; committed; a acks; a hangs up; {step}");
        let played = Script::phones(1).play(&script);
        let (_, late) = played.text.rsplit_once(step).unwrap();
        assert_eq!(late.trim(), "", "{step}");
        assert_eq!(played.record, whole.record);
    }
}

#[test]
fn the_record_tells_who_when_and_how() {
    let script = "a invites; b1 rings; b2 refuses 486; b1 answers; committed; a acks; wait 60; b1 hangs up";
    let record = Script::phones(2).play(script).record.unwrap();
    let at = |millis: u64| Time::from_nanos(1_000_000_000_000 + millis * 1_000_000);
    assert_eq!((record.from_number.as_str(), record.to_number.as_str()), ("6001", "6002"));
    assert_eq!((record.node, record.epoch, record.direction), (3, 7, Direction::Internal));
    assert_eq!((record.external_id.as_deref(), record.sip_call_id.as_str()), (Some("crm-17"), "call-1@a"));
    assert_eq!(record.started_at, at(0));
    assert_eq!(record.ringing_at, Some(at(10)));
    assert_eq!(record.answered_at, Some(at(30)));
    assert_eq!(record.ended_at, Some(at(60_070)));
    assert_eq!((record.sip_status, record.codec.as_deref()), (Some(200), Some("PCMU")));
    let legs: Vec<_> =
        record.legs.iter().map(|leg| (leg.side, leg.sip_status, leg.packets_received)).collect();
    assert_eq!(
        legs,
        [
            (LegSide::Caller, Some(200), 10),
            (LegSide::Callee, Some(200), 11),
            (LegSide::Callee, Some(486), 12)
        ]
    );
    assert_eq!(record.legs[1].user_agent.as_deref(), Some("phone"));
    assert_eq!(record.legs[1].remote.as_deref(), Some("10.0.0.1:5060"));
}

#[test]
fn a_call_without_answer_has_no_answer_time() {
    let record = Script::phones(1).play("a invites; b1 refuses 486").record.unwrap();
    assert_eq!((record.ringing_at, record.answered_at, record.sip_status), (None, None, Some(486)));
}

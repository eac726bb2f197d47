//! Two endpoints call each other over a bad network: whatever is lost, repeated or overtaken, both sides end alike and
//! nothing is left.

#![expect(clippy::indexing_slicing, reason = "a test stops where it goes wrong")]

mod support;

use clock::Time;
use crosspoint_sip::{Method, StatusCode, Transport};
use support::agent::{Deed, Heard, Plan};
use support::network::{Faults, Outcome, Scenario, many, run};

const SEEDS: u64 = 300;

fn caller(after_answer: &[(u64, Deed)]) -> Plan {
    Plan { at_start: vec![(0, Deed::Invite)], after_answer: after_answer.to_vec(), ..Plan::default() }
}

fn called(after_invite: &[(u64, Deed)], after_answer: &[(u64, Deed)]) -> Plan {
    Plan { after_invite: after_invite.to_vec(), after_answer: after_answer.to_vec(), ..Plan::default() }
}

fn has(outcome: &Outcome, side: usize, what: &Heard) -> bool {
    outcome.heard[side].iter().any(|(_, heard)| heard == what)
}

fn count(outcome: &Outcome, side: usize, what: &Heard) -> usize {
    outcome.heard[side].iter().filter(|(_, heard)| heard == what).count()
}

fn story(heard: &[(Time, Heard)]) -> Vec<Heard> {
    heard.iter().map(|(_, heard)| heard.clone()).collect()
}

const RING_AND_ANSWER: &[(u64, Deed)] = &[(100, Deed::Ring), (2_000, Deed::Answer)];

#[test]
fn on_a_good_network_a_call_is_seven_messages() {
    let mut scenario = Scenario::new(caller(&[(5_000, Deed::Bye)]), called(RING_AND_ANSWER, &[]));
    scenario.faults = Faults::NONE;
    for transport in [Transport::Udp, Transport::Tcp] {
        scenario.transport = transport;
        let outcome = run(&scenario, 1, true);
        let lines: Vec<String> =
            outcome.sent.iter().map(|sent| support::network::first_line(&sent.bytes)).collect();
        assert_eq!(
            lines,
            [
                "INVITE sip:b@192.0.2.2:5060 SIP/2.0",
                "SIP/2.0 100 Trying",
                "SIP/2.0 180 Ringing",
                "SIP/2.0 200 OK",
                "ACK sip:b@192.0.2.2:5060 SIP/2.0",
                "BYE sip:b@192.0.2.2:5060 SIP/2.0",
                "SIP/2.0 200 OK",
            ]
        );
        assert_eq!(
            story(&outcome.heard[0]),
            [Heard::Provisional(180), Heard::Answered, Heard::ByeOutcome(200)]
        );
        assert_eq!(story(&outcome.heard[1]), [Heard::Invite, Heard::Acked, Heard::Ended]);
    }
}

/// Whether the call stood and both sides heard its end.
fn talked(outcome: &Outcome) -> bool {
    has(outcome, 0, &Heard::Answered) && has(outcome, 1, &Heard::Acked)
}

#[test]
fn a_call_ended_by_the_caller() {
    let scenario = Scenario::new(caller(&[(5_000, Deed::Bye)]), called(RING_AND_ANSWER, &[]));
    let good = many(SEEDS, &scenario, |outcome| talked(outcome) && has(outcome, 1, &Heard::Ended));
    assert!(good > SEEDS * 95 / 100, "{good}");
}

#[test]
fn a_call_ended_by_the_called() {
    // A caller whose 200 came while every ACK was lost is ended by the called one after the timeout.
    let scenario = Scenario::new(caller(&[]), called(RING_AND_ANSWER, &[(5_000, Deed::Bye)]));
    let good = many(SEEDS, &scenario, |outcome| talked(outcome) && has(outcome, 0, &Heard::Ended));
    assert!(good > SEEDS * 95 / 100, "{good}");
}

#[test]
fn a_call_both_sides_end_at_once() {
    let scenario =
        Scenario::new(caller(&[(3_000, Deed::Bye)]), called(RING_AND_ANSWER, &[(2_900, Deed::Bye)]));
    let crossed = many(SEEDS, &scenario, |outcome| {
        let byes =
            |side| outcome.sent.iter().any(|sent| sent.side == side && sent.bytes.starts_with(b"BYE "));
        byes(0) && byes(1)
    });
    assert!(crossed > SEEDS / 4, "{crossed}");
}

#[test]
fn a_call_that_is_refused() {
    let busy = Deed::Reject(StatusCode::BUSY_HERE);
    let scenario = Scenario::new(caller(&[]), called(&[(100, Deed::Ring), (1_500, busy)], &[]));
    let good = many(SEEDS, &scenario, |outcome| {
        assert!(!has(outcome, 0, &Heard::Answered));
        let timed_out = has(outcome, 0, &Heard::Rejected(408));
        let refused = has(outcome, 0, &Heard::Rejected(486));
        assert!(timed_out || refused, "{:?}", outcome.heard);
        refused
    });
    assert!(good > SEEDS * 95 / 100, "{good}");
}

#[test]
fn a_call_cancelled_while_it_rings() {
    let plan = Plan { at_start: vec![(0, Deed::Invite), (4_000, Deed::Cancel)], ..Plan::default() };
    let scenario = Scenario::new(plan, called(&[(100, Deed::Ring), (100_000, Deed::Answer)], &[]));
    let good = many(SEEDS, &scenario, |outcome| {
        assert!(!has(outcome, 0, &Heard::Answered) && !has(outcome, 1, &Heard::Acked));
        has(outcome, 0, &Heard::Rejected(487)) && has(outcome, 1, &Heard::Cancelled)
    });
    assert!(good > SEEDS * 95 / 100, "{good}");
}

#[test]
fn a_call_cancelled_before_anybody_said_a_word() {
    let plan = Plan { at_start: vec![(0, Deed::Invite), (1, Deed::Cancel)], ..Plan::default() };
    let scenario = Scenario::new(plan, called(&[(100, Deed::Ring), (100_000, Deed::Answer)], &[]));
    let good = many(SEEDS, &scenario, |outcome| {
        assert!(!has(outcome, 0, &Heard::Answered));
        let invite = outcome.sent.iter().position(|sent| sent.bytes.starts_with(b"SIP/2.0 1"));
        let cancel = outcome.sent.iter().position(|sent| sent.bytes.starts_with(b"CANCEL "));
        assert!(cancel.is_none() || invite < cancel, "a CANCEL before the first provisional response");
        has(outcome, 0, &Heard::Rejected(487)) && has(outcome, 1, &Heard::Cancelled)
    });
    assert!(good > SEEDS * 95 / 100, "{good}");
}

#[test]
fn a_cancel_that_crosses_the_answer() {
    let crossed: u64 = [1_800, 1_900, 2_000, 2_100, 2_200]
        .into_iter()
        .map(|at| {
            let at_start = vec![(0, Deed::Invite), (at, Deed::Cancel)];
            let plan = Plan { at_start, ..caller(&[(5_000, Deed::Bye)]) };
            let scenario = Scenario::new(plan, called(RING_AND_ANSWER, &[]));
            many(SEEDS / 5, &scenario, |outcome| {
                let cancelled = has(outcome, 0, &Heard::Rejected(487));
                assert!(!cancelled || !has(outcome, 0, &Heard::Answered));
                cancelled && has(outcome, 1, &Heard::Ended)
            })
        })
        .sum();
    assert!(crossed > SEEDS / 10, "only {crossed} crossed");
}

#[test]
fn reinvites_by_the_caller() {
    let plan = caller(&[(2_000, Deed::Reinvite), (4_000, Deed::Reinvite), (30_000, Deed::Bye)]);
    let scenario = Scenario::new(plan, Plan { reinvite_ms: 300, ..called(RING_AND_ANSWER, &[]) });
    let good = many(SEEDS, &scenario, |outcome| {
        count(outcome, 0, &Heard::ReinviteOutcome(200)) == 2 && count(outcome, 1, &Heard::ReinviteAcked) == 2
    });
    assert!(good > SEEDS * 9 / 10, "{good}");
}

#[test]
fn reinvites_by_the_called() {
    let plan = called(RING_AND_ANSWER, &[(2_000, Deed::Reinvite), (4_000, Deed::Reinvite)]);
    let scenario = Scenario::new(Plan { reinvite_ms: 300, ..caller(&[(30_000, Deed::Bye)]) }, plan);
    let good = many(SEEDS, &scenario, |outcome| {
        count(outcome, 1, &Heard::ReinviteOutcome(200)) == 2 && count(outcome, 0, &Heard::ReinviteAcked) == 2
    });
    assert!(good > SEEDS * 9 / 10, "{good}");
}

#[test]
fn reinvites_that_meet_are_both_done_in_the_end() {
    let plan = caller(&[(2_000, Deed::Reinvite), (60_000, Deed::Bye)]);
    let other = called(RING_AND_ANSWER, &[(1_950, Deed::Reinvite)]);
    let mut scenario = Scenario::new(plan, other);
    let glare = |outcome: &Outcome| {
        has(outcome, 0, &Heard::ReinviteOutcome(491)) || has(outcome, 1, &Heard::ReinviteOutcome(491))
    };
    scenario.faults = Faults { loss: 0, duplication: 0, delay_ms: 100 };
    let met = many(SEEDS, &scenario, |outcome| {
        for side in 0..2 {
            assert!(has(outcome, side, &Heard::ReinviteOutcome(200)), "{:?}", outcome.heard);
            assert!(has(outcome, side, &Heard::ReinviteAcked), "{:?}", outcome.heard);
        }
        glare(outcome)
    });
    assert!(met > SEEDS / 4, "only {met} met");
    scenario.faults = Faults::HARSH;
    let met = many(SEEDS, &scenario, glare);
    assert!(met > SEEDS / 4, "only {met} met");
}

#[test]
fn a_bye_in_the_middle_of_a_reinvite() {
    let plan = caller(&[(2_000, Deed::Reinvite), (2_050, Deed::Bye)]);
    let scenario = Scenario::new(plan, Plan { reinvite_ms: 200, ..called(RING_AND_ANSWER, &[]) });
    let met = many(SEEDS / 2, &scenario, |outcome| has(outcome, 1, &Heard::Reinvite));
    assert!(met > SEEDS / 10, "{met}");
    let other = Plan { reinvite_ms: 500, ..called(RING_AND_ANSWER, &[(2_600, Deed::Bye)]) };
    let scenario = Scenario::new(caller(&[(2_000, Deed::Reinvite)]), other);
    let met = many(SEEDS / 2, &scenario, |outcome| has(outcome, 1, &Heard::Reinvite));
    assert!(met > SEEDS / 10, "{met}");
}

#[test]
fn requests_beside_the_call() {
    let plan =
        caller(&[(1_000, Deed::Info), (2_001, Deed::Info), (2_500, Deed::Options), (30_000, Deed::Bye)]);
    let scenario = Scenario::new(plan, called(RING_AND_ANSWER, &[(1_000, Deed::Info)]));
    let good = many(SEEDS, &scenario, |outcome| {
        let requests = count(outcome, 1, &Heard::Request(Method::Info));
        assert!(requests <= 2, "a repetition was taken for a new request");
        count(outcome, 0, &Heard::Response(200)) == 3 && count(outcome, 1, &Heard::Response(200)) == 1
    });
    assert!(good > SEEDS * 8 / 10, "{good}");
}

#[test]
fn options_without_a_call() {
    let plan = Plan { at_start: (0..5).map(|n| (n * 100, Deed::Options)).collect(), ..Plan::default() };
    let scenario = Scenario::new(plan, Plan::default());
    let good = many(SEEDS, &scenario, |outcome| {
        let answers =
            outcome.heard[0].iter().filter(|(_, heard)| matches!(heard, Heard::Response(_))).count();
        assert_eq!(answers, 5);
        assert!(outcome.heard[1].len() <= 5, "a repetition was taken for a new request");
        count(outcome, 0, &Heard::Response(200)) == 5
    });
    assert!(good > SEEDS * 95 / 100, "{good}");
}

#[test]
fn a_lost_ack_ends_the_call_after_32_seconds() {
    let mut scenario = Scenario::new(caller(&[]), called(RING_AND_ANSWER, &[]));
    scenario.faults = Faults::NONE;
    scenario.swallow = |side, line| side == 0 && line.starts_with("ACK ");
    let outcome = run(&scenario, 1, true);
    assert_eq!(story(&outcome.heard[0]), [Heard::Provisional(180), Heard::Answered, Heard::Ended]);
    assert_eq!(story(&outcome.heard[1]), [Heard::Invite, Heard::AckTimeout, Heard::ByeOutcome(200)]);
    let answers =
        outcome.sent.iter().filter(|sent| sent.side == 1 && sent.bytes.starts_with(b"SIP/2.0 200")).count();
    // At 0, 0.5, 1.5, 3.5, 7.5, then each 4 s up to 31.5.
    assert_eq!(answers, 11);
    let acks = outcome.sent.iter().filter(|sent| sent.bytes.starts_with(b"ACK ")).count();
    assert_eq!(acks, 11, "each repetition of the 2xx gets its ACK");
}

#[test]
fn a_lost_answer_is_repeated_on_reliable_transports_too() {
    let mut scenario = Scenario::new(caller(&[(1_000, Deed::Bye)]), called(&[(0, Deed::Answer)], &[]));
    scenario.faults = Faults::NONE;
    scenario.transport = Transport::Tcp;
    scenario.swallow = |side, line| side == 0 && line.starts_with("ACK ");
    let outcome = run(&scenario, 1, true);
    let answers =
        outcome.sent.iter().filter(|sent| sent.side == 1 && sent.bytes.starts_with(b"SIP/2.0 200")).count();
    // 200 to the INVITE at 0, 0.5 and then the BYE comes; 200 to the BYE.
    assert_eq!(answers, 3);
    assert_eq!(story(&outcome.heard[1]), [Heard::Invite, Heard::Ended]);
}

#[test]
fn a_bye_nobody_answers_times_out() {
    let mut scenario = Scenario::new(caller(&[(1_000, Deed::Bye)]), called(&[(0, Deed::Answer)], &[]));
    scenario.faults = Faults::NONE;
    scenario.swallow =
        |side, line| side == 0 && line.starts_with("BYE ") || side == 1 && line.contains("481");
    let plan = Plan { after_answer: vec![(100_000, Deed::Bye)], ..called(&[(0, Deed::Answer)], &[]) };
    scenario.plans[1] = plan;
    let outcome = run(&scenario, 1, true);
    assert_eq!(story(&outcome.heard[0]), [Heard::Answered, Heard::ByeOutcome(408)]);
    let byes = outcome.sent.iter().filter(|sent| sent.side == 0 && sent.bytes.starts_with(b"BYE ")).count();
    assert_eq!(byes, 11);
}

#[test]
fn a_bye_whose_answers_are_lost_is_answered_each_time_and_ends_the_call_once() {
    let mut scenario = Scenario::new(caller(&[(1_000, Deed::Bye)]), called(&[(0, Deed::Answer)], &[]));
    scenario.faults = Faults::NONE;
    scenario.swallow = |side, text| side == 1 && text.starts_with("SIP/2.0 200") && text.contains(" BYE\r\n");
    let outcome = run(&scenario, 1, true);
    assert_eq!(story(&outcome.heard[0]), [Heard::Answered, Heard::ByeOutcome(408)]);
    assert_eq!(story(&outcome.heard[1]), [Heard::Invite, Heard::Acked, Heard::Ended]);
    let answers =
        outcome.sent.iter().filter(|sent| (scenario.swallow)(sent.side, &text(&sent.bytes))).count();
    assert_eq!(answers, 11);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_invite_nobody_hears_times_out() {
    let mut scenario = Scenario::new(caller(&[]), Plan::default());
    scenario.swallow = |side, _| side == 0;
    let outcome = run(&scenario, 1, true);
    assert_eq!(story(&outcome.heard[0]), [Heard::Rejected(408)]);
    assert_eq!(outcome.sent.len(), 7);
    assert_eq!(outcome.empty_at.since(Time::from_secs(1_000)).as_secs(), 31);
}

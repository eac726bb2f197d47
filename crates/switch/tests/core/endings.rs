//! The ways a call ends, and that nothing of it stays.

use std::time::Duration;

use crosspoint_switch::CallSettings;
use crosspoint_switch::core::Command;
use model::Fault;
use sip::{Method, Name};

use crate::phone::{Phone, hung_up, in_a_call, offer};
use crate::stage::{Scenery, World, play, play_in, text};

fn reason(world: &World) -> (Fault, String, Option<u16>) {
    let records = world.records();
    let record = records.last().unwrap();
    let end = record.termination.as_ref().unwrap();
    (end.fault, end.reason.clone(), record.sip_status)
}

/// ann calls bob, whose phone rings.
fn ringing(world: &mut World) -> (Phone, crate::phone::Call, Phone, sip::Message) {
    let mut ann = Phone::new("ann", "10.0.0.1:5060");
    let mut bob = Phone::new("bob", "10.0.0.2:5060");
    bob.register(world);
    let call = ann.calls(world, "bob");
    let invite = bob.next(world);
    bob.answers(world, &invite, "180 Ringing", None);
    ann.gets(world, "180 2 INVITE");
    (ann, call, bob, invite)
}

#[test]
fn bob_is_busy() {
    play(|world| {
        let (mut ann, call, mut bob, invite) = ringing(world);
        bob.answers(world, &invite, "486 Busy Here", None);
        bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        let answer = ann.gets(world, "486 2 INVITE");
        assert_eq!(text(answer.header(Name::Reason).unwrap()), "Q.850;cause=17;text=\"busy\"");
        ann.follows_up(world, &call, "ACK", Some(&answer));
        assert_eq!(reason(world), (Fault::Callee, "busy".to_owned(), Some(486)));
        world.is_clean(1);
    });
}

#[test]
fn ann_cancels() {
    play(|world| {
        let (mut ann, call, mut bob, invite) = ringing(world);
        ann.follows_up(world, &call, "CANCEL", None);
        ann.gets(world, "200 2 CANCEL");
        let answer = ann.gets(world, "487 2 INVITE");
        ann.follows_up(world, &call, "ACK", Some(&answer));
        let cancel = bob.gets(world, "CANCEL sip:bob@10.0.0.2:5060");
        assert_eq!(text(cancel.header(Name::Reason).unwrap()), "Q.850;cause=16;text=\"cancelled\"");
        bob.answers(world, &cancel, "200 OK", None);
        bob.answers(world, &invite, "487 Request Terminated", None);
        bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        assert_eq!(reason(world), (Fault::Caller, "cancelled".to_owned(), Some(487)));
        world.is_clean(1);
    });
}

#[test]
fn an_answer_that_crosses_the_cancel_is_hung_up() {
    play(|world| {
        let (mut ann, call, mut bob, invite) = ringing(world);
        ann.follows_up(world, &call, "CANCEL", None);
        bob.gets(world, "CANCEL sip:bob@10.0.0.2:5060");
        bob.answers(world, &invite, "200 OK", Some(&offer(&bob, 1, "sendrecv")));
        bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        let bye = bob.gets(world, "BYE sip:bob@10.0.0.2:5060");
        bob.answers(world, &bye, "200 OK", None);
        assert_eq!(reason(world).1, "cancelled");
        world.is_clean(1);
    });
}

#[test]
fn a_cancel_while_the_answer_is_committed_ends_the_answered_phone() {
    play(|world| {
        let (mut ann, call, mut bob, invite) = ringing(world);
        bob.answers(world, &invite, "200 OK", Some(&offer(&bob, 1, "sendrecv")));
        bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        ann.follows_up(world, &call, "CANCEL", None);
        ann.gets(world, "200 2 CANCEL");
        ann.gets(world, "487 2 INVITE");
        let bye = bob.gets(world, "BYE sip:bob@10.0.0.2:5060");
        bob.answers(world, &bye, "200 OK", None);
        world.commit();
        ann.gets_nothing(world);
        world.is_clean(1);
    });
}

#[test]
fn nobody_answers() {
    play(|world| {
        let (ann, _, mut bob, invite) = ringing(world);
        world.wait(Duration::from_secs(60));
        let cancel = bob.gets(world, "CANCEL sip:bob@10.0.0.2:5060");
        bob.answers(world, &cancel, "200 OK", None);
        bob.answers(world, &invite, "487 Request Terminated", None);
        ann.gets(world, "480 2 INVITE");
        assert_eq!(reason(world), (Fault::Callee, "no_answer".to_owned(), Some(480)));
        world.is_clean(1);
    });
}

#[test]
fn a_phone_that_is_gone_does_not_reply() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        Phone::new("bob", "10.0.0.2:5060").register(world);
        ann.calls(world, "bob");
        world.wait(Duration::from_secs(33));
        ann.gets(world, "480 2 INVITE");
        assert_eq!(reason(world), (Fault::Network, "no_reply".to_owned(), Some(480)));
        world.is_clean(1);
    });
}

#[test]
fn a_flow_that_failed_is_unreachable_at_once() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        bob.register(world);
        ann.calls(world, "bob");
        world.flow_error(bob.flow);
        ann.gets(world, "480 2 INVITE");
        assert_eq!(reason(world).1, "unreachable");
        world.is_clean(1);
    });
}

#[test]
fn numbers_that_lead_nowhere() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        for (number, status, word) in [
            ("7777", 404, "unknown_number"),
            ("bob", 480, "not_registered"),
            ("carl", 480, "account_disabled"),
        ] {
            let call = ann.calls(world, number);
            let answer = ann.gets(world, &format!("{status} 2 INVITE"));
            ann.follows_up(world, &call, "ACK", Some(&answer));
            assert_eq!(reason(world).1, word);
        }
        world.is_clean(3);
    });
}

#[test]
fn a_foreign_domain_is_not_relayed() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let uri = "sip:bob@elsewhere.example";
        let from = "<sip:ann@pbx.example>;tag=1";
        ann.invite_raw(world, uri, ("c", from, 1), ("", None));
        let challenge = ann.gets(world, "407 1 INVITE");
        let line = format!("Proxy-Authorization: {}\r\n", ann.authorize(&challenge, ("INVITE", uri), 1));
        ann.invite_raw(world, uri, ("c", from, 2), (&line, None));
        ann.gets(world, "100 2 INVITE");
        ann.gets(world, "403 2 INVITE");
        assert_eq!(world.on_the_way().len(), 0, "nothing goes anywhere else");
        assert_eq!(reason(world).1, "foreign_domain");
    });
}

#[test]
fn bob_hangs_up() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        let (_, mut bobs) = in_a_call(world, &mut ann, &mut bob);
        bob.hangs_up(world, &mut bobs);
        bob.gets(world, "200 1 BYE");
        let bye = ann.gets(world, "BYE sip:ann@10.0.0.1:5060");
        ann.answers(world, &bye, "200 OK", None);
        assert_eq!(reason(world), (Fault::None, "callee_hung_up".to_owned(), Some(200)));
        world.is_clean(1);
    });
}

#[test]
fn a_lost_ack_ends_the_call_on_both_sides() {
    play(|world| {
        let (ann, _, mut bob, invite) = ringing(world);
        bob.answers(world, &invite, "200 OK", Some(&offer(&bob, 1, "sendrecv")));
        bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        world.commit();
        world.wait(Duration::from_secs(33));
        let answers =
            std::iter::from_fn(|| world.next_to(ann.flow.remote)).filter(|m| m.status().is_some()).count();
        assert!(answers >= 10, "the 200 was repeated {answers} times");
        let bye = bob.gets(world, "BYE sip:bob@10.0.0.2:5060");
        bob.answers(world, &bye, "200 OK", None);
        assert_eq!(reason(world), (Fault::Network, "unacknowledged".to_owned(), Some(200)));
        world.is_clean(1);
    });
}

#[test]
fn silence_ends_a_call() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        in_a_call(world, &mut ann, &mut bob);
        world.silence(1);
        for (phone, target) in
            [(&mut ann, "BYE sip:ann@10.0.0.1:5060"), (&mut bob, "BYE sip:bob@10.0.0.2:5060")]
        {
            let bye = phone.gets(world, target);
            phone.answers(world, &bye, "200 OK", None);
        }
        assert_eq!(reason(world), (Fault::Network, "media_silent".to_owned(), Some(200)));
        world.is_clean(1);
    });
}

#[test]
fn an_operator_hangs_up() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        in_a_call(world, &mut ann, &mut bob);
        let uid = world.calls()[0].uid;
        world.command(Command::HangUp { id: 5, uid });
        assert!(hung_up(world));
        assert_eq!(ann.next(world).method(), Some(Method::Bye));
        assert_eq!(bob.next(world).method(), Some(Method::Bye));
        assert_eq!(reason(world).0, Fault::Operator);
        world.command(Command::HangUp { id: 6, uid: model::CallUid(model::Uid::default()) });
        assert!(!hung_up(world));
        world.is_clean(1);
    });
}

#[test]
fn a_stopping_server_says_goodbye() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        in_a_call(world, &mut ann, &mut bob);
        world.command(Command::Stop { id: 1 });
        assert_eq!(ann.next(world).method(), Some(Method::Bye));
        assert_eq!(bob.next(world).method(), Some(Method::Bye));
        assert_eq!(reason(world).1, "stopping");
        world.is_clean(1);
    });
}

#[test]
fn without_ports_there_is_no_call() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        Phone::new("bob", "10.0.0.2:5060").register(world);
        world.no_ports = true;
        ann.calls(world, "bob");
        let answer = ann.gets(world, "503 2 INVITE");
        assert!(answer.header(Name::RetryAfter).is_some());
        assert_eq!(reason(world).1, "no_media_port");
        world.is_clean(1);
    });
}

#[test]
fn calls_above_the_bound_of_the_server_get_503() {
    let calls = CallSettings { max_calls: 1, ..CallSettings::default() };
    play_in(&Scenery { calls, ..Scenery::default() }, |world| {
        let (_, _, mut bob, _) = ringing(world);
        bob.invite_raw(world, "sip:*43@pbx.example", ("c9", "<sip:bob@pbx.example>;tag=1", 1), ("", None));
        bob.gets(world, "503 1 INVITE");
    });
}

#[test]
fn a_body_that_is_no_description_is_refused() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let call = ann.invites(world, "*43", Some("nonsense"));
        ann.gets(world, "100 2 INVITE");
        let answer = ann.gets(world, "400 2 INVITE");
        ann.follows_up(world, &call, "ACK", Some(&answer));
        assert_eq!(reason(world).1, "bad_offer");
        world.is_clean(1);
    });
}

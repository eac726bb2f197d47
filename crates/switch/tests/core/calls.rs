//! Calls from the INVITE on.

use std::time::Duration;

use crosspoint_switch::CallState;
use sip::{Message, Method, Name};

use crate::phone::{Phone, in_a_call, offer};
use crate::stage::{Scenery, play, play_in, text};

fn body(message: &Message) -> String {
    text(message.body())
}

#[test]
fn ann_calls_bob() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        ann.register(world);
        bob.register(world);
        let call = ann.calls(world, "6002");
        let invite = bob.next(world);
        assert_eq!(text(invite.request_uri()), "sip:bob@10.0.0.2:5060");
        assert_eq!(invite.from().unwrap().uri_text(), "sip:6001@pbx.example");
        assert_eq!(text(invite.header(Name::MaxForwards).unwrap()), "69");
        assert!(body(&invite).contains("c=IN IP4 192.0.2.1\r\n"), "{}", body(&invite));
        assert!(body(&invite).contains("m=audio 10004 RTP/AVP 0 101\r\n"));
        bob.answers(world, &invite, "180 Ringing", None);
        ann.gets(world, "180 2 INVITE");
        let bobs = bob.answers(world, &invite, "200 OK", Some(&offer(&bob, 1, "sendrecv")));
        bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        ann.gets_nothing(world);
        assert_eq!(world.tickets.len(), 1, "the answer waits for its open record");
        world.commit();
        let answer = ann.gets(world, "200 2 INVITE");
        assert!(body(&answer).contains("m=audio 10002 RTP/AVP 0 101\r\n"));
        let mut anns = ann.confirmed(&call, &answer);
        ann.acks(world, &anns, None);
        let view = world.calls().remove(0);
        assert_eq!((view.state, view.legs.len()), (CallState::Answered, 2));
        assert_eq!((view.from_number.as_str(), view.to_number.as_str()), ("6001", "6002"));
        assert_eq!((view.legs[0].codec.as_deref(), view.legs[0].media.packets_received), (Some("PCMU"), 50));
        assert_eq!(
            (view.legs[0].sip_call_id.as_str(), view.legs[1].sip_call_id.as_str()),
            (&*call.call_id, &*bobs.call_id)
        );
        ann.hangs_up(world, &mut anns);
        ann.gets(world, "200 3 BYE");
        let bye = bob.next(world);
        assert_eq!(bye.method(), Some(Method::Bye));
        assert_eq!(text(bye.header(Name::Reason).unwrap()), "Q.850;cause=16;text=\"caller_hung_up\"");
        bob.answers(world, &bye, "200 OK", None);
        world.is_clean(1);
        let records = world.records();
        assert_eq!(records[0].legs[1].user_agent.as_deref(), Some("Phone/2"));
        assert_eq!(records[0].legs[0].user_agent.as_deref(), Some("Phone/1"));
        assert_eq!(records[0].legs[0].packets_received, 100);
        assert_eq!(records[0].termination.as_ref().unwrap().reason, "caller_hung_up");
    });
}

#[test]
fn an_answer_waits_two_seconds_for_its_record_and_goes_out_without() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        bob.register(world);
        ann.calls(world, "bob");
        let invite = bob.next(world);
        bob.answers(world, &invite, "200 OK", Some(&offer(&bob, 1, "sendrecv")));
        world.wait(Duration::from_millis(1_999));
        ann.gets_nothing(world);
        world.wait(Duration::from_millis(1));
        ann.gets(world, "200 2 INVITE");
        assert!(world.counted.contains(&crosspoint_switch::core::Counted::Uncommitted));
    });
}

#[test]
fn all_phones_of_an_account_ring_and_one_answers() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut desk = Phone::new("bob", "10.0.0.2:5060");
        let mut soft = Phone::new("bob", "10.0.0.3:5060");
        desk.register(world);
        soft.register(world);
        ann.calls(world, "bob");
        let (to_desk, to_soft) = (desk.next(world), soft.next(world));
        assert_ne!(to_desk.call_id(), to_soft.call_id());
        desk.answers(world, &to_desk, "180 Ringing", None);
        soft.answers(world, &to_soft, "180 Ringing", None);
        ann.gets(world, "180 2 INVITE");
        ann.gets_nothing(world);
        soft.answers(world, &to_soft, "200 OK", Some(&offer(&soft, 1, "sendrecv")));
        soft.gets(world, "ACK sip:bob@10.0.0.3:5060");
        let cancel = desk.gets(world, "CANCEL sip:bob@10.0.0.2:5060");
        assert_eq!(
            text(cancel.header(Name::Reason).unwrap()),
            "SIP;cause=200;text=\"Call completed elsewhere\""
        );
        desk.answers(world, &cancel, "200 OK", None);
        desk.answers(world, &to_desk, "487 Request Terminated", None);
        desk.gets(world, "ACK sip:bob@10.0.0.2:5060");
        world.commit();
        ann.gets(world, "200 2 INVITE");
        assert_eq!(world.sessions.len(), 2, "the loser's media session is back");
    });
}

#[test]
fn early_media_reaches_the_caller() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        bob.register(world);
        ann.calls(world, "bob");
        let invite = bob.next(world);
        bob.answers(world, &invite, "183 Session Progress", Some(&offer(&bob, 1, "sendrecv")));
        let progress = ann.gets(world, "183 2 INVITE");
        assert!(body(&progress).contains("m=audio 10002 RTP/AVP 0 101\r\n"));
        bob.answers(world, &invite, "486 Busy Here", None);
        ann.gets(world, "486 2 INVITE");
        world.is_clean(1);
    });
}

#[test]
fn hold_and_resume_pass_both_ways() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        let (anns, mut bobs) = in_a_call(world, &mut ann, &mut bob);
        let hold = offer(&ann, 2, "sendonly");
        ann.says(world, &anns, ("INVITE", 3), Some(&hold));
        ann.gets(world, "100 3 INVITE");
        let passed = bob.gets(world, "INVITE sip:bob@10.0.0.2:5060");
        assert!(body(&passed).contains("a=sendonly"));
        bob.answers(world, &passed, "200 OK", Some(&offer(&bob, 2, "recvonly")));
        bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        let held = ann.gets(world, "200 3 INVITE");
        assert!(body(&held).contains("a=recvonly"));
        ann.says(world, &anns, ("ACK", 3), None);
        assert_eq!(world.calls()[0].state, CallState::Held);
        // Silence on hold is no reason to end the call.
        world.silence(1);
        world.silence(2);
        assert_eq!(world.calls().len(), 1);
        bobs.cseq = 1;
        bob.says(world, &bobs, ("INVITE", 1), Some(&offer(&bob, 3, "sendrecv")));
        bob.gets(world, "100 1 INVITE");
        let passed = ann.gets(world, "INVITE sip:ann@10.0.0.1:5060");
        ann.answers(world, &passed, "200 OK", Some(&offer(&ann, 3, "sendrecv")));
        ann.gets(world, "ACK sip:ann@10.0.0.1:5060");
        bob.gets(world, "200 1 INVITE");
        bob.says(world, &bobs, ("ACK", 1), None);
        assert_eq!(world.calls()[0].state, CallState::Answered);
        world.silence(2);
        world.is_clean(1);
    });
}

#[test]
fn offers_from_both_sides_at_once_are_glare() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        let (anns, bobs) = in_a_call(world, &mut ann, &mut bob);
        ann.says(world, &anns, ("INVITE", 3), Some(&offer(&ann, 2, "sendonly")));
        ann.gets(world, "100 3 INVITE");
        let passed = bob.gets(world, "INVITE sip:bob@10.0.0.2:5060");
        bob.says(world, &bobs, ("INVITE", 1), Some(&offer(&bob, 2, "sendonly")));
        bob.gets(world, "491 1 INVITE");
        bob.answers(world, &passed, "491 Request Pending", None);
        bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        ann.gets(world, "491 3 INVITE");
        assert_eq!(world.calls()[0].state, CallState::Answered);
    });
}

#[test]
fn a_late_offer_passes_through() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        bob.register(world);
        let call = ann.invites(world, "bob", None);
        ann.gets(world, "100 2 INVITE");
        let invite = bob.next(world);
        assert!(invite.body().is_empty());
        bob.answers(world, &invite, "200 OK", Some(&offer(&bob, 1, "sendrecv")));
        bob.gets_nothing(world);
        world.commit();
        let answer = ann.gets(world, "200 2 INVITE");
        assert!(body(&answer).contains("m=audio 10002"));
        let anns = ann.confirmed(&call, &answer);
        ann.acks(world, &anns, Some(&offer(&ann, 1, "sendrecv")));
        let ack = bob.gets(world, "ACK sip:bob@10.0.0.2:5060");
        assert!(body(&ack).contains("m=audio 10004"));
    });
}

#[test]
fn the_echo_test_answers() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let call = ann.calls(world, "*43");
        world.commit();
        let answer = ann.gets(world, "200 2 INVITE");
        assert!(body(&answer).contains("m=audio 10002 RTP/AVP 0 101\r\n"));
        let mut anns = ann.confirmed(&call, &answer);
        ann.acks(world, &anns, None);
        ann.hangs_up(world, &mut anns);
        ann.gets(world, "200 3 BYE");
        world.is_clean(1);
        assert_eq!(world.records()[0].to_number, "*43");
    });
}

#[test]
fn digits_by_info_pass_through() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        let (anns, _) = in_a_call(world, &mut ann, &mut bob);
        ann.says(world, &anns, ("INFO", 3), Some("Signal=5"));
        let info = bob.gets(world, "INFO sip:bob@10.0.0.2:5060");
        assert_eq!(body(&info), "Signal=5");
        bob.answers(world, &info, "200 OK", None);
        ann.gets(world, "200 3 INFO");
        ann.says(world, &anns, ("UPDATE", 4), None);
        ann.gets(world, "405 4 UPDATE");
    });
}

#[test]
fn calls_go_to_the_flow_a_contact_registered_on() {
    play(|world| {
        // Behind a NAT: the Via and the contact name an address of the inside.
        let outside = Phone::new("bob", "203.0.113.9:40000");
        let register = |lines: &str, n: u32| {
            format!(
                "REGISTER sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.5:5060;rport;branch=z9hG4bKn{n}\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:bob@pbx.example>;tag=1\r\nTo: <sip:bob@pbx.example>\r\nCall-ID: r\r\n\
                 CSeq: {n} REGISTER\r\nContact: <sip:bob@192.168.1.5:5060;x=y>\r\n{lines}Content-Length: 0\r\n\r\n"
            )
        };
        world.receive(outside.flow, &register("", 1));
        let challenge = outside.gets(world, "401 1 REGISTER");
        assert!(text(challenge.header(Name::Via).unwrap()).contains("received=203.0.113.9"));
        let credentials = outside.authorize(&challenge, ("REGISTER", "sip:pbx.example"), 1);
        world.receive(outside.flow, &register(&format!("Authorization: {credentials}\r\n"), 2));
        world.commit();
        outside.gets(world, "200 2 REGISTER");
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.calls(world, "bob");
        outside.gets(world, "INVITE sip:bob@192.168.1.5:5060;x=y");
    });
}

#[test]
fn without_a_nat_another_port_of_the_same_host_may_be_meant() {
    play(|world| {
        let mut bob = Phone::new("bob", "10.0.0.2:5065");
        bob.register_with(world, "r", "Contact: <sip:bob@10.0.0.2:5070>\r\n");
        world.commit();
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.calls(world, "bob");
        Phone::new("bob", "10.0.0.2:5070").gets(world, "INVITE sip:bob@10.0.0.2:5070");
        // A stranger's address in a contact is not called.
        let mut eve = Phone::new("ann", "10.0.0.1:5060");
        eve.register_with(world, "r2", "Contact: <sip:ann@198.51.100.7:5060>\r\n");
        world.commit();
        world.lose_everything();
        bob.calls(world, "ann");
        Phone::new("ann", "10.0.0.1:5060").gets(world, "INVITE sip:ann@198.51.100.7:5060");
    });
}

#[test]
fn the_path_of_a_contact_is_its_route() {
    play(|world| {
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        let lines =
            "Path: <sip:edge.example;lr>, <sip:inner.example;lr>\r\nContact: <sip:bob@192.168.1.5>\r\n";
        bob.register_with(world, "r", lines);
        world.commit();
        bob.next(world);
        Phone::new("ann", "10.0.0.1:5060").calls(world, "bob");
        let invite = bob.gets(world, "INVITE sip:bob@192.168.1.5");
        let route: Vec<_> = invite.values(Name::Route).map(text).collect();
        assert_eq!(route, ["<sip:edge.example;lr>", "<sip:inner.example;lr>"]);
    });
}

fn two_at_most(new: &mut model::NewAccount) {
    new.max_concurrent_calls = 2;
}

#[test]
fn an_account_has_so_many_calls_and_no_more() {
    let scenery = Scenery {
        accounts: vec![("ann", two_at_most), ("bob", |_| {}), ("dora", two_at_most), ("eve", |_| {})],
        ..Scenery::default()
    };
    play_in(&scenery, |world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        let mut dora = Phone::new("dora", "10.0.0.3:5060");
        bob.register(world);
        dora.register(world);
        let first = ann.calls(world, "bob");
        ann.calls(world, "bob");
        let refused = ann.calls(world, "bob");
        let answer = ann.gets(world, "486 2 INVITE");
        assert_eq!(text(answer.header(Name::Reason).unwrap()), "Q.850;cause=34;text=\"caller_limit\"");
        ann.follows_up(world, &refused, "ACK", Some(&answer));
        ann.follows_up(world, &first, "CANCEL", None);
        world.lose_everything();
        // The place is free at once, whatever bob's phone makes of its CANCEL.
        ann.calls(world, "bob");
        world.lose_everything();
        // The same for who is called.
        let mut eve = Phone::new("eve", "10.0.0.4:5060");
        eve.calls(world, "dora");
        eve.calls(world, "dora");
        eve.calls(world, "dora");
        let answer = eve.gets(world, "486 2 INVITE");
        assert_eq!(text(answer.header(Name::Reason).unwrap()), "Q.850;cause=17;text=\"callee_limit\"");
    });
}

//! Requests that are neither calls nor registrations, and what is refused at the door.

use crosspoint_switch::core::Command;
use sip::Name;

use crate::phone::Phone;
use crate::stage::{flow, play, text};

fn request(method: &str, uri: &str, lines: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\n\
         From: <sip:ann@pbx.example>;tag=1\r\nTo: <{uri}>\r\nCall-ID: o1\r\nCSeq: 1 {method}\r\n{lines}Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn options_are_answered_without_a_name() {
    play(|world| {
        let ann = Phone::new("ann", "10.0.0.1:5060");
        for uri in ["sip:pbx.example", "sip:192.0.2.1:5060", "sip:sip.pbx.example", "sip:bob@pbx.example"] {
            world.receive(ann.flow, &request("OPTIONS", uri, ""));
            let answer = ann.gets(world, "200 1 OPTIONS");
            assert_eq!(
                text(answer.header(Name::Allow).unwrap()),
                "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER"
            );
            assert_eq!(text(answer.header(Name::Accept).unwrap()), "application/sdp");
        }
        world.receive(ann.flow, &request("OPTIONS", "sip:elsewhere.example", ""));
        ann.gets(world, "404 1 OPTIONS");
        world.is_clean(0);
    });
}

#[test]
fn methods_we_do_not_have_are_refused_with_those_we_have() {
    play(|world| {
        let ann = Phone::new("ann", "10.0.0.1:5060");
        for method in ["MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "NOTIFY", "FROBNICATE"] {
            world.receive(ann.flow, &request(method, "sip:bob@pbx.example", ""));
            let answer = ann.gets(world, &format!("405 1 {method}"));
            assert!(answer.header(Name::Allow).is_some());
        }
    });
}

#[test]
fn a_register_for_a_domain_that_is_not_ours_is_not_found() {
    play(|world| {
        let from = flow("10.0.0.1:5060");
        world.receive(from, &request("REGISTER", "sip:elsewhere.example", ""));
        Phone::new("ann", "10.0.0.1:5060").gets(world, "404 1 REGISTER");
    });
}

#[test]
fn an_address_of_ours_stands_for_our_domain() {
    play(|world| {
        let ann = Phone::new("ann", "10.0.0.1:5060");
        let message = |lines: &str, n: u32| {
            format!(
                "REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa{n}\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:ann@192.0.2.1>;tag=1\r\nTo: <sip:ann@192.0.2.1>\r\nCall-ID: r\r\n\
                 CSeq: {n} REGISTER\r\nContact: <sip:ann@10.0.0.1>\r\n{lines}Content-Length: 0\r\n\r\n"
            )
        };
        world.receive(ann.flow, &message("", 1));
        let challenge = ann.gets(world, "401 1 REGISTER");
        let credentials = ann.authorize(&challenge, ("REGISTER", "sip:192.0.2.1"), 1);
        world.receive(ann.flow, &message(&format!("Authorization: {credentials}\r\n"), 2));
        world.commit();
        ann.gets(world, "200 2 REGISTER");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        bob.register(world);
        bob.calls(world, "ann");
        assert_eq!(text(ann.next(world).request_uri()), "sip:ann@10.0.0.1");
    });
}

#[test]
fn new_work_is_shed_while_something_does_not_keep_up() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        let (anns, _) = crate::phone::in_a_call(world, &mut ann, &mut bob);
        world.shed(true);
        let answer = {
            ann.register_raw(world, "r9", "");
            ann.next(world)
        };
        assert_eq!(answer.status().unwrap().as_u16(), 503);
        assert!(answer.header(Name::RetryAfter).is_some());
        bob.invite_raw(world, "sip:ann@pbx.example", ("c9", "<sip:bob@pbx.example>;tag=1", 1), ("", None));
        bob.gets(world, "503 1 INVITE");
        // What is established goes on.
        let mut anns = anns;
        ann.hangs_up(world, &mut anns);
        ann.gets(world, "200 3 BYE");
        world.shed(false);
        ann.register_raw(world, "r10", "");
        assert_eq!(ann.next(world).status().unwrap().as_u16(), 401);
    });
}

#[test]
fn a_draining_server_takes_no_new_work() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        world.command(Command::Drain);
        ann.register_raw(world, "r", "");
        ann.gets(world, "503 1 REGISTER");
        ann.invite_raw(world, "sip:*43@pbx.example", ("c", "<sip:ann@pbx.example>;tag=1", 1), ("", None));
        ann.gets(world, "503 1 INVITE");
    });
}

#[test]
fn an_extension_nobody_supports_is_refused() {
    play(|world| {
        let ann = Phone::new("ann", "10.0.0.1:5060");
        world.receive(ann.flow, &request("OPTIONS", "sip:pbx.example", "Require: gruu, path\r\n"));
        let answer = ann.gets(world, "420 1 OPTIONS");
        assert_eq!(text(answer.header(Name::Unsupported).unwrap()), "gruu");
    });
}

//! Who may: every wrong proof is refused alike.

use std::time::Duration;

use sip::digest::{Algorithm, ReceivedChallenge};
use sip::{Message, Name};

use crate::phone::Phone;
use crate::stage::{Scenery, World, first_line, play, play_in, text};

/// A REGISTER with a proof made by `forge` from the credentials that would be right; the answer.
fn tries(world: &mut World, phone: &mut Phone, forge: impl Fn(String) -> String) -> Message {
    phone.register_raw(world, "try", "");
    let challenge = phone.next(world);
    let credentials = forge(phone.authorize(&challenge, ("REGISTER", "sip:pbx.example"), 1));
    phone.register_raw(
        world,
        "try",
        &format!("Contact: <sip:x@10.0.0.9>\r\nAuthorization: {credentials}\r\n"),
    );
    phone.next(world)
}

fn challenge(answer: &Message) -> ReceivedChallenge<'_> {
    ReceivedChallenge::parse(answer.header(Name::WwwAuthenticate).unwrap()).unwrap()
}

/// A message without what differs from one to the next.
fn shape(answer: &Message) -> Vec<String> {
    let varying = [Name::WwwAuthenticate, Name::Via, Name::From, Name::To, Name::CSeq];
    let lines = answer.lines().filter(|line| !varying.contains(&line.name));
    lines.map(|line| text(line.value)).chain([format!("{:?}", answer.status())]).collect()
}

#[test]
fn unknown_account_wrong_password_foreign_realm_and_foreign_nonce_are_refused_alike() {
    play(|world| {
        let mut nobody = Phone::new("nobody", "10.0.0.9:5060");
        let mut wrong = Phone { password: "wrong", ..Phone::new("ann", "10.0.0.9:5060") };
        let mut ann = Phone::new("ann", "10.0.0.9:5060");
        let mut off = Phone::new("carl", "10.0.0.9:5060");
        let swap = |from: &'static str, to: &'static str| move |text: String| text.replace(from, to);
        let same = |text: String| text;
        let answers = [
            tries(world, &mut nobody, same),
            tries(world, &mut wrong, same),
            tries(world, &mut off, same),
            tries(world, &mut ann, swap("realm=\"pbx.example\"", "realm=\"other.example\"")),
            tries(world, &mut ann, swap("nonce=\"", "nonce=\"A")),
            tries(world, &mut ann, swap("username=\"ann\"", "username=\"bob\"")),
            tries(world, &mut ann, swap("response=\"", "response=\"0")),
            tries(world, &mut ann, swap("qop=auth", "qop=auth-int")),
            tries(world, &mut ann, swap("Digest ", "Bearer ")),
        ];
        for answer in &answers {
            assert_eq!(answer.status().unwrap().as_u16(), 401);
            assert!(!challenge(answer).stale);
            assert_eq!(shape(answer), shape(&answers[0]));
        }
        assert!(world.writes.is_empty() && world.env.shared.locations.is_empty());
    });
}

#[test]
fn nobody_registers_as_another() {
    play(|world| {
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        bob.register_raw(world, "r", "");
        let challenge = bob.next(world);
        let credentials = bob.authorize(&challenge, ("REGISTER", "sip:pbx.example"), 1);
        let message = format!(
            "REGISTER sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n\
             From: <sip:ann@pbx.example>;tag=1\r\nTo: <sip:ann@pbx.example>\r\nCall-ID: r\r\nCSeq: 9 REGISTER\r\n\
             Contact: <sip:bob@10.0.0.2>\r\nAuthorization: {credentials}\r\nContent-Length: 0\r\n\r\n"
        );
        world.receive(bob.flow, &message);
        bob.gets(world, "403 9 REGISTER");
        assert!(world.env.shared.locations.is_empty());
    });
}

#[test]
fn nobody_calls_in_the_name_of_another() {
    play(|world| {
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        let from = "<sip:ann@pbx.example>;tag=1";
        bob.invite_raw(world, "sip:*43@pbx.example", ("c", from, 1), ("", None));
        let challenge = bob.gets(world, "407 1 INVITE");
        let credentials = bob.authorize(&challenge, ("INVITE", "sip:*43@pbx.example"), 1);
        let line = format!("Proxy-Authorization: {credentials}\r\n");
        bob.invite_raw(world, "sip:*43@pbx.example", ("c", from, 2), (&line, None));
        bob.gets(world, "403 2 INVITE");
        world.is_clean(0);
    });
}

#[test]
fn an_old_nonce_is_stale_for_everybody() {
    play(|world| {
        for (user, password) in [("ann", crate::stage::PASSWORD), ("ann", "wrong"), ("nobody", "any")] {
            let mut phone = Phone { password, ..Phone::new(user, "10.0.0.1:5060") };
            phone.register_raw(world, "r", "");
            let first = phone.next(world);
            world.wait(Duration::from_secs(301));
            let credentials = phone.authorize(&first, ("REGISTER", "sip:pbx.example"), 1);
            phone.register_raw(
                world,
                "r",
                &format!("Contact: <sip:a@10.0.0.1>\r\nAuthorization: {credentials}\r\n"),
            );
            let second = phone.next(world);
            assert_eq!(second.status().unwrap().as_u16(), 401);
            assert!(challenge(&second).stale, "the nonce is old, whoever uses it");
            assert_ne!(challenge(&first).nonce, challenge(&second).nonce);
        }
    });
}

#[test]
fn a_captured_request_does_not_pass_again() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register_raw(world, "r", "");
        let first = ann.next(world);
        let mut with_count = |world: &mut World, nc: u32| {
            let credentials = ann.authorize(&first, ("REGISTER", "sip:pbx.example"), nc);
            ann.register_raw(world, "r", &format!("Authorization: {credentials}\r\n"));
            ann.next(world)
        };
        assert_eq!(with_count(world, 1).status().unwrap().as_u16(), 200);
        let replayed = with_count(world, 1);
        assert_eq!(replayed.status().unwrap().as_u16(), 401);
        assert!(challenge(&replayed).stale);
        for nc in 2..300 {
            assert_eq!(with_count(world, nc).status().unwrap().as_u16(), 200, "{nc}");
        }
    });
}

#[test]
fn every_algorithm_is_taken_whatever_is_offered() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256] {
        let scenery = Scenery { algorithms: vec![algorithm], ..Scenery::default() };
        play_in(&scenery, |world| Phone::new("ann", "10.0.0.1:5060").register(world));
    }
    let both = Scenery { algorithms: vec![Algorithm::Md5, Algorithm::Sha256], ..Scenery::default() };
    play_in(&both, |world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register_raw(world, "r", "");
        let answer = ann.next(world);
        let offered: Vec<_> = answer.headers(Name::WwwAuthenticate).map(text).collect();
        assert!(offered[0].contains("algorithm=MD5,") && offered[1].contains("algorithm=SHA-256,"));
    });
}

#[test]
fn an_invite_is_challenged_without_keeping_anything() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.invite_raw(world, "sip:bob@pbx.example", ("c", "<sip:ann@pbx.example>;tag=1", 1), ("", None));
        assert_eq!(first_line(&ann.next(world)), "407 1 INVITE");
        ann.gets_nothing(world);
        world.is_clean(0);
    });
}

//! The registrar.

use std::time::Duration;

use crosspoint_switch::{RegistrarSettings, WhenFull};
use model::Binding;
use sip::{Message, Name};
use storage::Write;

use crate::phone::Phone;
use crate::stage::{Scenery, World, play, play_in, text};

fn contacts(answer: &Message) -> Vec<String> {
    answer.values(Name::Contact).map(text).collect()
}

fn writes(world: &World) -> Vec<String> {
    let line = |write: &Write| match write {
        Write::BindingPut(binding) => format!("put {}", binding.contact),
        Write::BindingRefresh(binding) => format!("refresh {}", binding.contact),
        Write::BindingRemove { key, .. } => format!("remove {}", key.as_str()),
        other => format!("{other:?}"),
    };
    world.writes.iter().map(line).collect()
}

#[test]
fn a_new_contact_is_acknowledged_after_its_commit() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let lines = format!("Contact: {}\r\nExpires: 600\r\n", ann.contact());
        assert!(ann.register_with(world, "r1", &lines).is_none(), "no 200 before the commit");
        assert_eq!(writes(world), ["put sip:ann@10.0.0.1:5060"]);
        world.commit();
        let answer = ann.gets(world, "200 2 REGISTER");
        assert_eq!(contacts(&answer), ["<sip:ann@10.0.0.1:5060>;expires=600"]);
        world.wait(Duration::from_secs(60));
    });
}

#[test]
fn a_refresh_is_acknowledged_at_once_also_under_a_new_call_id() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register(world);
        world.wait(Duration::from_secs(100));
        let lines = format!("Contact: {}\r\nExpires: 3600\r\n", ann.contact());
        for call_id in ["reg-ann-10.0.0.1:5060", "another"] {
            let answer = ann.register_with(world, call_id, &lines).expect("a 200 at once");
            assert_eq!(answer.status().unwrap().as_u16(), 200);
            assert_eq!(contacts(&answer), ["<sip:ann@10.0.0.1:5060>;expires=3600"]);
        }
        let contact = "sip:ann@10.0.0.1:5060";
        assert_eq!(
            writes(world),
            [format!("put {contact}"), format!("refresh {contact}"), format!("refresh {contact}")]
        );
        assert!(world.tickets.is_empty());
    });
}

#[test]
fn a_refresh_of_a_contact_that_is_not_committed_yet_waits_too() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let lines = format!("Contact: {}\r\n", ann.contact());
        assert!(ann.register_with(world, "r1", &lines).is_none());
        assert!(ann.register_with(world, "r2", &lines).is_none(), "nothing acknowledged may be lost");
        world.commit();
        ann.gets(world, "200 2 REGISTER");
        ann.gets(world, "200 4 REGISTER");
        assert!(ann.register_with(world, "r3", &lines).is_some());
    });
}

#[test]
fn a_contact_that_moved_is_a_change() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register(world);
        ann.flow = crate::stage::flow("203.0.113.9:40000");
        let lines = "Contact: <sip:ann@10.0.0.1:5060>\r\n";
        assert!(ann.register_with(world, "r2", lines).is_none(), "another flow waits for its commit");
        world.commit();
        assert_eq!(contacts(&ann.next(world)).len(), 1);
        assert_eq!(writes(world).len(), 2);
    });
}

#[test]
fn several_contacts_live_beside_each_other_and_go_one_by_one_or_all() {
    play(|world| {
        let mut desk = Phone::new("ann", "10.0.0.1:5060");
        let mut soft = Phone::new("ann", "10.0.0.2:5060");
        desk.register(world);
        assert!(
            soft.register_with(
                world,
                "soft",
                "Contact: <sip:ann@10.0.0.2>;q=0.5, <sip:ann@10.0.0.2:5070>\r\n"
            )
            .is_none()
        );
        world.commit();
        let answer = soft.next(world);
        assert_eq!(
            contacts(&answer),
            [
                "<sip:ann@10.0.0.1:5060>;expires=3600",
                "<sip:ann@10.0.0.2>;expires=3600;q=0.500",
                "<sip:ann@10.0.0.2:5070>;expires=3600"
            ]
        );
        let answer = soft.register_with(world, "soft", "Contact: <sip:ann@10.0.0.2>;expires=0\r\n").unwrap();
        assert_eq!(contacts(&answer).len(), 2);
        let answer = soft.register_with(world, "soft", "").unwrap();
        assert_eq!(contacts(&answer).len(), 2, "a REGISTER without contacts only asks");
        let answer = soft.register_with(world, "soft", "Contact: *\r\nExpires: 0\r\n").unwrap();
        assert_eq!(contacts(&answer).len(), 0);
        assert!(world.env.shared.locations.is_empty());
    });
}

#[test]
fn a_register_waits_for_the_last_of_its_new_contacts() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register(world);
        let lines =
            "Contact: <sip:ann@10.0.0.1:1>, <sip:ann@10.0.0.1:5060>;expires=0, <sip:ann@10.0.0.1:2>\r\n";
        assert!(ann.register_with(world, "more", lines).is_none());
        let written = writes(world);
        assert_eq!(
            written.get(1..).unwrap(),
            ["remove uri sip:ann@10.0.0.1:5060", "put sip:ann@10.0.0.1:1", "put sip:ann@10.0.0.1:2"]
        );
        assert_eq!(world.ticket_after, written.len(), "the commit of the last write is the commit of all");
        world.commit();
        assert_eq!(contacts(&ann.next(world)).len(), 2);
    });
}

#[test]
fn a_wildcard_stands_alone_and_ends() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register(world);
        for lines in [
            "Contact: *\r\n",
            "Contact: *\r\nExpires: 60\r\n",
            "Contact: *, <sip:x@10.0.0.1>\r\nExpires: 0\r\n",
        ] {
            let answer = ann.register_with(world, "r2", lines).unwrap();
            assert_eq!(answer.status().unwrap().as_u16(), 400, "{lines}");
        }
        assert_eq!(world.env.shared.locations.len(), 1);
    });
}

#[test]
fn an_expiry_is_kept_within_its_bounds() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let answer = ann.register_with(world, "r1", "Contact: <sip:ann@10.0.0.1>;expires=59\r\n").unwrap();
        assert_eq!(answer.status().unwrap().as_u16(), 423);
        assert_eq!(answer.header(Name::MinExpires), Some(&b"60"[..]));
        ann.register_with(world, "r2", "Contact: <sip:ann@10.0.0.1>;expires=999999\r\n");
        world.commit();
        assert_eq!(contacts(&ann.next(world)), ["<sip:ann@10.0.0.1>;expires=86400"]);
    });
}

#[test]
fn one_bad_contact_leaves_all_as_they_were() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register(world);
        for (lines, status) in [
            ("Contact: <sip:ann@10.0.0.1:5060>;expires=0, <sip:b@10.0.0.1>;expires=1\r\n", 423),
            ("Contact: <sip:ann@10.0.0.1:5060>;expires=0, <mailto:b@x>\r\n", 400),
        ] {
            let answer = ann.register_with(world, "r2", lines).unwrap();
            assert_eq!(answer.status().unwrap().as_u16(), status);
        }
        assert_eq!(writes(world).len(), 1);
        assert_eq!(world.env.shared.locations.len(), 1);
    });
}

#[test]
fn what_is_older_changes_nothing() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.cseq = 10;
        ann.register_with(world, "r1", "Contact: <sip:ann@10.0.0.1>\r\n");
        world.commit();
        ann.next(world);
        // The same Call-ID with a lower CSeq: a REGISTER that was overtaken.
        let mut late = Phone::new("ann", "10.0.0.1:5060");
        late.flow.remote.set_port(5061);
        let answer = late.register_with(world, "r1", "Contact: <sip:ann@10.0.0.1>;expires=0\r\n").unwrap();
        assert_eq!(answer.status().unwrap().as_u16(), 500);
        assert_eq!(world.env.shared.locations.len(), 1);
    });
}

#[test]
fn contacts_have_an_upper_bound() {
    let few = |new: &mut model::NewAccount| new.max_contacts = 2;
    let reject = Scenery { accounts: vec![("ann", few)], ..Scenery::default() };
    play_in(&reject, |world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        for user in ["a", "b"] {
            ann.register_with(world, user, &format!("Contact: <sip:{user}@10.0.0.1>\r\n"));
            world.commit();
            ann.next(world);
        }
        let answer = ann.register_with(world, "c", "Contact: <sip:c@10.0.0.1>\r\n").unwrap();
        assert_eq!(answer.status().unwrap().as_u16(), 403);
        assert_eq!(world.env.shared.locations.len(), 2);
    });
    let registrar = RegistrarSettings { when_full: WhenFull::DropOldest, ..RegistrarSettings::default() };
    play_in(&Scenery { registrar, ..reject.clone() }, |world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        for user in ["a", "b", "c"] {
            ann.register_with(world, user, &format!("Contact: <sip:{user}@10.0.0.1>\r\n"));
            world.commit();
            let listed = contacts(&ann.next(world));
            assert!(listed.len() <= 2);
        }
        assert_eq!(writes(world).last().unwrap(), "put sip:c@10.0.0.1");
        assert!(writes(world).contains(&"remove uri sip:a@10.0.0.1".to_owned()));
    });
}

#[test]
fn an_instance_replaces_itself_wherever_it_comes_from() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let line = |uri: &str| format!("Contact: <{uri}>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n");
        ann.register_with(world, "r1", &line("sip:ann@10.0.0.1"));
        world.commit();
        ann.next(world);
        ann.register_with(world, "r2", &line("sip:ann@10.0.0.99"));
        world.commit();
        let answer = ann.next(world);
        assert_eq!(
            contacts(&answer),
            ["<sip:ann@10.0.0.99>;expires=3600;+sip.instance=\"<urn:uuid:1>\";reg-id=1"]
        );
    });
}

#[test]
fn equivalent_contacts_are_one() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register_with(world, "r1", "Contact: <sip:ann@Phone.example;transport=udp>\r\n");
        world.commit();
        ann.next(world);
        ann.register_with(world, "r2", "Contact: <sip:%61nn@phone.EXAMPLE;transport=UDP>\r\n");
        world.commit();
        assert_eq!(contacts(&ann.next(world)).len(), 1);
    });
}

#[test]
fn the_path_is_kept_and_told() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        let path = "<sip:edge1.example;lr>, <sip:edge2.example;lr>";
        ann.register_with(world, "r1", &format!("Path: {path}\r\nContact: <sip:ann@10.0.0.1>\r\n"));
        world.commit();
        let answer = ann.next(world);
        let told: Vec<_> = answer.values(Name::Path).map(text).collect();
        assert_eq!(told, ["<sip:edge1.example;lr>", "<sip:edge2.example;lr>"]);
        let Some(Write::BindingPut(binding)) = world.writes.last() else { panic!("a binding was stored") };
        assert_eq!(binding.path, told);
    });
}

#[test]
fn a_contact_nobody_refreshes_is_removed() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register_with(world, "r1", "Contact: <sip:ann@10.0.0.1>;expires=60\r\n");
        world.commit();
        ann.next(world);
        world.wait(Duration::from_secs(59));
        assert_eq!(world.env.shared.locations.len(), 1);
        world.wait(Duration::from_secs(2));
        assert!(world.env.shared.locations.is_empty());
        assert_eq!(writes(world).last().unwrap(), "remove uri sip:ann@10.0.0.1");
        world.is_clean(0);
    });
}

#[test]
fn a_database_that_is_away_is_answered_with_503_in_the_end() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        assert!(ann.register_with(world, "r1", "Contact: <sip:ann@10.0.0.1>\r\n").is_none());
        world.wait(Duration::from_secs(11));
        let answer = ann.gets(world, "503 2 REGISTER");
        assert!(answer.header(Name::RetryAfter).is_some());
        // The commit comes after all: nobody waits for it any more.
        world.commit();
        ann.gets_nothing(world);
    });
}

#[test]
fn a_repeated_register_gets_the_same_answer() {
    play(|world| {
        let mut ann = Phone::new("ann", "10.0.0.1:5060");
        ann.register(world);
        ann.register_raw(world, "r2", "");
        let challenge = ann.next(world);
        let credentials = ann.authorize(&challenge, ("REGISTER", "sip:pbx.example"), 1);
        let via = "SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKagain";
        let message = format!(
            "REGISTER sip:pbx.example SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: <sip:ann@pbx.example>;tag=1\r\n\
             To: <sip:ann@pbx.example>\r\nCall-ID: r2\r\nCSeq: 9 REGISTER\r\nContact: <sip:ann@10.0.0.1:5060>\r\n\
             Authorization: {credentials}\r\nContent-Length: 0\r\n\r\n"
        );
        world.receive(ann.flow, &message);
        let first = ann.next(world);
        assert_eq!(first.status().unwrap().as_u16(), 200);
        world.receive(ann.flow, &message);
        assert_eq!(ann.next(world).bytes(), first.bytes(), "a lost 200 is repeated, not taken for a replay");
    });
}

#[test]
fn after_a_restart_the_stored_contacts_are_called_and_refreshed() {
    play(|world| {
        let mut bob = Phone::new("bob", "10.0.0.2:5060");
        bob.register(world);
        let Some(Write::BindingPut(stored)) = world.writes.last().cloned() else {
            panic!("a binding was stored")
        };
        world.env.shared.locations.remove(stored.account);
        // Another process begins with what the database kept.
        world.env.shared.locations.load([Binding { connection: None, ..*stored }]);
        assert_eq!(world.env.shared.locations.len(), 1);
        Phone::new("ann", "10.0.0.1:5060").calls(world, "bob");
        let invite = bob.gets(world, "INVITE sip:bob@10.0.0.2:5060");
        bob.answers(world, &invite, "486 Busy Here", None);
        world.lose_everything();
        let lines = format!("Contact: {}\r\n", bob.contact());
        assert!(
            bob.register_with(world, "after", &lines).is_some(),
            "a mere refresh is acknowledged at once"
        );
    });
}

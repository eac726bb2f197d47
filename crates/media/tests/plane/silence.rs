//! Silence is told once, not on hold, and ends.

use std::time::Duration;

use crosspoint_media::{Event, Owner, Target, Tuning};
use sdp::{Direction, LegPlan};

use crate::room::{Phone, Room, rtp, settings};

const SILENCE: Duration = Duration::from_millis(50);

fn room() -> Room {
    let mut short = settings(20_000..=20_099);
    short.silence = SILENCE;
    Room::with(short, Tuning::default())
}

#[test]
fn a_leg_that_says_nothing_is_told_once_until_it_speaks() {
    let room = room();
    let phone = Phone::new(&room, 7);
    let owner = Owner { shard: 3, token: 7 };
    let session = phone.session();
    let opened = room.clock.now();
    room.media.apply(session, phone.plan(), Target::Echo).unwrap();
    let Event::Silent { owner: told, session: of, since } = room.event() else { panic!("not silent") };
    assert_eq!((told, of), (owner, session));
    assert!(since >= opened && room.clock.now().since(opened) >= SILENCE);
    assert!(room.events.recv_timeout(SILENCE * 4).is_err(), "told once");
    phone.say(&rtp(1, 1));
    assert_eq!(room.event(), Event::Resumed { owner, session });
    let spoke = room.clock.now();
    let Event::Silent { since, .. } = room.event() else { panic!("not silent again") };
    assert!(since <= spoke && room.clock.now().since(since) >= SILENCE);
}

#[test]
fn who_keeps_speaking_is_never_silent() {
    let room = room();
    let phone = Phone::new(&room, 7);
    room.media.apply(phone.session(), phone.plan(), Target::Echo).unwrap();
    let start = room.clock.now();
    let (mut last, mut longest) = (start, Duration::ZERO);
    while last.since(start) < SILENCE * 5 {
        phone.say(&rtp(1, 1));
        phone.hear();
        let now = room.clock.now();
        longest = longest.max(now.since(last));
        last = now;
    }
    // On a machine that stopped us for so long, there was a silence.
    assert!(room.events.try_recv().is_err() || longest >= SILENCE / 2);
}

#[test]
fn hold_is_no_silence() {
    let room = room();
    for (token, direction) in
        [Direction::RecvOnly, Direction::SendOnly, Direction::Inactive].into_iter().enumerate()
    {
        let held = Phone::new(&room, token as u64);
        let plan = LegPlan { direction, ..held.plan() };
        room.media.apply(held.session(), plan, Target::Echo).unwrap();
    }
    let unjoined = Phone::new(&room, 10);
    room.media.apply(unjoined.session(), unjoined.plan(), Target::Nothing).unwrap();
    // Opened later than those: had they been watched, they would be told as well.
    let watched = Phone::new(&room, 99);
    room.media.apply(watched.session(), watched.plan(), Target::Echo).unwrap();
    let Event::Silent { owner, .. } = room.event() else { panic!("not silent") };
    assert_eq!(owner.token, 99);
    assert!(room.events.recv_timeout(SILENCE).is_err(), "and nobody else");
}

#[test]
fn the_watch_begins_anew_after_hold() {
    let room = room();
    let phone = Phone::new(&room, 7);
    let held = LegPlan { direction: Direction::RecvOnly, ..phone.plan() };
    room.media.apply(phone.session(), phone.plan(), Target::Echo).unwrap();
    assert!(matches!(room.event(), Event::Silent { .. }));
    room.media.apply(phone.session(), held, Target::Echo).unwrap();
    assert!(room.events.recv_timeout(SILENCE * 3).is_err());
    let resumed = room.clock.now();
    room.media.apply(phone.session(), phone.plan(), Target::Echo).unwrap();
    let Event::Silent { since, .. } = room.event() else { panic!("not silent") };
    assert!(since >= resumed, "counted from the end of the hold");
}

#[test]
fn each_leg_has_its_own_time() {
    let room = room();
    let (first, second) = (Phone::new(&room, 1), Phone::new(&room, 2));
    for phone in [&first, &second] {
        room.media.apply(phone.session(), phone.plan(), Target::Echo).unwrap();
    }
    let told = || match room.event() {
        Event::Silent { owner, since, .. } => (since, owner.token),
        other => panic!("{other:?}"),
    };
    // Told in one go when they are due within a millisecond; then in the order of their ports.
    let mut both = [told(), told()];
    both.sort_unstable();
    let [(_, 1), (later, 2)] = both else { panic!("{both:?}") };
    first.say(&rtp(1, 1));
    first.hear();
    assert!(matches!(room.event(), Event::Resumed { owner, .. } if owner.token == 1));
    let Event::Silent { owner, since, .. } = room.event() else { panic!("not silent") };
    assert!(owner.token == 1 && since > later);
    assert!(room.events.recv_timeout(SILENCE * 2).is_err(), "the second was told of already");
}

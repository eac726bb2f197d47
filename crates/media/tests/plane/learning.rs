//! Where packets come from, and who may not take them.

use std::time::Duration;

use crosspoint_media::{Target, Tuning};
use sdp::LegPlan;

use crate::room::{
    BOUND, Phone, Room, own_address, plan, port, receive, receive_soon, rtp, sender_report, settings,
};

#[test]
fn until_the_first_packet_it_goes_where_was_signalled() {
    let room = Room::new();
    let (a, b) = room.call();
    b.say(&rtp(2, 1));
    assert_eq!(a.hear(), rtp(2, 1), "A has not said anything yet");
}

#[test]
fn a_phone_behind_nat_is_answered_where_it_comes_from() {
    let room = Room::new();
    let (a, b) = room.call();
    let outside = port(own_address());
    outside.send_to(&rtp(1, 1), a.server).unwrap();
    assert_eq!(b.hear(), rtp(1, 1));
    b.say(&rtp(2, 1));
    assert_eq!(receive(&outside), (rtp(2, 1), a.server));
    assert_eq!(room.statistics(a.session()).source, Some(outside.local_addr().unwrap()));
}

#[test]
fn without_symmetry_it_goes_where_was_signalled() {
    let room = Room::new();
    let (a, b) = (Phone::new(&room, 1), Phone::new(&room, 2));
    room.join(&a, LegPlan { symmetric: false, ..a.plan() }, &b, b.plan());
    let elsewhere = port(own_address());
    elsewhere.send_to(&rtp(1, 1), a.server).unwrap();
    assert_eq!(b.hear(), rtp(1, 1));
    b.say(&rtp(2, 1));
    assert_eq!(a.hear(), rtp(2, 1));
}

#[test]
fn a_stranger_cannot_take_a_stream_that_has_its_source() {
    let room = Room::new();
    let (a, b) = room.call();
    a.say(&rtp(1, 1));
    assert_eq!(b.hear(), rtp(1, 1));
    let stranger = port(own_address());
    for sequence in 2..12 {
        stranger.send_to(&rtp(0xbad, sequence), a.server).unwrap();
        a.say(&rtp(1, sequence));
        assert_eq!(b.hear(), rtp(1, sequence), "only the phone's own packets");
        b.say(&rtp(2, sequence));
        assert_eq!(a.hear(), rtp(2, sequence), "and it alone hears the other");
    }
    assert!(receive_soon(&stranger).is_none());
    let stats = room.statistics(a.session());
    assert_eq!((stats.dropped.source, stats.ssrc_changes, stats.packets_received), (10, 0, 11));
}

#[test]
fn a_stranger_who_comes_first_loses_to_a_better_fit() {
    let room = Room::new();
    let (a, b) = room.call();
    let stranger = port(own_address());
    stranger.send_to(&rtp(0xbad, 1), a.server).unwrap();
    assert_eq!(b.hear(), rtp(0xbad, 1), "nobody knows better yet");
    a.say(&rtp(1, 1));
    assert_eq!(b.hear(), rtp(1, 1), "the signalled address wins within the window");
    b.say(&rtp(2, 1));
    assert_eq!(a.hear(), rtp(2, 1));
    stranger.send_to(&rtp(0xbad, 2), a.server).unwrap();
    a.say(&rtp(1, 2));
    assert_eq!(b.hear(), rtp(1, 2));
}

#[test]
fn a_stranger_who_comes_first_loses_to_where_the_signalling_comes_from() {
    let room = Room::new();
    let (a, b) = (Phone::new(&room, 1), Phone::new(&room, 2));
    let outside = port(own_address());
    let private = plan(Some("10.255.255.1:4000".parse().unwrap()), None);
    let signalling_source = Some(outside.local_addr().unwrap().ip());
    room.join(&a, LegPlan { signalling_source, ..private }, &b, b.plan());
    port(own_address()).send_to(&rtp(0xbad, 1), a.server).unwrap();
    assert_eq!(b.hear(), rtp(0xbad, 1));
    outside.send_to(&rtp(1, 1), a.server).unwrap();
    assert_eq!(b.hear(), rtp(1, 1));
    b.say(&rtp(2, 1));
    assert_eq!(receive(&outside).0, rtp(2, 1));
}

#[test]
fn after_the_window_no_fit_is_good_enough() {
    let mut short = settings(20_000..=20_999);
    short.learning = Duration::ZERO;
    let room = Room::with(short, Tuning { takeover: BOUND * 20, ..Tuning::default() });
    let (a, b) = room.call();
    let outside = port(own_address());
    outside.send_to(&rtp(1, 1), a.server).unwrap();
    assert_eq!(b.hear(), rtp(1, 1));
    a.say(&rtp(0xbad, 2));
    outside.send_to(&rtp(1, 3), a.server).unwrap();
    assert_eq!(b.hear(), rtp(1, 3), "even the signalled address comes too late");
}

#[test]
fn a_source_that_moved_is_followed_once_the_old_one_is_silent() {
    let takeover = Duration::from_millis(80);
    let mut short = settings(20_000..=20_999);
    short.learning = Duration::ZERO;
    let room = Room::with(short, Tuning { takeover, ..Tuning::default() });
    let (a, b) = room.call();
    let before = room.clock.now();
    a.say(&rtp(1, 1));
    assert_eq!(b.hear(), rtp(1, 1));
    let moved = port(own_address());
    let mut tries = 0;
    let heard = loop {
        tries += 1;
        moved.send_to(&rtp(1, 1 + tries), a.server).unwrap();
        if let Some(heard) = receive_soon(&b.rtp) {
            break heard;
        }
        assert!(room.clock.now().since(before) < BOUND, "never followed");
    };
    assert!(room.clock.now().since(before) >= takeover, "followed after {tries} packets already");
    assert!((2..=1 + tries).any(|sequence| heard == rtp(1, sequence)));
    b.say(&rtp(2, 1));
    assert_eq!(receive(&moved).0, rtp(2, 1));
}

#[test]
fn a_new_address_in_signalling_is_learned_anew() {
    let room = Room::new();
    let (a, b) = room.call();
    a.say(&rtp(1, 1));
    assert_eq!(b.hear(), rtp(1, 1));
    let moved = port(own_address());
    room.media
        .apply(a.session(), plan(Some(moved.local_addr().unwrap()), None), Target::Peer(b.session()))
        .unwrap();
    b.say(&rtp(2, 1));
    assert_eq!(receive(&moved).0, rtp(2, 1), "at once to the new one");
    a.say(&rtp(1, 2));
    assert_eq!(b.hear(), rtp(1, 2), "a late packet of the old one");
    moved.send_to(&rtp(1, 3), a.server).unwrap();
    assert_eq!(b.hear(), rtp(1, 3));
    a.say(&rtp(1, 4));
    moved.send_to(&rtp(1, 5), a.server).unwrap();
    assert_eq!(b.hear(), rtp(1, 5), "the old one is a stranger now");
}

#[test]
fn reports_are_learned_like_the_stream() {
    let room = Room::new();
    let (a, b) = room.call();
    let outside = port(own_address());
    let server = (room.addr, a.server.port() + 1);
    outside.send_to(&sender_report(1, 1), server).unwrap();
    assert_eq!(b.read_report(), sender_report(1, 1));
    b.report(&sender_report(2, 2));
    assert_eq!(receive(&outside).0, sender_report(2, 2));
    a.report(&sender_report(1, 3));
    assert_eq!(b.read_report(), sender_report(1, 3), "the signalled address fits better");
    outside.send_to(&sender_report(0xbad, 4), server).unwrap();
    a.report(&sender_report(1, 5));
    assert_eq!(b.read_report(), sender_report(1, 5));
    assert_eq!(room.statistics(a.session()).dropped.source, 1);
}

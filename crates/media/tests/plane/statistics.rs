//! What is counted, by what was sent.

use std::time::Duration;

use crosspoint_media::{Dropped, Event, Owner, Target};

use crate::room::{BOUND, Phone, Room, own_address, port, receiver_report, rtp, sender_report};

#[test]
fn loss_reordering_and_changes_are_counted() {
    let room = Room::new();
    let (a, b) = room.call();
    for sequence in [1, 2, 5, 4, 4, 6] {
        a.say(&rtp(1, sequence));
        assert_eq!(b.hear(), rtp(1, sequence));
    }
    a.say(&rtp(0x99, 30_000));
    assert_eq!(b.hear(), rtp(0x99, 30_000));
    let stats = room.statistics(a.session());
    assert_eq!((stats.packets_received, stats.bytes_received), (7, 7 * 160));
    assert_eq!((stats.lost, stats.out_of_order, stats.duplicates, stats.ssrc_changes), (1, 1, 1, 1));
    assert_eq!(stats.source, Some(a.rtp.local_addr().unwrap()));
    assert_eq!(stats.payload, Some(0));
    let stats = room.statistics(b.session());
    assert_eq!((stats.packets_sent, stats.bytes_sent, stats.packets_received), (7, 7 * 160, 0));
    assert_eq!((stats.source, stats.payload), (None, None));
}

#[test]
fn jitter_is_what_the_arrival_differs_from_the_timestamps() {
    let room = Room::new();
    let (a, b) = room.call();
    // Sent at once, stamped 20 ms apart: each transit time is about 20 ms shorter than the one before.
    for sequence in 0..200 {
        a.say(&rtp(1, sequence));
        b.hear();
    }
    let jitter = room.statistics(a.session()).jitter_us;
    // Near 20 ms; the machine may have stopped us now and then.
    assert!((5_000..=200_000).contains(&jitter), "{jitter} µs");
}

#[test]
fn what_is_not_relayed_is_counted_by_its_reason() {
    let room = Room::new();
    let (a, b) = room.call();
    a.say(&rtp(1, 1));
    b.hear();
    a.say(b"hello");
    a.say(&[0x40; 172]);
    a.say(&[&[0x80, 0][..], &[0; 2_047]].concat());
    a.say(&[&[0x80, 8][..], &[0; 170]].concat());
    a.say(&[&[0x80, 72][..], &[0; 170]].concat());
    port(own_address()).send_to(&rtp(0xbad, 1), a.server).unwrap();
    a.report(b"not a report at all");
    a.report(&sender_report(1, 1));
    b.read_report();
    a.say(&rtp(1, 2));
    assert_eq!(b.hear(), rtp(1, 2), "nothing of all that came through");
    let expected = Dropped { junk: 4, payload: 2, source: 1, ..Dropped::default() };
    assert_eq!(room.statistics(a.session()).dropped, expected);
    assert_eq!(room.media.counters().packets_dropped, 7);
}

#[test]
fn the_longest_datagram_that_passes_has_2048_bytes() {
    let room = Room::new();
    let (a, b) = room.call();
    let long = [&[0x80, 0][..], &[7; 2_046]].concat();
    a.say(&long);
    assert_eq!(b.hear(), long);
}

#[test]
fn packets_before_the_plan_are_dropped() {
    let room = Room::new();
    let (a, b) = (Phone::new(&room, 1), Phone::new(&room, 2));
    // Nothing but the packet wakes the worker.
    a.say(&rtp(1, 1));
    room.wait_for(|| room.media.counters().packets_dropped == 1);
    assert_eq!(room.statistics(a.session()).dropped.no_peer, 1);
    room.join(&a, a.plan(), &b, b.plan());
    a.say(&rtp(1, 2));
    assert_eq!(b.hear(), rtp(1, 2));
}

#[test]
fn the_round_trip_is_measured_from_reports_that_pass() {
    let room = Room::new();
    let (a, b) = room.call();
    a.report(&sender_report(1, 0x0000_1234_5678_0000));
    assert_eq!(b.read_report(), sender_report(1, 0x0000_1234_5678_0000));
    let answer = receiver_report((-3_i32).cast_unsigned(), 0x1234_5678, 0);
    b.report(&answer);
    assert_eq!(a.read_report(), answer);
    let stats = room.statistics(b.session());
    assert_eq!(stats.remote_lost, Some(-3));
    let trip = Duration::from_micros(stats.round_trip_us.unwrap());
    assert!(trip < BOUND, "{trip:?}");
    assert_eq!(room.statistics(a.session()).round_trip_us, None, "A has not answered a report");
}

#[test]
fn the_end_tells_the_final_statistics() {
    let room = Room::new();
    let (a, b) = room.call();
    for sequence in [1, 3] {
        a.say(&rtp(1, sequence));
        b.hear();
    }
    room.media.release(a.session());
    let Event::Released { owner, session, stats } = room.event() else { panic!("not released") };
    assert_eq!((owner, session), (Owner { shard: 3, token: 1 }, a.session()));
    assert_eq!((stats.packets_received, stats.lost), (2, 1));
    b.say(&rtp(2, 1));
    room.wait_for(|| room.statistics(b.session()).dropped.no_peer == 1);
}

#[test]
fn without_a_target_packets_are_counted_only() {
    let room = Room::new();
    let phone = Phone::new(&room, 1);
    room.media.apply(phone.session(), phone.plan(), Target::Nothing).unwrap();
    phone.say(&rtp(1, 1));
    room.wait_for(|| room.statistics(phone.session()).dropped.no_peer == 1);
    assert_eq!(room.statistics(phone.session()).packets_received, 1);
}

//! Packets between two legs, by their bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use clock::SystemClock;
use crosspoint_media::{Error, Event, Media, Owner, Sink, Target, Tuning};
use sdp::Direction;

use crate::room::{BOUND, Phone, Room, plan, port, receive, rtp, sender_report, settings};

#[test]
fn packets_go_both_ways_unchanged() {
    let room = Room::new();
    let (a, b) = room.call();
    // Marker, one CSRC, an extension, padding: nothing of it is touched.
    let mut rich = vec![0xb1, 0x80 | 101, 0x12, 0x34, 0, 0, 0, 160, 1, 2, 3, 4, 0, 0, 0, 9];
    rich.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4, 5, 0x8a, 3, 0x20, 0, 0, 0, 4]);
    a.say(&rich);
    assert_eq!(b.hear(), rich);
    for sequence in [65_534, 65_535, 0, 1] {
        a.say(&rtp(0xaaaa, sequence));
        assert_eq!(b.hear(), rtp(0xaaaa, sequence));
        b.say(&rtp(0xbbbb, sequence));
        assert_eq!(a.hear(), rtp(0xbbbb, sequence));
    }
}

#[test]
fn ten_thousand_packets_pass_in_order_without_loss() {
    let room = Room::new();
    let (a, b) = room.call();
    // As many on the way as the socket buffers hold with ease.
    const WINDOW: u16 = 32;
    for round in 0..(5_000 / WINDOW + 1) {
        let sequences = round * WINDOW..(round + 1) * WINDOW;
        for sequence in sequences.clone() {
            a.say(&rtp(1, sequence));
            b.say(&rtp(2, sequence));
        }
        for sequence in sequences {
            assert_eq!(b.hear(), rtp(1, sequence));
            assert_eq!(a.hear(), rtp(2, sequence));
        }
    }
    for (phone, sent) in [(&a, 5_024), (&b, 5_024)] {
        let stats = room.statistics(phone.session());
        assert_eq!((stats.packets_received, stats.packets_sent), (sent, sent));
        assert_eq!((stats.lost, stats.out_of_order, stats.dropped.total()), (0, 0, 0));
        assert_eq!(stats.bytes_received, sent * 160);
    }
    let counters = room.media.counters();
    assert_eq!(
        (counters.packets_received, counters.packets_sent, counters.packets_dropped),
        (10_048, 10_048, 0)
    );
}

#[test]
fn reports_go_both_ways_unchanged() {
    let room = Room::new();
    let (a, b) = room.call();
    a.report(&sender_report(1, 77));
    assert_eq!(b.read_report(), sender_report(1, 77));
    b.report(&sender_report(2, 78));
    assert_eq!(a.read_report(), sender_report(2, 78));
    assert_eq!(room.statistics(a.session()).rtcp_received, 1);
    assert_eq!(room.statistics(a.session()).rtcp_sent, 1);
}

#[test]
fn muxed_reports_share_the_port_towards_that_side_only() {
    let room = Room::new();
    let (a, b) = (Phone::new(&room, 1), Phone::new(&room, 2));
    let muxed = sdp::LegPlan { rtcp_mux: true, ..a.plan() };
    room.join(&a, muxed, &b, b.plan());
    a.say(&sender_report(1, 77));
    assert_eq!(b.read_report(), sender_report(1, 77));
    b.report(&sender_report(2, 78));
    assert_eq!(a.hear(), sender_report(2, 78));
}

#[test]
fn a_held_side_gets_nothing_and_the_holder_is_still_heard() {
    let room = Room::new();
    let (a, b) = room.call();
    // A holds with music: it sends and takes nothing.
    let towards = |phone: &Phone, direction| sdp::LegPlan { direction, ..phone.plan() };
    room.join(&a, towards(&a, Direction::RecvOnly), &b, towards(&b, Direction::SendOnly));
    b.say(&rtp(2, 1));
    a.say(&rtp(1, 1));
    assert_eq!(b.hear(), rtp(1, 1));
    // Reports go on (RFC 3264 §5.1).
    b.report(&sender_report(2, 1));
    assert_eq!(a.read_report(), sender_report(2, 1));
    assert_eq!(room.statistics(b.session()).dropped.held, 1);
    room.join(&a, a.plan(), &b, b.plan());
    b.say(&rtp(2, 2));
    assert_eq!(a.hear(), rtp(2, 2), "and not the packet of the hold");
}

#[test]
fn inactive_stops_both_ways() {
    let room = Room::new();
    let (a, b) = room.call();
    let still = |phone: &Phone| sdp::LegPlan { direction: Direction::Inactive, ..phone.plan() };
    room.join(&a, still(&a), &b, still(&b));
    a.say(&rtp(1, 1));
    a.report(&sender_report(1, 1));
    assert_eq!(b.read_report(), sender_report(1, 1));
    let stats = room.statistics(a.session());
    assert_eq!((stats.packets_received, stats.dropped.held), (1, 1));
    assert_eq!(room.statistics(b.session()).packets_sent, 0);
}

#[test]
fn echo_sends_back_under_another_ssrc_and_keeps_reports() {
    let room = Room::new();
    let phone = Phone::new(&room, 1);
    room.media.apply(phone.session(), phone.plan(), Target::Echo).unwrap();
    phone.report(&sender_report(0x1234, 1));
    for sequence in 1..=3 {
        phone.say(&rtp(0x1234, sequence));
        let back = phone.hear();
        let (sent, back) = (rtp(0x1234, sequence), back.as_slice());
        assert_eq!(back.get(..8), sent.get(..8), "sequence, timestamp, payload type");
        assert_ne!(back.get(8..12), sent.get(8..12), "the SSRC");
        assert_eq!(back.get(12..), sent.get(12..), "the sound");
    }
    let stats = room.statistics(phone.session());
    assert_eq!((stats.packets_received, stats.packets_sent), (3, 3));
    assert_eq!((stats.rtcp_received, stats.rtcp_sent), (1, 0));
}

#[test]
fn legs_over_ipv6_and_ipv4_are_joined() {
    let mut six = settings(21_000..=21_099);
    six.bind = "::".parse().unwrap();
    let room = Room::with(six, Tuning::default());
    let (a, b) = (room.reserve(1), room.reserve(2));
    let (over_six, over_four) = (port("::1".parse().unwrap()), port("127.0.0.1".parse().unwrap()));
    let towards = |socket: &std::net::UdpSocket| plan(Some(socket.local_addr().unwrap()), None);
    room.media.apply(a.session, towards(&over_six), Target::Peer(b.session)).unwrap();
    room.media.apply(b.session, towards(&over_four), Target::Peer(a.session)).unwrap();
    over_six.send_to(&rtp(1, 1), ("::1", a.rtp_port)).unwrap();
    let from_b: SocketAddr = ([127, 0, 0, 1], b.rtp_port).into();
    assert_eq!(receive(&over_four), (rtp(1, 1), from_b));
    over_four.send_to(&rtp(2, 1), from_b).unwrap();
    assert_eq!(receive(&over_six).0, rtp(2, 1));
    assert_eq!(
        room.statistics(b.session).source,
        Some(over_four.local_addr().unwrap()),
        "not a mapped address"
    );
}

#[test]
fn a_leg_can_be_joined_to_another_later() {
    let room = Room::new();
    let (a, b) = room.call();
    a.say(&rtp(1, 1));
    assert_eq!(b.hear(), rtp(1, 1));
    let c = Phone::new(&room, 3);
    room.media.release(b.session());
    room.join(&a, a.plan(), &c, c.plan());
    a.say(&rtp(1, 2));
    assert_eq!(c.hear(), rtp(1, 2));
    c.say(&rtp(3, 1));
    assert_eq!(a.hear(), rtp(3, 1));
    assert!(matches!(room.event(), Event::Released { session, .. } if session == b.session()));
}

#[test]
fn a_group_stays_on_one_worker_and_groups_are_spread() {
    let room =
        Room::with(crosspoint_media::Settings { workers: 4, ..settings(20_000..=20_999) }, Tuning::default());
    let reserve = |group| room.media.reserve(group, Owner::default()).unwrap().session;
    let mut refused = 0;
    for group in 0..32 {
        let (first, second, other) = (reserve(group), reserve(group), reserve(group + 1));
        room.media.apply(first, plan(None, None), Target::Peer(second)).unwrap();
        match room.media.apply(first, plan(None, None), Target::Peer(other)) {
            Err(Error::OtherGroup) => refused += 1,
            Ok(()) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 16, "neighbouring groups landed on the same worker {} times of 32", 32 - refused);
}

/// Tells each event, then waits to be let go.
struct Gate(std::sync::mpsc::SyncSender<Event>, std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl Sink for Gate {
    fn media_event(&self, event: Event) {
        self.0.try_send(event).unwrap();
        let _ = self.1.lock().unwrap().recv_timeout(BOUND);
    }
}

#[test]
fn a_worker_that_is_behind_refuses_commands_but_never_a_release() {
    let (open, gate) = sync_channel(2_000);
    let (sender, events) = sync_channel(2_000);
    let sink = Arc::new(Gate(sender, gate.into()));
    let media = Media::start(settings(20_000..=20_099), sink, SystemClock::new()).unwrap();
    // Dropped before the plane, should this test fail: its worker is let go.
    let open = open;
    let session = media.reserve(1, Owner::default()).unwrap().session;
    media.query(session).unwrap();
    assert!(matches!(events.recv_timeout(BOUND), Ok(Event::Statistics { .. })), "now it waits at the gate");
    let refused = (0..2_000).filter(|_| matches!(media.query(session), Err(Error::Busy))).count();
    assert_eq!(refused, 2_000 - 1_024);
    assert!(matches!(media.reserve(1, Owner::default()), Err(Error::Busy)));
    assert_eq!(media.ports_in_use(), 2, "the refused session's ports are back");
    media.release(session);
    drop(open);
    for _ in 0..1_024 {
        assert!(matches!(events.recv_timeout(BOUND), Ok(Event::Statistics { .. })));
    }
    assert!(matches!(events.recv_timeout(BOUND), Ok(Event::Released { .. })));
}

/// Panics at the first event.
struct Faulty;

impl Sink for Faulty {
    fn media_event(&self, _: Event) {
        panic!("on purpose, in a test");
    }
}

#[test]
fn a_panic_costs_the_command_at_hand_and_not_the_worker() {
    let room_settings = settings(20_000..=20_099);
    let addr = room_settings.bind;
    let media = Media::start(room_settings, Arc::new(Faulty), SystemClock::new()).unwrap();
    let reserved = media.reserve(1, Owner::default()).unwrap();
    let phone = port(addr);
    media.query(reserved.session).unwrap();
    media.apply(reserved.session, plan(Some(phone.local_addr().unwrap()), None), Target::Echo).unwrap();
    phone.send_to(&rtp(1, 1), (addr, reserved.rtp_port)).unwrap();
    assert_eq!(receive(&phone).0.len(), 172);
    assert_eq!(media.counters().panics, 1);
}

#[test]
fn no_command_is_slept_over() {
    let room = Room::new();
    let session = room.reserve(1).session;
    // Each finds the worker falling asleep or just asleep.
    for _ in 0..5_000 {
        assert_eq!(room.statistics(session).packets_received, 0);
    }
}

#[test]
fn mutated_datagrams_harm_nobody() {
    let room = Room::new();
    let (a, b) = room.call();
    let mut random = clock::Random::seeded(7);
    for round in 0..2_000 {
        for mut bytes in [rtp(1, round), sender_report(1, round.into())] {
            for _ in 0..=random.below(6) {
                let at = random.below(20) as usize;
                bytes.get_mut(at).into_iter().for_each(|byte| *byte = random.u64() as u8);
            }
            bytes.truncate(random.below(180) as usize);
            a.say(&bytes);
            a.report(&bytes);
        }
        b.say(&rtp(2, round));
        assert_eq!(a.hear(), rtp(2, round), "the other way is not disturbed");
    }
    let counters = room.media.counters();
    assert_eq!(counters.panics, 0);
    assert!(counters.packets_dropped > 1_000 && counters.packets_sent > 2_000, "{counters:?}");
}

//! Ports: taken, returned, rested, never given twice.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use clock::SystemClock;
use crosspoint_media::{Error, Event, Media, Owner, SessionId, Sink, Target, Tuning};

use crate::room::{BOUND, Phone, Room, plan, rtp, settings};

fn tuned(pairs: u16, quarantine: Duration) -> Room {
    Room::with(settings(20_000..=19_999 + pairs * 2), Tuning { quarantine, ..Tuning::default() })
}

fn reserve(room: &Room) -> Result<crosspoint_media::Reserved, Error> {
    room.media.reserve(1, Owner::default())
}

#[test]
fn ports_are_even_and_each_is_given_once_in_no_order() {
    let room = tuned(50, Duration::ZERO);
    let given: Vec<u16> = (0..50).map(|token| room.reserve(token).rtp_port).collect();
    let sorted: BTreeSet<u16> = given.iter().copied().collect();
    assert_eq!(sorted, (20_000..20_100).step_by(2).collect());
    assert!(!given.is_sorted(), "they cannot be guessed from one another");
    assert_eq!(room.media.ports_in_use(), 100);
}

#[test]
fn when_all_are_in_use_the_error_says_so() {
    let room = tuned(2, Duration::ZERO);
    let kept = (reserve(&room).unwrap(), reserve(&room).unwrap());
    let error = reserve(&room).unwrap_err();
    assert!(matches!(error, Error::NoFreePort { pairs: 2, in_use: 2, .. }), "{error:?}");
    let text = "no free pair of media ports in 20000-20003: 2 of 2 pairs in use; widen [media] ports";
    assert_eq!(error.to_string(), text);
    assert_ne!(kept.0.rtp_port, kept.1.rtp_port);
}

#[test]
fn a_released_pair_rests_before_it_is_used_again() {
    let quarantine = Duration::from_millis(60);
    let room = tuned(1, quarantine);
    let first = reserve(&room).unwrap();
    let before = room.clock.now();
    room.media.release(first.session);
    assert!(matches!(room.event(), Event::Released { session, .. } if session == first.session));
    assert_eq!(room.media.ports_in_use(), 0);
    assert!(UdpSocket::bind((room.addr, first.rtp_port)).is_ok(), "closed, if not yet free for us");
    let second = loop {
        match reserve(&room) {
            Ok(second) => break second,
            Err(Error::NoFreePort { .. }) => {
                assert!(room.clock.now().since(before) < BOUND, "never free again")
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert!(room.clock.now().since(before) >= quarantine);
    assert_eq!(second.rtp_port, first.rtp_port);
    assert_ne!(second.session, first.session);
}

#[test]
fn an_old_id_means_nothing_to_the_new_session_on_its_ports() {
    let room = tuned(1, Duration::ZERO);
    let old = room.reserve(1);
    room.media.release(old.session);
    assert!(matches!(room.event(), Event::Released { .. }));
    let phone = Phone::new(&room, 2);
    assert_eq!(phone.reserved.rtp_port, old.rtp_port, "the same ports");
    room.media.apply(phone.session(), phone.plan(), Target::Echo).unwrap();
    room.media.release(old.session);
    let stale = [
        room.media.apply(old.session, plan(None, None), Target::Nothing),
        room.media.query(old.session),
        room.media.apply(phone.session(), phone.plan(), Target::Peer(old.session)),
        room.media.query(SessionId::from_u64(u64::MAX)),
        room.media.query(SessionId::from_u64(0)),
    ];
    for outcome in stale {
        assert!(matches!(outcome, Err(Error::UnknownSession)), "{outcome:?}");
    }
    phone.say(&rtp(1, 1));
    assert_eq!(phone.hear().len(), 172, "the new session is untouched");
    assert_eq!(room.media.ports_in_use(), 2);
}

#[test]
fn releasing_twice_ends_it_once() {
    let room = tuned(4, Duration::ZERO);
    let (one, two) = (room.reserve(1), room.reserve(2));
    room.media.release(one.session);
    room.media.release(one.session);
    room.media.release(two.session);
    let ended = [room.event(), room.event()].map(|event| match event {
        Event::Released { owner, .. } => owner.token,
        other => panic!("{other:?}"),
    });
    assert_eq!(ended, [1, 2]);
    assert_eq!(room.media.ports_in_use(), 0);
    assert_eq!(room.media.counters().sessions, 0);
}

#[test]
fn ports_of_other_programs_are_passed_over() {
    let plain = settings(20_000..=20_007);
    let _rtp = UdpSocket::bind((plain.bind, 20_002)).unwrap();
    let _rtcp = UdpSocket::bind((plain.bind, 20_005)).unwrap();
    let room = Room::with(plain, Tuning::default());
    let mut given = [reserve(&room).unwrap().rtp_port, reserve(&room).unwrap().rtp_port];
    given.sort_unstable();
    assert_eq!(given, [20_000, 20_006]);
    assert!(matches!(reserve(&room), Err(Error::NoFreePort { in_use: 2, .. })));
    assert!(UdpSocket::bind((room.addr, 20_004)).is_ok(), "the half that was bound is closed again");
}

#[test]
fn a_thousand_sessions_leave_nothing_behind() {
    let room = tuned(8, Duration::ZERO);
    let descriptors = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let before = descriptors();
    for round in 0..125 {
        let sessions: Vec<_> = (0..8).map(|token| room.reserve(round * 8 + token).session).collect();
        sessions.iter().for_each(|session| room.media.release(*session));
        for _ in &sessions {
            assert!(matches!(room.event(), Event::Released { .. }));
        }
    }
    assert_eq!(room.media.ports_in_use(), 0);
    // Other tests of this program open sockets meanwhile; a thousand leaked pairs would stand out.
    assert!(descriptors() < before + 1_000);
}

struct Nobody;

impl Sink for Nobody {
    fn media_event(&self, _: Event) {}
}

#[test]
fn a_range_without_a_pair_is_refused_at_the_start() {
    let start = |ports| {
        let settings = crosspoint_media::Settings { ports, ..settings(1..=1) };
        Media::start(settings, Arc::new(Nobody), SystemClock::new()).map(|_| ())
    };
    for ports in [20_001..=20_002, 20_000..=20_000, 65_535..=65_535, RangeInclusive::new(3, 2)] {
        assert!(matches!(start(ports.clone()), Err(Error::NoPorts(_))), "{ports:?}");
    }
    assert!(start(20_001..=20_003).is_ok(), "20002 and 20003");
    assert!(start(0..=65_535).is_ok());
}

#[test]
fn stopping_closes_all_ports() {
    let room = tuned(4, Duration::ZERO);
    let port = room.reserve(1).rtp_port;
    assert!(UdpSocket::bind((room.addr, port)).is_err());
    let addr = room.addr;
    room.media.stop();
    assert!(UdpSocket::bind((addr, port)).is_ok());
    assert!(room.events.try_recv().is_err(), "no event of the end");
}

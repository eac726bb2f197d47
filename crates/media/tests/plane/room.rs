//! A media plane with its events, and phones around it.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use clock::SystemClock;
use crosspoint_media::{
    Event, LegStatistics, Media, Owner, Reserved, SessionId, Settings, Sink, Target, Tuning,
};
use sdp::{Direction, LegPlan};

/// Longer than anything takes here.
pub(crate) const BOUND: Duration = Duration::from_secs(5);

struct Channel(SyncSender<Event>);

impl Sink for Channel {
    fn media_event(&self, event: Event) {
        self.0.try_send(event).unwrap();
    }
}

/// A media plane on an address of its own.
pub(crate) struct Room {
    pub(crate) media: Media,
    pub(crate) events: Receiver<Event>,
    pub(crate) addr: IpAddr,
    pub(crate) clock: SystemClock,
}

/// An address in 127.0.0.0/8 that no other test has.
pub(crate) fn own_address() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let slot = (std::process::id() % 250) as u8;
    IpAddr::V4(Ipv4Addr::new(127, 83, slot, NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// Settings with one worker, and silence far away.
pub(crate) fn settings(ports: RangeInclusive<u16>) -> Settings {
    Settings { bind: own_address(), ports, workers: 1, silence: BOUND * 20, learning: BOUND * 20 }
}

impl Room {
    pub(crate) fn new() -> Room {
        Room::with(settings(20_000..=20_999), Tuning::default())
    }

    pub(crate) fn with(settings: Settings, tuning: Tuning) -> Room {
        let (sender, events) = sync_channel(1_024);
        let clock = SystemClock::new();
        let addr = settings.bind;
        let media = Media::start_tuned(settings, tuning, Arc::new(Channel(sender)), clock).unwrap();
        Room { media, events, addr, clock }
    }

    pub(crate) fn reserve(&self, token: u64) -> Reserved {
        self.media.reserve(1, Owner { shard: 3, token }).unwrap()
    }

    /// Two phones, joined both ways with plans of what they would signal.
    pub(crate) fn call(&self) -> (Phone, Phone) {
        let (a, b) = (Phone::new(self, 1), Phone::new(self, 2));
        self.join(&a, a.plan(), &b, b.plan());
        (a, b)
    }

    pub(crate) fn join(&self, a: &Phone, a_plan: LegPlan, b: &Phone, b_plan: LegPlan) {
        self.media.apply(a.session(), a_plan, Target::Peer(b.session())).unwrap();
        self.media.apply(b.session(), b_plan, Target::Peer(a.session())).unwrap();
    }

    pub(crate) fn event(&self) -> Event {
        self.events.recv_timeout(BOUND).unwrap()
    }

    /// Asks again until it is so.
    pub(crate) fn wait_for(&self, mut is_so: impl FnMut() -> bool) {
        let start = self.clock.now();
        while !is_so() {
            assert!(self.clock.now().since(start) < BOUND, "did not come");
        }
    }

    /// The statistics of a session, asked for now.
    pub(crate) fn statistics(&self, session: SessionId) -> LegStatistics {
        self.media.query(session).unwrap();
        match self.event() {
            Event::Statistics { session: of, stats, owner } if of == session => {
                assert_eq!(owner.shard, 3);
                stats
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A phone's RTP and RTCP ports and the session that faces it.
pub(crate) struct Phone {
    pub(crate) rtp: UdpSocket,
    pub(crate) rtcp: UdpSocket,
    pub(crate) reserved: Reserved,
    /// Where the server takes its RTP.
    pub(crate) server: SocketAddr,
}

impl Phone {
    /// A phone on the room's own address, and a session for it.
    pub(crate) fn new(room: &Room, token: u64) -> Phone {
        let reserved = room.reserve(token);
        let server = SocketAddr::new(room.addr, reserved.rtp_port);
        Phone { rtp: port(room.addr), rtcp: port(room.addr), reserved, server }
    }

    pub(crate) fn session(&self) -> SessionId {
        self.reserved.session
    }

    /// What its description would say: both ways, PCMU and events.
    pub(crate) fn plan(&self) -> LegPlan {
        plan(Some(self.rtp.local_addr().unwrap()), Some(self.rtcp.local_addr().unwrap()))
    }

    /// Sends RTP from its own port.
    pub(crate) fn say(&self, packet: &[u8]) {
        self.rtp.send_to(packet, self.server).unwrap();
    }

    /// Sends RTCP from its own port.
    pub(crate) fn report(&self, packet: &[u8]) {
        let server = SocketAddr::new(self.server.ip(), self.server.port() + 1);
        self.rtcp.send_to(packet, server).unwrap();
    }

    /// The next RTP datagram; it must come from the session's port.
    pub(crate) fn hear(&self) -> Vec<u8> {
        let (bytes, from) = receive(&self.rtp);
        assert_eq!(from, self.server, "symmetric: sent from the port it is sent to");
        bytes
    }

    /// The next RTCP datagram.
    pub(crate) fn read_report(&self) -> Vec<u8> {
        let (bytes, from) = receive(&self.rtcp);
        assert_eq!(from.port(), self.server.port() + 1);
        bytes
    }
}

/// A plan both ways for PCMU (0) and events (101).
pub(crate) fn plan(remote_rtp: Option<SocketAddr>, remote_rtcp: Option<SocketAddr>) -> LegPlan {
    LegPlan {
        remote_rtp,
        remote_rtcp,
        rtcp_mux: false,
        direction: Direction::SendRecv,
        payloads: [0, 101].as_slice().into(),
        telephone_event: Some(101),
        codec: Some(sdp::Codec::new(0, "PCMU", 8_000)),
        ptime_ms: 20,
        symmetric: true,
        signalling_source: None,
    }
}

/// A port on this address, any.
pub(crate) fn port(addr: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((addr, 0)).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    socket
}

pub(crate) fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 4_096];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer.iter().copied().take(length).collect(), from)
}

/// One datagram if it comes within a few milliseconds.
pub(crate) fn receive_soon(socket: &UdpSocket) -> Option<Vec<u8>> {
    socket.set_read_timeout(Some(Duration::from_millis(4))).unwrap();
    let mut buffer = [0; 4_096];
    let got = socket.recv_from(&mut buffer);
    socket.set_read_timeout(Some(BOUND)).unwrap();
    match got {
        Ok((length, _)) => Some(buffer.iter().copied().take(length).collect()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(error) => panic!("{error}"),
    }
}

/// An RTP packet of PCMU whose payload tells it from all others.
pub(crate) fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..160_u8).map(|index| index ^ sequence as u8 ^ ssrc as u8));
    packet
}

/// A sender report with this NTP time, without blocks.
pub(crate) fn sender_report(ssrc: u32, ntp: u64) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(ntp.to_be_bytes());
    packet.extend([0; 12]);
    packet
}

/// A receiver report with one block.
pub(crate) fn receiver_report(lost: u32, last_report: u32, delay: u32) -> Vec<u8> {
    let mut packet = vec![0x81, 201, 0, 7];
    for word in [9, 8, lost & 0x00ff_ffff, 77, 12, last_report, delay] {
        packet.extend(word.to_be_bytes());
    }
    packet
}

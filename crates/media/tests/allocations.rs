//! No allocation for a packet. A program of its own: it brings its own allocator.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use clock::SystemClock;
use crosspoint_media::{Event, Media, Owner, Settings, Sink, Target};
use sdp::{Direction, LegPlan};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread's allocations count: those of the media workers and of the test itself do.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator, counted.
struct Counting;

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTED.get() {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's obligations are passed on as they are.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are passed on as they are.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Is called on a worker's thread, which counts from then on.
struct Mark(SyncSender<()>);

impl Sink for Mark {
    fn media_event(&self, _: Event) {
        COUNTED.set(true);
        drop(vec![0_u8; 16]);
        self.0.try_send(()).unwrap();
    }
}

fn plan(socket: &UdpSocket) -> LegPlan {
    LegPlan {
        remote_rtp: Some(socket.local_addr().unwrap()),
        remote_rtcp: None,
        rtcp_mux: true,
        direction: Direction::SendRecv,
        payloads: [0].as_slice().into(),
        telephone_event: None,
        codec: None,
        ptime_ms: 20,
        symmetric: true,
        signalling_source: None,
    }
}

fn phone() -> UdpSocket {
    let socket = UdpSocket::bind("127.84.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

#[test]
fn relaying_allocates_nothing() {
    let bind = "127.84.0.1".parse().unwrap();
    let settings = Settings { bind, ports: 20_000..=20_099, workers: 1, ..Settings::default() };
    let (sender, marked) = sync_channel(4);
    let media = Media::start(settings, Arc::new(Mark(sender)), SystemClock::new()).unwrap();
    let (a, b, c) = (phone(), phone(), phone());
    let [for_a, for_b, for_c] = [(); 3].map(|()| media.reserve(1, Owner::default()).unwrap());
    media.apply(for_a.session, plan(&a), Target::Peer(for_b.session)).unwrap();
    media.apply(for_b.session, plan(&b), Target::Peer(for_a.session)).unwrap();
    media.apply(for_c.session, plan(&c), Target::Echo).unwrap();
    let ends = [(&a, &b, for_a), (&b, &a, for_b), (&c, &c, for_c)];
    let ends = ends.map(|(from, to, reserved)| (from, to, SocketAddr::new(bind, reserved.rtp_port)));
    let mut rtp = [7; 172];
    rtp[..2].copy_from_slice(&[0x80, 0]);
    let mut report = [0; 28];
    report[..4].copy_from_slice(&[0x80, 200, 0, 6]);
    let mut heard = [0; 256];
    let mut round = |packet: &[u8]| {
        for (from, to, server) in ends {
            // The echo keeps reports.
            if packet.len() == 28 && std::ptr::eq(from, to) {
                continue;
            }
            from.send_to(packet, server).unwrap();
            assert_eq!(to.recv(&mut heard).unwrap(), packet.len());
        }
    };
    media.query(for_a.session).unwrap();
    marked.recv_timeout(Duration::from_secs(5)).unwrap();
    COUNTED.set(true);
    // Once, for what is set up at the first use.
    round(&rtp);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    assert!(before > 0, "the worker's allocation in its event was counted");
    for sequence in 1..=1_000_u16 {
        rtp[2..4].copy_from_slice(&sequence.to_be_bytes());
        round(&rtp);
        round(&report);
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(allocations, 0, "for 5000 packets");
    // The last is counted after it was sent.
    assert!(media.counters().packets_sent >= 5_002);
}

//! What an absorbed transaction costs. In a file of its own: the allocator counts for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use clock::{Random, Time};
use crosspoint_sip::{Endpoint, Event, Flow, Name, Packet, Reply, Settings, StatusCode, Transport};

struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
}

fn count(taken: usize, given: usize) {
    // While a thread ends its counter may be gone already.
    let _ = HELD.try_with(|held| held.set(held.get().wrapping_add(taken).wrapping_sub(given)));
}

#[expect(unsafe_code, reason = "a counting allocator is the only way to see what is held")]
// SAFETY: every call is passed to the system's allocator with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: `memory` came from `System` with this layout.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: `memory` came from `System` with this layout.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most an absorbed transaction may hold, in bytes, its answer of 380 bytes included.
const BUDGET: usize = 600;
const REQUESTS: usize = 50_000;

fn message(number: usize) -> Bytes {
    Bytes::from(format!(
        "MESSAGE sip:6010@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2:5060;rport;branch=z9hG4bK-524287-1---{number:016x}\r\n\
         Max-Forwards: 70\r\n\
         From: \"6001\" <sip:6001@pbx.example>;tag={number:08x}\r\n\
         To: <sip:6010@pbx.example>\r\n\
         Call-ID: {number:016x}@192.0.2.2\r\n\
         CSeq: 1 MESSAGE\r\n\
         User-Agent: a phone\r\n\
         Content-Length: 0\r\n\r\n"
    ))
}

fn flow() -> Flow {
    let address = |host, port| std::net::SocketAddr::from(([192, 0, 2, host], port));
    Flow { transport: Transport::Udp, local: address(1, 5060), remote: address(2, 5060), connection: None }
}

#[test]
fn an_absorbed_transaction_holds_at_most_600_bytes_and_gives_them_back() {
    let mut endpoint = Endpoint::new(Settings::default(), Random::seeded(1));
    let now = Time::from_secs(1);
    let before = HELD.get();
    let mut answer_bytes = 0;
    for number in 0..REQUESTS {
        endpoint.handle_packet(now, Packet { flow: flow(), bytes: message(number) });
        let Some(Event::Request(incoming)) = endpoint.poll_event() else { panic!("no request") };
        let tx = endpoint.accept(now, &incoming);
        endpoint.respond(now, tx, Reply::new(StatusCode::OK).header(Name::Organization, "Example"));
        answer_bytes = endpoint.poll_transmit().map_or(0, |transmit| transmit.bytes.len());
    }
    let each = (HELD.get() - before) / REQUESTS;
    println!("{each} bytes per absorbed transaction, {answer_bytes} of them its answer");
    assert!((330..400).contains(&answer_bytes), "{answer_bytes}");
    assert!(each <= BUDGET, "{each} bytes");
    assert_eq!(endpoint.counts().transactions, REQUESTS);
    endpoint.handle_timeout(now + Duration::from_secs(33));
    assert_eq!(endpoint.counts().transactions, 0);
    let left = HELD.get() - before;
    assert!(left < 16_384, "{left} bytes are left");
}

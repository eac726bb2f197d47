//! Parsing an ordinary INVITE allocates nothing. In a file of its own: the allocator counts for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use crosspoint_sip::{Message, Name, scan_call_id};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // While a thread ends its counter may be gone already.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

#[expect(unsafe_code, reason = "a counting allocator is the only way to prove that nothing is allocated")]
// SAFETY: every call is passed to the system's allocator with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `System` with this layout.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `memory` came from `System` with this layout.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const INVITE: &[u8] = include_bytes!("data/invite.sip");

/// The result, and how often it allocated.
fn counted<T>(run: impl FnOnce() -> T) -> (T, u64) {
    let before = ALLOCATIONS.get();
    let result = run();
    (result, ALLOCATIONS.get() - before)
}

#[test]
fn the_counter_counts() {
    assert_eq!(counted(|| Vec::<u8>::with_capacity(10)).1, 1);
}

#[test]
fn parsing_and_reading_an_invite_allocates_nothing() {
    assert!(INVITE.len() >= 1_600, "{} bytes", INVITE.len());
    let bytes = Bytes::copy_from_slice(INVITE);
    let (message, allocations) = counted(|| Message::parse(bytes).unwrap());
    assert_eq!(allocations, 0, "parse");

    let (result, allocations) = counted(|| message.validate());
    assert_eq!((result, allocations), (Ok(()), 0), "validate");

    let (seen, allocations) = counted(|| {
        let branch = message.via().unwrap().branch().unwrap().len();
        let tag = message.from().unwrap().tag().unwrap().len();
        let contacts = message.contacts().filter(Result::is_ok).count();
        let host = message.uri().unwrap().host() == message.to().unwrap().uri().unwrap().host();
        let identity = message.values(Name::PAssertedIdentity).count();
        (
            branch,
            tag,
            contacts,
            host,
            identity,
            message.other("x-custom-routing").is_some(),
            message.body().len(),
        )
    });
    assert_eq!(seen, (39, 10, 1, true, 2, true, 510));
    assert_eq!(allocations, 0, "typed views");

    let (call_id, allocations) = counted(|| scan_call_id(INVITE));
    assert_eq!((call_id, allocations), (message.call_id(), 0), "dispatch");
}

#[test]
fn building_a_response_allocates_once() {
    let message = Message::parse(Bytes::from_static(INVITE)).unwrap();
    let source = Some("198.51.100.7:5060".parse().unwrap());
    let (response, allocations) = counted(|| {
        use crosspoint_sip::{Builder, StatusCode};
        Builder::response_to(&message, StatusCode::TRYING, None, None, source).finish()
    });
    assert!(response.starts_with(b"SIP/2.0 100 Trying\r\nVia: "));
    // The buffer, and the header that lets it be shared.
    assert!(allocations <= 2, "{allocations}");
}

//! SIP core without IO: messages, transactions, dialogs, digest.
//!
//! # What it is
//! [`Message`] is one shared buffer and an index of its header lines, made by a single scan without an allocation. Headers
//! are read when asked for ([`header`]), by typed views that borrow from the buffer. What is passed on is passed on byte
//! for byte: [`Message::edited`] makes one copy with an [`EditList`] applied; what is our own comes from a [`Builder`].
//! [`StreamFramer`] cuts a stream into messages, [`digest`] asks for and checks proofs of a password. [`Endpoint`] keeps
//! the transactions and dialogs that messages belong to.
//!
//! # What it deliberately does not do
//! * It opens no socket, reads no clock, asks the system for no randomness, and starts no task: time and randomness are
//!   arguments.
//! * It does not judge while parsing. [`Message::parse`] refuses only what cannot be answered; [`Message::validate`] names
//!   the status everything else deserves. A header nobody reads may be as broken as it likes.
//! * It renders nothing anew and repairs nothing: unknown headers, URI parameters, reason phrases, and bytes that are no
//!   UTF-8 stay as they came.
//! * It decides nothing about users: realms and usernames are given, not compared.
//!
//! # The loop that drives it
//! Packets, timeouts and commands go into the [`Endpoint`]; after each of them its transmissions and events are drained to
//! the end. The message layer alone, for an answer that needs no state:
//! ```
//! use crosspoint_sip::{Builder, Frame, Message, StatusCode, StreamFramer};
//!
//! let mut framer = StreamFramer::new(); // a datagram needs none
//! framer.push(b"OPTIONS sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK7\r\n");
//! framer.push(b"From: <sip:a@pbx.example>;tag=1\r\nTo: <sip:pbx.example>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n");
//! while let Some(frame) = framer.next()? {
//!     let Frame::Message(bytes) = frame else { continue };
//!     let request = Message::parse(bytes)?;
//!     let (status, reason) = match request.validate() {
//!         Ok(()) => (StatusCode::OK, None),
//!         Err(refusal) => (refusal.status, Some(refusal.reason)),
//!     };
//!     let answer = Builder::response_to(&request, status, reason, Some("tag"), None).finish();
//!     assert!(answer.starts_with(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK7\r\n"));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dialog;
pub mod digest;
mod endpoint;
mod flow;
mod framing;
pub mod header;
pub mod limits;
mod message;
mod timer;
mod transaction;

pub use dialog::{Dialog, DialogId};
pub use endpoint::{
    Body, Busy, Counts, DialogEvent, Endpoint, Event, HeaderText, Headers, Incoming, Invite, OutOfDialog,
    Outcome, Reply, Settings, T1, T2, T4, TIMER_C,
};
pub use flow::{ConnectionId, Flow, Packet, Transmit, Transport};
pub use framing::{Frame, FramingError, StreamFramer};
pub use header::{CSeq, Contact, Name, NameAddr, Params, Values, Via};
pub use message::{
    Builder, EditList, HeaderError, HeaderLine, Message, Method, ParseError, Refusal, StatusCode,
    call_id_for_shard, scan_call_id, shard_of,
};
pub use transaction::{ClientTx, ServerTx};

//! RTP and RTCP (RFC 3550): views of packets, statistics of a received stream, telephone-event (RFC 4733).
//!
//! Everything reads in place and allocates nothing. What it deliberately does not do: no sockets, no clock (`now` is an
//! argument), no jitter buffer, no encryption; RTCP is read, never made.

mod demux;
mod event;
mod packet;
mod receiver;
pub mod rtcp;
mod trip;

pub use demux::{Kind, classify, is_rtcp};
pub use event::TelephoneEvent;
pub use packet::{RtpError, RtpPacket, rewrite_ssrc};
pub use receiver::{Arrival, Receiver, Reception};
pub use trip::RoundTrip;

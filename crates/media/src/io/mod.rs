//! The system calls of the packet path, behind one seam.
//!
//! [`PacketIo`] says which socket has something, receives it into one buffer and sends from that buffer. Today it is
//! epoll, level-triggered, one receive for each readiness: a stream has one packet each 20 ms, so a second receive
//! would nearly always find nothing. Another way to wait and to receive may come behind the same four calls.
//!
//! The only place of this crate with `unsafe`. What it relies on: descriptors are owned ([`std::os::fd::OwnedFd`]) and
//! therefore open while a reference to them lives; pointers handed to the kernel point to values that outlive the call.

mod address;
mod descriptors;
mod poll;
mod socket;
mod wake;

pub(crate) use descriptors::make_room;
pub(crate) use poll::{PacketIo, Ready, Received, Watcher};
pub(crate) use socket::Socket;
pub(crate) use wake::Wake;

/// The longest datagram that is taken. RTP stays below the path's 1,500 bytes; the rest is for tunnels and jumbo links.
pub(crate) const MAX_DATAGRAM: usize = 2_048;

//! Waiting for packets, receiving and sending them.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use libc::epoll_event;

use super::{MAX_DATAGRAM, Socket, Wake};

/// Sockets told of by one wait. More would make the time that is read once per wait too old for the jitter.
const BATCH: usize = 64;
/// The token of the wake-up; no session has it.
const WAKE: u64 = u64::MAX;

/// Something to do after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Somebody woke us; already taken back.
    Wake,
    /// The socket that was opened with this token has a packet.
    Port(u64),
}

/// What a receive gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A datagram of this length lies in the buffer.
    Packet(usize, SocketAddr),
    /// Longer than [`MAX_DATAGRAM`].
    TooLong,
    /// There was nothing after all, or only an error that had been waiting.
    Nothing,
}

/// Waits for, receives and sends datagrams on many sockets. Nothing is allocated after `new`.
pub(crate) struct PacketIo {
    epoll: Arc<OwnedFd>,
    wake: Arc<Wake>,
    events: Box<[epoll_event]>,
    /// One byte more than is taken, which tells a datagram that is too long.
    buffer: Box<[u8]>,
}

impl PacketIo {
    /// Opens the epoll and puts the wake-up into it.
    pub(crate) fn new(wake: Arc<Wake>) -> io::Result<PacketIo> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above has just opened this descriptor; nobody else owns it.
        let epoll = Arc::new(unsafe { OwnedFd::from_raw_fd(fd) });
        let events = vec![epoll_event { events: 0, u64: 0 }; BATCH].into_boxed_slice();
        let buffer = vec![0; MAX_DATAGRAM + 1].into_boxed_slice();
        let io = PacketIo { epoll, wake, events, buffer };
        watch(&io.epoll, io.wake.raw(), WAKE)?;
        Ok(io)
    }

    /// For other threads, to add sockets.
    pub(crate) fn watcher(&self) -> Watcher {
        Watcher(Arc::clone(&self.epoll))
    }

    /// Waits until something is ready or the time is over; how many are. An interrupted wait is an empty one.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> usize {
        // Rounded up: waking before the time would mean to wait again.
        let millis = timeout
            .map_or(-1, |timeout| i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX));
        let room = i32::try_from(self.events.len()).unwrap_or(i32::MAX);
        // SAFETY: the events are exclusively ours, live through the call, and are given with their number.
        let ready =
            unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), self.events.as_mut_ptr(), room, millis) };
        usize::try_from(ready).unwrap_or(0)
    }

    /// The n-th ready thing of the last wait.
    pub(crate) fn ready(&self, index: usize) -> Option<Ready> {
        // Copied out: the kernel's structure is packed.
        let token = self.events.get(index).map(|event| event.u64)?;
        if token == WAKE {
            self.wake.clear();
            return Some(Ready::Wake);
        }
        Some(Ready::Port(token))
    }

    /// Receives one datagram into the buffer.
    pub(crate) fn receive(&mut self, socket: &Socket) -> Received {
        match socket.receive(&mut self.buffer) {
            Ok((length, _)) if length > MAX_DATAGRAM => Received::TooLong,
            Ok((length, Some(from))) => Received::Packet(length, from),
            Ok((_, None)) | Err(_) => Received::Nothing,
        }
    }

    /// The datagram received last.
    pub(crate) fn packet(&self, length: usize) -> &[u8] {
        self.buffer.get(..length).unwrap_or_default()
    }

    /// The datagram received last, to be changed in place.
    pub(crate) fn packet_mut(&mut self, length: usize) -> &mut [u8] {
        self.buffer.get_mut(..length).unwrap_or_default()
    }

    /// Sends the datagram received last; whether the kernel took it.
    pub(crate) fn send(&self, socket: &Socket, length: usize, to: &SocketAddr) -> bool {
        socket.send(self.packet(length), to)
    }
}

/// Adds sockets to a [`PacketIo`], from any thread.
pub(crate) struct Watcher(Arc<OwnedFd>);

impl Watcher {
    /// Watches a socket under a token. Closing the socket ends it.
    pub(crate) fn open(&self, socket: &Socket, token: u64) -> io::Result<()> {
        watch(&self.0, socket.raw(), token)
    }
}

fn watch(epoll: &OwnedFd, fd: RawFd, token: u64) -> io::Result<()> {
    let mut event = epoll_event { events: libc::EPOLLIN as u32, u64: token };
    // SAFETY: the event lives through the call; the kernel copies it.
    let added = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event) };
    if added < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

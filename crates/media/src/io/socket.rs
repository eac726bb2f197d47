//! One UDP port.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::address::RawAddress;

/// A bound UDP socket that does not block. Opening it takes two system calls.
pub(crate) struct Socket {
    fd: OwnedFd,
    ipv6: bool,
}

impl Socket {
    /// Binds a port.
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Socket> {
        let ipv6 = addr.is_ipv6();
        let family = if ipv6 { libc::AF_INET6 } else { libc::AF_INET };
        let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::socket(family, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above has just opened this descriptor; nobody else owns it.
        let socket = Socket { fd: unsafe { OwnedFd::from_raw_fd(fd) }, ipv6 };
        let (raw, length) = RawAddress::of(&addr, ipv6);
        // SAFETY: the address lives through the call and is `length` bytes long.
        let bound = unsafe { libc::bind(socket.raw(), raw.as_ptr(), length) };
        if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(socket) }
    }

    /// Receives one datagram, cut at the buffer's end, and where it came from.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddr>)> {
        let mut from = RawAddress::empty();
        let mut length = RawAddress::CAPACITY;
        // SAFETY: buffer and address are exclusively ours, live through the call, and are given with their sizes.
        let got = unsafe {
            libc::recvfrom(
                self.raw(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                libc::MSG_DONTWAIT,
                from.as_mut_ptr(),
                &raw mut length,
            )
        };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        Ok((got, from.read()))
    }

    /// Sends one datagram; whether the kernel took it.
    pub(super) fn send(&self, datagram: &[u8], to: &SocketAddr) -> bool {
        let (raw, length) = RawAddress::of(to, self.ipv6);
        // SAFETY: datagram and address live through the call and are given with their sizes.
        let sent = unsafe {
            libc::sendto(
                self.raw(),
                datagram.as_ptr().cast(),
                datagram.len(),
                libc::MSG_DONTWAIT,
                raw.as_ptr(),
                length,
            )
        };
        sent >= 0
    }

    pub(super) fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

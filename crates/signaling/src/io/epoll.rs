//! Waiting for several descriptors.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::checked;

/// Ready descriptors taken per wait: a worker has one per listener and one for its alarm.
const EVENTS: usize = 16;

/// A level-triggered epoll for reading.
#[derive(Debug)]
pub(crate) struct Epoll {
    fd: OwnedFd,
    events: [libc::epoll_event; EVENTS],
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: epoll_create1 takes no pointers.
        let fd = checked(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the kernel just gave us this descriptor; nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Epoll { fd, events: [libc::epoll_event { events: 0, u64: 0 }; EVENTS] })
    }

    /// Watches `fd` until it is closed; `token` comes back from [`Epoll::wait`].
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN.cast_unsigned(), u64: token };
        // SAFETY: `event` is alive for the call, and the kernel copies it.
        checked(unsafe {
            libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &raw mut event)
        })?;
        Ok(())
    }

    /// Sleeps until a descriptor is readable, at most `timeout` (rounded up to milliseconds; `None` = for ever), and
    /// gives the tokens of those that are. A signal ends the sleep with none.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> impl Iterator<Item = u64> + use<'_> {
        let timeout =
            timeout.map_or(-1, |t| i32::try_from(t.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX));
        let room = libc::c_int::try_from(self.events.len()).unwrap_or(0);
        // SAFETY: `events` has room for `room` entries and is borrowed mutably for the call.
        let ready = unsafe { libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), room, timeout) };
        self.events.iter().take(usize::try_from(ready).unwrap_or(0)).map(|event| event.u64)
    }
}

//! Waking a worker that sleeps.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// An eventfd: any thread writes, the worker's wait returns.
pub(crate) struct Wake(OwnedFd);

impl Wake {
    /// Opens one.
    pub(crate) fn new() -> io::Result<Wake> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above has just opened this descriptor; nobody else owns it.
        Ok(Wake(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes the wait return. A failure means that the counter is full: it is set anyway.
    pub(crate) fn notify(&self) {
        let one = 1_u64;
        // SAFETY: eight bytes of a local value, as eventfd asks for.
        unsafe { libc::write(self.raw(), (&raw const one).cast(), size_of::<u64>()) };
    }

    /// Takes the notice back.
    pub(super) fn clear(&self) {
        let mut count = 0_u64;
        // SAFETY: eight bytes of a local value, as eventfd asks for.
        unsafe { libc::read(self.raw(), (&raw mut count).cast(), size_of::<u64>()) };
    }

    pub(super) fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

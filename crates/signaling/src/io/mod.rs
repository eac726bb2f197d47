//! The system calls without a safe form: epoll, eventfd, recvmmsg, sendmmsg.
//!
//! Every pointer handed to the kernel points into memory owned by the value that makes the call, which is borrowed
//! mutably for its whole length; nothing is kept by the kernel after a call returns.

mod address;
mod epoll;
mod event;
mod receive;
mod send;

pub(crate) use epoll::Epoll;
pub(crate) use event::EventFd;
pub(crate) use receive::ReceiveBatch;
pub(crate) use send::SendBatch;

/// Datagrams per system call: beyond 64 the saving per datagram is below 2 %.
pub(crate) const BATCH: usize = 64;

/// Turns the −1 of a system call into its error.
fn checked(result: libc::c_int) -> std::io::Result<libc::c_int> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(result) }
}

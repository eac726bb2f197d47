//! Receiving datagrams in batches.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};

use super::address::{ROOM, RawAddress};
use super::{BATCH, checked};

/// The largest UDP datagram.
const SLOT: usize = 65_536;

/// 64 slots for datagrams with their senders. The 4 MiB are address space: the kernel gives a page to a slot when a
/// datagram first uses it.
pub(crate) struct ReceiveBatch {
    /// `BATCH * SLOT` bytes from `Box<[u8]>`.
    bytes: NonNull<u8>,
    /// `BATCH` entries from `Box<[RawAddress]>`.
    names: NonNull<RawAddress>,
    /// `BATCH` entries from `Box<[iovec]>`; only the kernel reads them.
    vectors: NonNull<libc::iovec>,
    headers: Box<[libc::mmsghdr]>,
    filled: usize,
}

impl ReceiveBatch {
    pub(crate) fn new() -> ReceiveBatch {
        let bytes = into_raw(vec![0_u8; BATCH * SLOT].into_boxed_slice());
        let names = into_raw(vec![RawAddress::EMPTY; BATCH].into_boxed_slice());
        let vector = libc::iovec { iov_base: ptr::null_mut(), iov_len: SLOT };
        let mut vectors = vec![vector; BATCH].into_boxed_slice();
        for (slot, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: `slot < BATCH`, so the offset stays inside the allocation.
            vector.iov_base = unsafe { bytes.add(slot * SLOT) }.as_ptr().cast();
        }
        let vectors = into_raw(vectors);
        // SAFETY: all-zero bits are a valid mmsghdr: null pointers and zero lengths.
        let header: libc::mmsghdr = unsafe { std::mem::zeroed() };
        let mut headers = vec![header; BATCH].into_boxed_slice();
        for (slot, header) in headers.iter_mut().enumerate() {
            // SAFETY: `slot < BATCH`, so both offsets stay inside their allocations.
            unsafe {
                header.msg_hdr.msg_name = names.add(slot).as_ptr().cast();
                header.msg_hdr.msg_iov = vectors.add(slot).as_ptr();
            }
            header.msg_hdr.msg_namelen = ROOM;
            header.msg_hdr.msg_iovlen = 1;
        }
        ReceiveBatch { bytes, names, vectors, headers, filled: 0 }
    }

    /// Takes what waits at `socket` without blocking; gives the number of datagrams, at most [`BATCH`].
    ///
    /// # Errors
    /// `WouldBlock` when nothing waits.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let used = std::mem::take(&mut self.filled);
        // The kernel writes back the length of a name that it filled in, and nothing else that is read again.
        self.headers.iter_mut().take(used).for_each(|header| header.msg_hdr.msg_namelen = ROOM);
        let room = libc::c_uint::try_from(self.headers.len()).unwrap_or(0);
        // SAFETY: each header points to a name of `ROOM` bytes and a vector over `SLOT` bytes of memory that this value
        // owns and that nothing else refers to while `self` is borrowed mutably.
        let count = checked(unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                room,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        })?;
        self.filled = usize::try_from(count).unwrap_or(0);
        Ok(self.filled)
    }

    /// The datagrams of the last call, in order of arrival.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        self.headers.iter().take(self.filled).enumerate().filter_map(|(slot, header)| {
            // SAFETY: `slot < BATCH`; the name is initialised and not written to while `self` is borrowed.
            let from = unsafe { self.names.add(slot).read() }.to_addr()?;
            let len = usize::try_from(header.msg_len).unwrap_or(0).min(SLOT);
            // SAFETY: `slot < BATCH` and `len <= SLOT`: inside the allocation, initialised (zeroed at the start), and not
            // written to while `self` is borrowed.
            let bytes = unsafe { std::slice::from_raw_parts(self.bytes.add(slot * SLOT).as_ptr(), len) };
            Some((from, bytes))
        })
    }
}

impl Drop for ReceiveBatch {
    fn drop(&mut self) {
        // SAFETY: the three pointers came from boxed slices of exactly these lengths and are not used again.
        unsafe {
            drop(Box::from_raw(ptr::slice_from_raw_parts_mut(self.bytes.as_ptr(), BATCH * SLOT)));
            drop(Box::from_raw(ptr::slice_from_raw_parts_mut(self.names.as_ptr(), BATCH)));
            drop(Box::from_raw(ptr::slice_from_raw_parts_mut(self.vectors.as_ptr(), BATCH)));
        }
    }
}

/// Gives up ownership, so that every later access goes through the one pointer the kernel has too.
fn into_raw<T>(slice: Box<[T]>) -> NonNull<T> {
    NonNull::from(Box::leak(slice)).cast()
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_batch_gives_every_datagram_with_its_sender_and_is_used_again() {
        let here = UdpSocket::bind("127.0.0.1:0").unwrap();
        let there = UdpSocket::bind("127.0.0.1:0").unwrap();
        there.connect(here.local_addr().unwrap()).unwrap();
        let mut batch = ReceiveBatch::new();
        assert_eq!(batch.receive(here.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        for round in 0..3_u8 {
            let sent: Vec<Vec<u8>> = (0..100).map(|n| vec![n ^ round; usize::from(n)]).collect();
            sent.iter().for_each(|datagram| assert_eq!(there.send(datagram).unwrap(), datagram.len()));
            let mut received = Vec::new();
            while received.len() < sent.len() {
                assert!(batch.receive(here.as_fd()).unwrap() <= BATCH);
                for (from, bytes) in batch.datagrams() {
                    assert_eq!(from, there.local_addr().unwrap());
                    received.push(bytes.to_vec());
                }
            }
            assert_eq!(received, sent);
        }
    }
}

//! Sending datagrams in batches.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use sip::Transmit;

use super::address::RawAddress;
use super::{BATCH, checked};

/// The arrays for one sendmmsg, kept between calls.
pub(crate) struct SendBatch {
    names: Vec<(RawAddress, libc::socklen_t)>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl SendBatch {
    pub(crate) fn new() -> SendBatch {
        SendBatch {
            names: Vec::with_capacity(BATCH),
            vectors: Vec::with_capacity(BATCH),
            headers: Vec::with_capacity(BATCH),
        }
    }

    /// Sends every message to its flow's remote address, in order; `failed` is told of each that could not be sent.
    pub(crate) fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        messages: &[Transmit],
        mut failed: impl FnMut(&Transmit, io::Error),
    ) {
        for chunk in messages.chunks(BATCH) {
            let mut rest = chunk;
            while let Some((first, after)) = rest.split_first() {
                match self.send_some(socket, rest) {
                    Ok(count) => rest = rest.get(count.max(1)..).unwrap_or_default(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        failed(first, error);
                        rest = after;
                    }
                }
            }
        }
    }

    /// One sendmmsg; gives the number of messages sent, or the error of the first.
    fn send_some(&mut self, socket: BorrowedFd<'_>, messages: &[Transmit]) -> io::Result<usize> {
        self.names.clear();
        self.vectors.clear();
        self.headers.clear();
        for message in messages {
            self.names.push(RawAddress::from_addr(message.flow.remote));
            self.vectors.push(libc::iovec {
                iov_base: message.bytes.as_ptr().cast_mut().cast(),
                iov_len: message.bytes.len(),
            });
        }
        for ((name, len), vector) in self.names.iter_mut().zip(&mut self.vectors) {
            // SAFETY: all-zero bits are a valid mmsghdr: null pointers and zero lengths.
            let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
            header.msg_hdr.msg_name = ptr::from_mut(name).cast();
            header.msg_hdr.msg_namelen = *len;
            header.msg_hdr.msg_iov = ptr::from_mut(vector);
            header.msg_hdr.msg_iovlen = 1;
            self.headers.push(header);
        }
        let count = libc::c_uint::try_from(self.headers.len()).unwrap_or(0);
        // SAFETY: `headers` has `count` entries; their names and vectors live in `self` and are not touched between the
        // loop above and this call, and the vectors cover bytes of `messages`, borrowed for the call. The kernel only
        // reads what a sending vector covers, so the cast to a mutable pointer writes nothing.
        let sent = checked(unsafe {
            libc::sendmmsg(socket.as_raw_fd(), self.headers.as_mut_ptr(), count, libc::MSG_DONTWAIT)
        })?;
        Ok(usize::try_from(sent).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};
    use std::os::fd::AsFd;

    use bytes::Bytes;
    use sip::{Flow, Transport};

    use super::*;

    fn message(from: &UdpSocket, to: SocketAddr, bytes: Vec<u8>) -> Transmit {
        let local = from.local_addr().unwrap();
        let flow = Flow { transport: Transport::Udp, local, remote: to, connection: None };
        Transmit { flow, bytes: Bytes::from(bytes) }
    }

    #[test]
    fn a_message_that_cannot_be_sent_does_not_hold_up_the_others() {
        let from = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = UdpSocket::bind("127.0.0.1:0").unwrap();
        let good = to.local_addr().unwrap();
        let mut messages: Vec<Transmit> = (0..70).map(|n| message(&from, good, vec![n; 10])).collect();
        messages[3] = message(&from, good, vec![0; 66_000]);
        messages[65] = message(&from, "[::1]:9".parse().unwrap(), vec![65]);
        let mut refused = Vec::new();
        SendBatch::new().send(from.as_fd(), &messages, |m, _| refused.push(m.bytes.len()));
        assert_eq!(refused, [66_000, 1]);
        let mut buffer = [0; 100];
        for n in (0..70_u8).filter(|n| ![3, 65].contains(n)) {
            let (len, _) = to.recv_from(&mut buffer).unwrap();
            assert_eq!(buffer[..len], [n; 10]);
        }
    }
}

//! What the workers see of a connection.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use clock::Time;
use sip::{ConnectionId, Flow, Transport};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::Limits;

/// One connection, shared by its task and the workers.
#[derive(Debug)]
pub(crate) struct Link {
    pub(super) id: ConnectionId,
    /// What the peer should see of us.
    local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// The flow of the message that made us connect; `None` for a connection that the peer made.
    pub(super) asked: Option<Flow>,
    queue: mpsc::Sender<Bytes>,
    queued_bytes: AtomicUsize,
    /// A bit per worker that sent or received on it (workers beyond 63 share bits).
    workers: AtomicU64,
    /// When something was last received or sent.
    active: AtomicU64,
    /// Ends the task.
    pub(super) cut: Notify,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It waits to be written, or the connection is being cut and a flow error follows.
    Queued,
    /// The connection is gone.
    Closed,
}

/// True when the peer made the connection: the lowest bit of the id says so.
pub(super) fn accepted(id: ConnectionId) -> bool {
    id.0 & 1 == 1
}

impl Link {
    pub(super) fn new(id: ConnectionId, flow: Flow, queue: mpsc::Sender<Bytes>, now: Time) -> Link {
        Link {
            id,
            local: flow.local,
            remote: flow.remote,
            asked: (!accepted(id)).then_some(flow),
            queue,
            queued_bytes: AtomicUsize::new(0),
            workers: AtomicU64::new(0),
            active: AtomicU64::new(now.as_nanos()),
            cut: Notify::new(),
        }
    }

    pub(super) fn flow(&self) -> Flow {
        Flow { transport: Transport::Tcp, local: self.local, remote: self.remote, connection: Some(self.id) }
    }

    /// Notes that a worker must hear of the end of this connection.
    pub(super) fn concerns(&self, worker: usize) {
        self.workers.fetch_or(mark(worker), Ordering::SeqCst);
    }

    pub(super) fn is_concern_of(&self, worker: usize) -> bool {
        self.workers.load(Ordering::SeqCst) & mark(worker) != 0
    }

    pub(super) fn send(&self, worker: usize, bytes: Bytes, limits: &Limits) -> Sent {
        self.concerns(worker);
        self.enqueue(bytes, limits)
    }

    /// Queues bytes to be written. A peer that does not take what we write is cut off.
    pub(super) fn enqueue(&self, bytes: Bytes, limits: &Limits) -> Sent {
        let size = bytes.len();
        let waiting = self.queued_bytes.fetch_add(size, Ordering::Relaxed);
        if waiting + size > limits.write_queue_bytes {
            self.cut.notify_one();
            return Sent::Queued;
        }
        match self.queue.try_send(bytes) {
            Ok(()) => Sent::Queued,
            Err(TrySendError::Full(_)) => {
                self.cut.notify_one();
                Sent::Queued
            }
            Err(TrySendError::Closed(_)) => Sent::Closed,
        }
    }

    pub(super) fn written(&self, size: usize, now: Time) {
        self.queued_bytes.fetch_sub(size, Ordering::Relaxed);
        self.touch(now);
    }

    pub(super) fn touch(&self, now: Time) {
        self.active.fetch_max(now.as_nanos(), Ordering::Relaxed);
    }

    pub(super) fn active(&self) -> Time {
        Time::from_nanos(self.active.load(Ordering::Relaxed))
    }
}

fn mark(worker: usize) -> u64 {
    1 << (worker % 64)
}

//! One UDP worker: a thread, its sockets, its shard.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clock::{SystemClock, Time};
use metrics::Counter;
use sip::{Flow, Packet, Transmit, Transport};

use crate::io::{BATCH, Epoll, ReceiveBatch, SendBatch};
use crate::mailbox::{Inlet, StreamItem};
use crate::tcp::Streams;
use crate::udp::{advertised, listener_of};
use crate::{Advertise, Error, Listen, Mailbox, Service, stun};

/// Items taken from each ring per batch, so that no way in starves another.
const RING_BATCH: usize = 256;

/// The token of the alarm in the epoll; sockets have their index.
const ALARM: u64 = u64::MAX;

/// What every worker shares.
#[derive(Clone)]
pub(crate) struct Shared {
    /// All UDP listeners, in the order of each worker's sockets.
    pub(crate) listeners: Arc<[Listen]>,
    pub(crate) inlets: Arc<[Inlet]>,
    pub(crate) streams: Streams,
    pub(crate) advertise: Advertise,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) clock: SystemClock,
}

/// The worker with its index.
pub(crate) struct Worker<S: Service> {
    index: usize,
    shared: Shared,
    sockets: Vec<UdpSocket>,
    mailbox: Mailbox<S::Input>,
    service: S,
    epoll: Epoll,
    /// Datagrams to send, by listener.
    outboxes: Vec<Vec<Transmit>>,
    /// Flows that failed while sending; told to the service in the next round.
    failed: Vec<Flow>,
    counters: Counters,
}

impl<S: Service> Worker<S> {
    pub(crate) fn new(
        index: usize,
        shared: Shared,
        sockets: Vec<UdpSocket>,
        mailbox: Mailbox<S::Input>,
        service: S,
    ) -> Result<Worker<S>, Error> {
        let epoll = Epoll::new().map_err(Error::Worker)?;
        for (token, socket) in (0..).zip(&sockets) {
            epoll.add(socket.as_fd(), token).map_err(Error::Worker)?;
        }
        if let Some(inlet) = shared.inlets.get(index) {
            epoll.add(inlet.alarm().event().as_fd(), ALARM).map_err(Error::Worker)?;
        }
        let outboxes = sockets.iter().map(|_| Vec::with_capacity(BATCH)).collect();
        let counters = Counters::new();
        Ok(Worker { index, shared, sockets, mailbox, service, epoll, outboxes, failed: Vec::new(), counters })
    }

    /// Runs until the signalling plane stops.
    pub(crate) fn run(mut self) {
        let mut receiver = ReceiveBatch::new();
        let mut sender = SendBatch::new();
        let mut ready = Vec::new();
        // What `make` put into the service is sent before the first sleep.
        self.finish(self.shared.clock.now(), &mut sender);
        while !self.shared.stopping.load(Ordering::Acquire) {
            self.sleep(&mut ready);
            let now = self.shared.clock.now();
            std::mem::take(&mut self.failed).into_iter().for_each(|flow| self.service.flow_error(now, flow));
            self.drain_rings(now);
            for token in ready.drain(..) {
                self.receive(now, usize::try_from(token).unwrap_or(usize::MAX), &mut receiver);
            }
            if self.service.next_timeout().is_some_and(|at| at <= now) {
                self.service.timeout(now);
            }
            self.finish(now, &mut sender);
        }
        self.finish(self.shared.clock.now(), &mut sender);
    }

    fn sleep(&mut self, ready: &mut Vec<u64>) {
        let Some(inlet) = self.shared.inlets.get(self.index) else { return };
        let until = self.service.next_timeout().map(|at| at.since(self.shared.clock.now()));
        inlet.alarm().going_to_sleep();
        let work = !inlet.is_empty()
            || !self.mailbox.is_empty()
            || !self.failed.is_empty()
            || self.shared.stopping.load(Ordering::Acquire);
        let timeout = if work { Some(Duration::ZERO) } else { until };
        ready.extend(self.epoll.wait(timeout));
        let before = ready.len();
        ready.retain(|token| *token != ALARM);
        inlet.alarm().awake(ready.len() < before);
    }

    fn drain_rings(&mut self, now: Time) {
        let Some(inlet) = self.shared.inlets.get(self.index) else { return };
        for item in std::iter::from_fn(|| inlet.take_stream()).take(RING_BATCH) {
            match item {
                StreamItem::Packet(packet) => self.service.packet(now, packet),
                StreamItem::FlowError(flow) => self.service.flow_error(now, flow),
            }
        }
        for packet in std::iter::from_fn(|| inlet.take_handed_over()).take(RING_BATCH) {
            self.service.packet(now, packet);
        }
        for input in std::iter::from_fn(|| self.mailbox.take()).take(RING_BATCH) {
            self.service.input(now, input);
        }
    }

    fn receive(&mut self, now: Time, index: usize, receiver: &mut ReceiveBatch) {
        let (Some(socket), Some(listen)) = (self.sockets.get(index), self.shared.listeners.get(index)) else {
            return;
        };
        match receiver.receive(socket.as_fd()) {
            Ok(count) => self.counters.received.increment(u64::try_from(count).unwrap_or(0)),
            Err(error) => {
                // Nothing there after all, or an ICMP error of something sent earlier: the next read goes on.
                tracing::trace!(%error, "recvmmsg");
                return;
            }
        }
        for (remote, bytes) in receiver.datagrams() {
            let local = advertised(&self.shared.advertise, listen, remote.ip());
            let flow = Flow { transport: Transport::Udp, local, remote, connection: None };
            if is_keep_alive(bytes) {
                let reply = stun::answer(bytes, remote).map(|bytes| Transmit { flow, bytes });
                self.outboxes.get_mut(index).into_iter().for_each(|outbox| outbox.extend(reply.clone()));
                continue;
            }
            let packet = Packet { flow, bytes: Bytes::copy_from_slice(bytes) };
            let owner = shard(bytes, self.shared.inlets.len()).unwrap_or(self.index);
            match self.shared.inlets.get(owner).filter(|_| owner != self.index) {
                None => self.service.packet(now, packet),
                Some(inlet) if inlet.hand_over(packet) => {}
                Some(_) => self.counters.handover_full.increment(1),
            }
        }
    }

    /// Ends the batch: the service says what is to be sent, and it is sent.
    fn finish(&mut self, now: Time, sender: &mut SendBatch) {
        self.service.batch_end(now);
        while let Some(transmit) = self.service.transmit() {
            if transmit.flow.transport != Transport::Udp {
                let flow = transmit.flow;
                if self.shared.streams.send(self.index, transmit).is_err() {
                    self.failed.push(flow);
                }
                continue;
            }
            match listener_of(&self.shared.listeners, &transmit.flow) {
                Some(index) => self.queue(index, transmit, sender),
                None => self.failed.push(transmit.flow),
            }
        }
        (0..self.outboxes.len()).for_each(|index| self.flush(index, sender));
    }

    fn queue(&mut self, index: usize, transmit: Transmit, sender: &mut SendBatch) {
        let Some(outbox) = self.outboxes.get_mut(index) else { return };
        outbox.push(transmit);
        if outbox.len() >= BATCH {
            self.flush(index, sender);
        }
    }

    fn flush(&mut self, index: usize, sender: &mut SendBatch) {
        let (Some(socket), Some(outbox)) = (self.sockets.get(index), self.outboxes.get_mut(index)) else {
            return;
        };
        if outbox.is_empty() {
            return;
        }
        let (failed, counters) = (&mut self.failed, &self.counters);
        sender.send(socket.as_fd(), outbox, |transmit, error| {
            counters.send_failed.increment(1);
            // A full socket buffer is a lost datagram like any other: retransmission repairs it.
            if error.kind() != io::ErrorKind::WouldBlock {
                tracing::debug!(%error, "datagram not sent");
                failed.push(transmit.flow);
            }
        });
        self.counters.sent.increment(u64::try_from(outbox.len()).unwrap_or(0));
        outbox.clear();
    }
}

/// The shard that a message belongs to; `None` when it names no call (its parser will refuse it).
pub(crate) fn shard(message: &[u8], shards: usize) -> Option<usize> {
    if shards <= 1 {
        return Some(0);
    }
    sip::scan_call_id(message).map(|call_id| sip::shard_of(call_id, shards))
}

/// Line ends that hold a NAT open (RFC 5626 §3.5.1), a single zero byte as some phones send, or STUN.
fn is_keep_alive(datagram: &[u8]) -> bool {
    stun::is_stun(datagram)
        || (datagram.len() <= 4 && datagram.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)))
}

/// The metrics of a worker; handles, so that counting costs an addition.
struct Counters {
    received: Counter,
    sent: Counter,
    send_failed: Counter,
    handover_full: Counter,
}

impl Counters {
    fn new() -> Counters {
        Counters {
            received: metrics::counter!("crosspoint_sip_datagrams_total", "direction" => "in"),
            sent: metrics::counter!("crosspoint_sip_datagrams_total", "direction" => "out"),
            send_failed: metrics::counter!("crosspoint_sip_dropped_total", "reason" => "send_failed"),
            handover_full: metrics::counter!("crosspoint_sip_dropped_total", "reason" => "handover_full"),
        }
    }
}

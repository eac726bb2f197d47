//! Stream connections, in tokio: they mostly wait.

mod acceptor;
mod connection;
mod link;
mod table;

use std::net::SocketAddr;
use std::sync::Arc;

use clock::SystemClock;
use metrics::{Counter, Gauge};
use parking_lot::Mutex;
use sip::{Flow, Packet, Transmit, Transport};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

pub(crate) use acceptor::TcpAcceptor;
use connection::serve;
use link::{Link, Sent};
use table::{Opened, Table};

use crate::mailbox::{Inlet, StreamItem};
use crate::udp::{advertised, listener_of};
use crate::worker::shard;
use crate::{Advertise, Error, Limits, Listen, Settings};

/// All stream connections of the signalling plane.
#[derive(Clone)]
pub(crate) struct Streams(Arc<Inner>);

/// The message cannot be sent: no such connection, no room for a new one, or no such transport.
#[derive(Debug)]
pub(crate) struct Refused;

pub(crate) struct Inner {
    limits: Limits,
    advertise: Advertise,
    /// The TCP listeners.
    listeners: Vec<Listen>,
    inlets: Arc<[Inlet]>,
    clock: SystemClock,
    runtime: Handle,
    table: Mutex<Table>,
    /// Becomes true once: everything ends.
    closing: watch::Sender<bool>,
    counters: Counters,
}

impl Streams {
    pub(crate) fn new(
        settings: &Settings,
        listen: &[Listen],
        inlets: Arc<[Inlet]>,
        clock: SystemClock,
        runtime: Handle,
    ) -> Streams {
        Streams(Arc::new(Inner {
            limits: settings.limits.clone(),
            advertise: Arc::clone(&settings.advertise),
            listeners: listen.iter().filter(|l| l.transport == Transport::Tcp).copied().collect(),
            inlets,
            clock,
            runtime,
            table: Mutex::new(Table::new(clock.now())),
            closing: watch::Sender::new(false),
            counters: Counters::new(),
        }))
    }

    /// Begins to accept connections.
    pub(crate) fn accept(&self, acceptor: TcpAcceptor) -> Result<(), Error> {
        acceptor.start(Arc::clone(&self.0))
    }

    /// Queues a message for its connection, which is made if need be. Never blocks.
    ///
    /// Later failures come to the worker as a flow error.
    pub(crate) fn send(&self, worker: usize, transmit: Transmit) -> Result<(), Refused> {
        let link = self.0.link_for(&transmit.flow)?;
        self.0.counters.sent.increment(1);
        match link.send(worker, transmit.bytes, &self.0.limits) {
            Sent::Queued => Ok(()),
            Sent::Closed => Err(Refused),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.table.lock().len()
    }

    pub(crate) fn close_all(&self) {
        self.0.closing.send_replace(true);
    }
}

impl Inner {
    fn link_for(self: &Arc<Inner>, flow: &Flow) -> Result<Arc<Link>, Refused> {
        if flow.transport != Transport::Tcp {
            return Err(Refused);
        }
        let mut table = self.table.lock();
        if let Some(link) = table.find(flow) {
            return Ok(link);
        }
        // The far end of a connection that a peer made is a port nobody listens on.
        if flow.connection.is_some_and(link::accepted) {
            return Err(Refused);
        }
        let opened = table.open_out(*flow, &self.limits, self.clock.now()).ok_or_else(|| {
            self.counters.refused.increment(1);
            Refused
        })?;
        drop(table);
        let Opened { link, queue } = opened;
        let (inner, to_serve) = (Arc::clone(self), Arc::clone(&link));
        self.runtime.spawn(async move { inner.connect(to_serve, queue).await });
        Ok(link)
    }

    async fn connect(self: Arc<Inner>, link: Arc<Link>, queue: mpsc::Receiver<bytes::Bytes>) {
        match tokio::time::timeout(self.limits.connect, self.open(&link)).await {
            Ok(Ok(stream)) => serve(self, stream, link, queue).await,
            Ok(Err(error)) => {
                tracing::debug!(remote = %clock::Pii(link.remote), %error, "connection refused");
                self.finish(&link, queue).await;
            }
            Err(_) => {
                tracing::debug!(remote = %clock::Pii(link.remote), "connection timed out");
                self.finish(&link, queue).await;
            }
        }
    }

    async fn open(&self, link: &Link) -> std::io::Result<TcpStream> {
        let socket = if link.remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // From the address that the peer knows, where we listen on one.
        let from = link.asked.and_then(|flow| listener_of(&self.listeners, &flow));
        let from = from.and_then(|index| self.listeners.get(index)).map(|listen| listen.addr.ip());
        if let Some(ip) = from.filter(|ip| !ip.is_unspecified()) {
            socket.bind(SocketAddr::new(ip, 0))?;
        }
        socket.connect(link.remote).await
    }

    /// A connection that a peer made; `None` when there are too many.
    fn admit(&self, listen: &Listen, remote: SocketAddr) -> Option<Opened> {
        let local = advertised(&self.advertise, listen, remote.ip());
        let opened = self.table.lock().open_in(local, remote, &self.limits, self.clock.now());
        if opened.is_none() {
            self.counters.refused.increment(1);
            tracing::debug!(remote = %clock::Pii(remote), "too many connections");
        }
        opened
    }

    /// Gives a message to the worker that owns its call; waits when that one has too much to do.
    async fn deliver(&self, link: &Link, bytes: bytes::Bytes) {
        let owner = shard(&bytes, self.inlets.len()).unwrap_or(0);
        link.concerns(owner);
        self.counters.received.increment(1);
        if let Some(inlet) = self.inlets.get(owner) {
            inlet.post(StreamItem::Packet(Packet { flow: link.flow(), bytes })).await;
        }
    }

    /// Forgets a connection and tells every worker that used it.
    async fn finish(&self, link: &Link, mut queue: mpsc::Receiver<bytes::Bytes>) {
        let open = self.table.lock().remove(link);
        self.counters.open.set(u32::try_from(open).unwrap_or(u32::MAX));
        // After this nobody can queue; who did so before has left its mark.
        queue.close();
        if *self.closing.borrow() {
            return;
        }
        for (_, inlet) in self.inlets.iter().enumerate().filter(|(worker, _)| link.is_concern_of(*worker)) {
            inlet.post(StreamItem::FlowError(link.flow())).await;
            if let Some(asked) = link.asked.filter(|asked| *asked != link.flow()) {
                inlet.post(StreamItem::FlowError(asked)).await;
            }
        }
    }
}

/// The metrics of the streams.
struct Counters {
    received: Counter,
    sent: Counter,
    refused: Counter,
    open: Gauge,
}

impl Counters {
    fn new() -> Counters {
        Counters {
            received: metrics::counter!("crosspoint_sip_stream_messages_total", "direction" => "in"),
            sent: metrics::counter!("crosspoint_sip_stream_messages_total", "direction" => "out"),
            refused: metrics::counter!("crosspoint_sip_connections_refused_total"),
            open: metrics::gauge!("crosspoint_sip_connections"),
        }
    }
}

//! Starting and stopping the signalling plane.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use clock::SystemClock;
use sip::Transport;
use tokio::runtime::Handle;

use crate::alarm::Alarm;
use crate::mailbox::Inlet;
use crate::tcp::{Streams, TcpAcceptor};
use crate::udp::UdpListener;
use crate::worker::{Shared, Worker};
use crate::{Error, Listen, Mailbox, Service, Settings};

/// Sockets are bound and mailboxes exist, but nothing is received yet.
#[derive(Debug)]
pub struct Prepared<I> {
    settings: Settings,
    udp: Vec<UdpListener>,
    tcp: Vec<TcpAcceptor>,
    alarms: Vec<Arc<Alarm>>,
    mailboxes: Vec<Mailbox<I>>,
}

/// Binds every listener and makes a mailbox for every worker.
///
/// What arrives from now on waits in the kernel until [`Prepared::start`].
///
/// # Errors
/// When a listener cannot be bound; the message names it and the remedy.
pub fn prepare<I: Send + 'static>(settings: Settings) -> Result<Prepared<I>, Error> {
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        given => given,
    };
    if settings.listen.is_empty() {
        return Err(Error::NoListener);
    }
    let (mut udp, mut tcp) = (Vec::new(), Vec::new());
    for listen in &settings.listen {
        match listen.transport {
            Transport::Udp => udp.push(UdpListener::bind(*listen, workers)?),
            Transport::Tcp => tcp.push(TcpAcceptor::bind(*listen)?),
            Transport::Tls | Transport::Ws | Transport::Wss => return Err(Error::Transport(*listen)),
        }
    }
    let alarms = (0..workers)
        .map(|_| Alarm::new().map(Arc::new))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::Worker)?;
    let mailboxes =
        alarms.iter().map(|alarm| Mailbox::new(settings.limits.mailbox, Arc::clone(alarm))).collect();
    Ok(Prepared { settings, udp, tcp, alarms, mailboxes })
}

/// [`prepare`] and [`Prepared::start`] in one, for services that need no mailbox of another worker.
///
/// # Errors
/// See [`prepare`] and [`Prepared::start`].
pub fn start<S: Service + 'static>(
    settings: Settings,
    clock: SystemClock,
    tokio: &Handle,
    make: impl FnMut(usize, usize) -> S,
) -> Result<Signaling<S::Input>, Error> {
    prepare(settings)?.start(clock, tokio, make)
}

impl<I: Send + 'static> Prepared<I> {
    /// One mailbox per worker, in order.
    #[must_use]
    pub fn mailboxes(&self) -> &[Mailbox<I>] {
        &self.mailboxes
    }

    /// The listeners with the ports they really have.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<Listen> {
        self.udp.iter().map(|l| l.listen).chain(self.tcp.iter().map(TcpAcceptor::listen)).collect()
    }

    /// Starts the workers and accepts connections. `make(worker, of)` gives each worker its service.
    ///
    /// # Errors
    /// When the operating system refuses a thread or a descriptor.
    pub fn start<S: Service<Input = I> + 'static>(
        mut self,
        clock: SystemClock,
        tokio: &Handle,
        mut make: impl FnMut(usize, usize) -> S,
    ) -> Result<Signaling<I>, Error> {
        let workers = self.mailboxes.len();
        let listen = self.local_addrs();
        let capacity = self.settings.limits.mailbox;
        let inlets: Arc<[Inlet]> =
            self.alarms.iter().map(|alarm| Inlet::new(capacity, Arc::clone(alarm))).collect();
        let streams = Streams::new(&self.settings, &listen, Arc::clone(&inlets), clock, tokio.clone());
        let shared = Shared {
            listeners: self.udp.iter().map(|l| l.listen).collect(),
            inlets,
            streams,
            advertise: Arc::clone(&self.settings.advertise),
            stopping: Arc::new(AtomicBool::new(false)),
            clock,
        };
        let mut running = Signaling {
            listen,
            mailboxes: self.mailboxes.clone(),
            shared: shared.clone(),
            threads: Vec::new(),
        };
        for (index, mailbox) in self.mailboxes.into_iter().enumerate() {
            let sockets = self.udp.iter_mut().filter_map(|l| l.sockets.pop()).collect();
            let worker = Worker::new(index, shared.clone(), sockets, mailbox, make(index, workers))?;
            let thread = std::thread::Builder::new().name(format!("sip-{index}"));
            running.threads.push(thread.spawn(move || run(worker)).map_err(Error::Worker)?);
        }
        for acceptor in self.tcp {
            shared.streams.accept(acceptor)?;
        }
        Ok(running)
    }
}

/// Runs a worker to its end. Services catch the panics of single calls; one that comes as far as this has left a shard
/// that answers nothing, and a supervisor's restart loses less than half a server that looks alive.
fn run<S: Service>(worker: Worker<S>) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| worker.run())).is_err() {
        tracing::error!("a signalling worker panicked: ending the process");
        std::process::abort();
    }
}

/// The running signalling plane. Dropping it stops it.
pub struct Signaling<I> {
    listen: Vec<Listen>,
    mailboxes: Vec<Mailbox<I>>,
    shared: Shared,
    threads: Vec<JoinHandle<()>>,
}

impl<I> Signaling<I> {
    /// The listeners with the ports they really have.
    #[must_use]
    pub fn local_addrs(&self) -> &[Listen] {
        &self.listen
    }

    /// One mailbox per worker, in order.
    #[must_use]
    pub fn mailboxes(&self) -> &[Mailbox<I>] {
        &self.mailboxes
    }

    /// Open stream connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.streams.len()
    }

    /// Stops receiving, sends what the services still have to say over UDP, closes all connections and joins the
    /// workers.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.inlets.iter().for_each(Inlet::ring);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a signalling worker had panicked");
            }
        }
        self.shared.streams.close_all();
    }
}

impl<I> Drop for Signaling<I> {
    fn drop(&mut self) {
        self.halt();
    }
}

impl<I> std::fmt::Debug for Signaling<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signaling")
            .field("listen", &self.listen)
            .field("workers", &self.mailboxes.len())
            .finish_non_exhaustive()
    }
}

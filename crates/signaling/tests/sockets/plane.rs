//! A signalling plane whose service reports what it sees and echoes every message.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use clock::{SystemClock, Time};
use crosspoint_signaling::{Limits, Listen, Mailbox, Service, Settings, Signaling, start};
use sip::{Flow, Packet, Transmit, Transport};
use tokio::runtime::Runtime;

/// No event of these tests takes longer; a missing one fails the test.
pub(crate) const BOUND: Duration = Duration::from_secs(10);

/// What a service saw.
#[derive(Debug)]
pub(crate) enum Seen {
    Packet(usize, Packet),
    Timeout(Time),
    FlowError(Flow),
    Thread(PathBuf),
}

/// What a test tells a service.
pub(crate) enum Say {
    Send(Transmit),
    WakeAt(Time),
    /// Asks for the worker's folder in `/proc`.
    WhichThread,
}

pub(crate) struct Echo {
    worker: usize,
    seen: SyncSender<Seen>,
    out: VecDeque<Transmit>,
    wake_at: Option<Time>,
    echo: bool,
}

impl Service for Echo {
    type Input = Say;

    fn packet(&mut self, _now: Time, packet: Packet) {
        if self.echo {
            self.out.push_back(Transmit { flow: packet.flow, bytes: packet.bytes.clone() });
        }
        self.seen.send(Seen::Packet(self.worker, packet)).unwrap();
    }

    fn input(&mut self, _now: Time, input: Say) {
        match input {
            Say::Send(transmit) => self.out.push_back(transmit),
            Say::WakeAt(at) => self.wake_at = Some(at),
            Say::WhichThread => {
                let thread = Path::new("/proc").join(std::fs::read_link("/proc/thread-self").unwrap());
                self.seen.send(Seen::Thread(thread)).unwrap();
            }
        }
    }

    fn timeout(&mut self, now: Time) {
        self.wake_at = None;
        self.seen.send(Seen::Timeout(now)).unwrap();
    }

    fn next_timeout(&self) -> Option<Time> {
        self.wake_at
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.out.pop_front()
    }

    fn flow_error(&mut self, _now: Time, flow: Flow) {
        self.seen.send(Seen::FlowError(flow)).unwrap();
    }

    fn batch_end(&mut self, _now: Time) {}
}

/// The running plane; dropped, everything stops.
pub(crate) struct Plane {
    pub(crate) signaling: Signaling<Say>,
    pub(crate) seen: Receiver<Seen>,
    pub(crate) clock: SystemClock,
    _runtime: Runtime,
}

impl Plane {
    pub(crate) fn start(transport: Transport, workers: usize, limits: Limits) -> Plane {
        Plane::with_echo(transport, workers, limits, true)
    }

    pub(crate) fn with_echo(transport: Transport, workers: usize, limits: Limits, echo: bool) -> Plane {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock = SystemClock::new();
        let (sender, seen) = sync_channel(200_000);
        let settings = Settings {
            listen: vec![Listen { transport, addr: "127.0.0.1:0".parse().unwrap() }],
            workers,
            advertise: Arc::new(|_| "192.0.2.200".parse().unwrap()),
            limits,
        };
        let make =
            |worker, _of| Echo { worker, seen: sender.clone(), out: VecDeque::new(), wake_at: None, echo };
        let signaling = start(settings, clock, runtime.handle(), make).unwrap();
        Plane { signaling, seen, clock, _runtime: runtime }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.signaling.local_addrs()[0].addr
    }

    /// What a flow with `remote` looks like to the service.
    pub(crate) fn flow(&self, transport: Transport, remote: SocketAddr) -> Flow {
        let local = SocketAddr::new("192.0.2.200".parse().unwrap(), self.addr().port());
        Flow { transport, local, remote, connection: None }
    }

    pub(crate) fn mailbox(&self, worker: usize) -> &Mailbox<Say> {
        &self.signaling.mailboxes()[worker]
    }

    pub(crate) fn next(&self) -> Seen {
        self.seen.recv_timeout(BOUND).expect("the service sees something in time")
    }

    pub(crate) fn next_packet(&self) -> (usize, Packet) {
        match self.next() {
            Seen::Packet(worker, packet) => (worker, packet),
            other => panic!("expected a packet, saw {other:?}"),
        }
    }

    pub(crate) fn next_flow_error(&self) -> Flow {
        match self.next() {
            Seen::FlowError(flow) => flow,
            other => panic!("expected a flow error, saw {other:?}"),
        }
    }
}

/// A message of its own kind: only the Call-ID and the body are looked at by these tests.
pub(crate) fn message(call_id: &str, body: &str) -> Vec<u8> {
    format!(
        "OPTIONS sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nX-Odd:  \tkept as it is \r\n\
         Call-ID: {call_id}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

//! The handle of the media plane.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle, available_parallelism};

use clock::{Random, SystemClock};
use sdp::LegPlan;

use crate::io::{PacketIo, Wake, Watcher, make_room};
use crate::latch::Learning;
use crate::leg::{Leg, Plan, Ports};
use crate::mailbox::{Command, Mailbox};
use crate::pool::PortPool;
use crate::tally::Tally;
use crate::worker::{Shared, Worker, tokens};
use crate::{Counters, Error, Owner, SessionId, Settings, Sink, Tuning};

/// More than cores of the largest machines; each costs a stack and a table of sessions.
const MOST_WORKERS: u16 = 1_024;

/// Where the packets of a session go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To another session of the same group, unchanged.
    Peer(SessionId),
    /// Back to where they came from, under another SSRC (RFC 3550 §8.2: an SSRC that comes back looks like a loop).
    Echo,
    /// Nowhere; they are counted.
    Nothing,
}

/// A new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its id.
    pub session: SessionId,
    /// Its even RTP port; RTCP is one above.
    pub rtp_port: u16,
}

/// The media plane. Dropping it stops and joins the workers; sessions then end without events.
pub struct Media {
    workers: Vec<Running>,
    pool: Arc<PortPool>,
    clock: SystemClock,
}

/// A worker seen from outside.
struct Running {
    mailbox: Arc<Mailbox>,
    watcher: Watcher,
    tally: Arc<Tally>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Hands a leg over. Its sockets are watched from here on: so a packet wakes the worker, which then finds the leg
    /// in its mailbox, and nothing else needs to.
    fn open(&self, leg: Box<Leg>) -> Result<(), Error> {
        let (rtp, rtcp) = tokens(leg.id);
        self.watcher.open(&leg.ports.rtp, rtp).map_err(Error::Socket)?;
        self.watcher.open(&leg.ports.rtcp, rtcp).map_err(Error::Socket)?;
        self.mailbox.leave(Command::Open(leg))
    }
}

impl Media {
    /// Starts the workers.
    ///
    /// # Errors
    /// [`Error::NoPorts`] and [`Error::Start`].
    pub fn start(settings: Settings, sink: Arc<dyn Sink>, clock: SystemClock) -> Result<Media, Error> {
        Media::start_tuned(settings, Tuning::default(), sink, clock)
    }

    /// Starts the workers with other times than usual.
    ///
    /// # Errors
    /// As [`Media::start`].
    pub fn start_tuned(
        settings: Settings,
        tuning: Tuning,
        sink: Arc<dyn Sink>,
        clock: SystemClock,
    ) -> Result<Media, Error> {
        let mut random = Random::from_system().map_err(Error::Start)?;
        let pool = PortPool::new(settings.bind, settings.ports.clone(), tuning.quarantine, &mut random)?;
        make_room_for(pool.pairs());
        let mut media = Media { workers: Vec::new(), pool: Arc::new(pool), clock };
        let learning = Learning { window: settings.learning, takeover: tuning.takeover };
        for index in 0..worker_count(settings.workers) {
            let wake = Arc::new(Wake::new().map_err(Error::Start)?);
            let shared = Shared {
                mailbox: Arc::new(Mailbox::new(media.pool.pairs(), Arc::clone(&wake))),
                tally: Arc::default(),
                pool: Arc::clone(&media.pool),
                sink: Arc::clone(&sink),
                clock,
            };
            let (mailbox, tally) = (Arc::clone(&shared.mailbox), Arc::clone(&shared.tally));
            let io = PacketIo::new(wake).map_err(Error::Start)?;
            let watcher = io.watcher();
            let worker = Worker::new(io, shared, learning, settings.silence);
            let thread = Builder::new().name(format!("media-{index}")).spawn(move || worker.run());
            let thread = Some(thread.map_err(Error::Start)?);
            media.workers.push(Running { mailbox, watcher, tally, thread });
        }
        Ok(media)
    }

    /// Opens a session: binds an RTP and an RTCP port. All legs of a call share a `group`. Until [`Media::apply`]
    /// whatever arrives is dropped.
    ///
    /// # Errors
    /// [`Error::NoFreePort`], [`Error::Busy`], [`Error::Socket`].
    pub fn reserve(&self, group: u64, owner: Owner) -> Result<Reserved, Error> {
        let now = self.clock.now();
        let number = self.worker_of(group);
        let worker = self.workers.get(usize::from(number)).ok_or(Error::Busy)?;
        let pair = self.pool.take(now)?;
        let (rtp_port, index, generation) = (pair.rtp_port, pair.index, pair.generation);
        let session = SessionId::of(number, index, generation);
        let leg = Leg::new(session, owner, Ports { rtp: pair.rtp, rtcp: pair.rtcp });
        // On error its sockets are closed by then, whoever held them.
        worker.open(Box::new(leg)).inspect_err(|_| {
            self.pool.end(index, generation);
            self.pool.give_back(now, index);
        })?;
        Ok(Reserved { session, rtp_port })
    }

    /// Says how to treat a session and where its packets go; again after each offer and answer. The learned source
    /// is kept unless the signalled address changes.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::UnknownSession`], [`Error::OtherGroup`].
    pub fn apply(&self, session: SessionId, plan: LegPlan, target: Target) -> Result<(), Error> {
        let worker = self.worker(session)?;
        if let Target::Peer(peer) = target {
            self.worker(peer)?;
            if peer.worker() != session.worker() {
                return Err(Error::OtherGroup);
            }
        }
        worker.mailbox.send(Command::Apply(session, Box::new(Plan::from(plan)), target))
    }

    /// Ends a session. [`crate::Event::Released`] follows with its statistics; a session that is gone is ignored.
    /// Never refused: the way back has room for every session.
    pub fn release(&self, session: SessionId) {
        if let Ok(worker) = self.worker(session)
            && self.pool.end(session.pair(), session.generation())
        {
            worker.mailbox.release(session);
        }
    }

    /// Asks for [`crate::Event::Statistics`].
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::UnknownSession`].
    pub fn query(&self, session: SessionId) -> Result<(), Error> {
        self.worker(session)?.mailbox.send(Command::Query(session))
    }

    /// Ports that hold a session, two for each; those of an ended session count until they are closed.
    #[must_use]
    pub fn ports_in_use(&self) -> usize {
        self.pool.in_use() * 2
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = Counters::default();
        self.workers.iter().for_each(|worker| worker.tally.add_to(&mut counters));
        counters
    }

    /// Stops and joins the workers; sessions end without events.
    pub fn stop(self) {
        drop(self);
    }

    /// The worker of a session that is in use.
    fn worker(&self, session: SessionId) -> Result<&Running, Error> {
        let current = self.pool.is_current(session.pair(), session.generation());
        let worker = self.workers.get(usize::from(session.worker()));
        worker.filter(|_| current).ok_or(Error::UnknownSession)
    }

    /// Spreads groups over the workers, also those that are counted up.
    fn worker_of(&self, group: u64) -> u16 {
        // The multiplier is 2⁶⁴ divided by the golden ratio: neighbours land far from each other.
        let mixed = group.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let number = (mixed * self.workers.len() as u64) >> 32;
        u16::try_from(number).unwrap_or(0)
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.workers.iter().for_each(|worker| worker.mailbox.stop());
        for thread in self.workers.iter_mut().filter_map(|worker| worker.thread.take()) {
            if thread.join().is_err() {
                tracing::error!("a media worker ended by a panic");
            }
        }
    }
}

/// Two sockets for each pair; without them the server runs, with fewer calls.
fn make_room_for(pairs: usize) {
    let wanted = pairs as u64 * 2;
    match make_room(wanted) {
        Ok(allowed) if allowed < wanted => tracing::warn!(
            allowed,
            wanted,
            "fewer open files allowed than media ports configured; raise the limit (ulimit -n, LimitNOFILE)"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "cannot raise the limit of open files"),
    }
}

/// As configured, or one per core.
fn worker_count(configured: usize) -> u16 {
    let wanted = match configured {
        0 => available_parallelism().map_or(1, NonZero::get),
        count => count,
    };
    u16::try_from(wanted).unwrap_or(u16::MAX).min(MOST_WORKERS)
}

//! A worker thread: its sessions, their packets, its commands.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use clock::{SystemClock, Time};

use crate::io::{PacketIo, Ready, Received};
use crate::latch::Learning;
use crate::leg::{Leg, Reason, echoed};
use crate::mailbox::{Command, Mailbox};
use crate::pool::PortPool;
use crate::tally::Tally;
use crate::{Event, SessionId, Sink, Target};

/// In a socket's token: this is the RTCP socket. The bit is free because there are at most 32,767 port pairs.
const RTCP_BIT: u64 = 1 << 47;

/// The tokens under which a session's RTP and RTCP sockets are watched.
pub(crate) const fn tokens(session: SessionId) -> (u64, u64) {
    (session.as_u64(), session.as_u64() | RTCP_BIT)
}

/// What a worker shares with the rest.
pub(crate) struct Shared {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) pool: Arc<PortPool>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) clock: SystemClock,
}

/// One worker. Nothing is locked or allocated for a packet.
pub(crate) struct Worker {
    io: PacketIo,
    shared: Shared,
    /// By port pair.
    sessions: Box<[Option<Box<Leg>>]>,
    learning: Learning,
    silence: Duration,
    /// When some leg may have been silent long enough. Only packets move a leg's own time, and only further away, so
    /// nobody has to look before: an idle worker does not tick.
    next_check: Option<Time>,
}

impl Worker {
    /// A worker without sessions.
    pub(crate) fn new(io: PacketIo, shared: Shared, learning: Learning, silence: Duration) -> Worker {
        let sessions = std::iter::repeat_with(|| None).take(shared.pool.pairs()).collect();
        Worker { io, shared, sessions, learning, silence, next_check: None }
    }

    /// Runs until the mailbox says stop. A panic is a defect: counted, and the loop goes on with the next packet.
    pub(crate) fn run(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.turn_until_stopped())).is_err() {
            self.shared.tally.panics.add();
            tracing::error!("panic in a media worker; the packet or command at hand is lost");
        }
    }

    fn turn_until_stopped(&mut self) {
        while !self.shared.mailbox.is_stopped() {
            self.turn();
        }
    }

    /// One wait and all that it brought.
    fn turn(&mut self) {
        let timeout = if self.shared.mailbox.may_sleep() { self.until_check() } else { Some(Duration::ZERO) };
        let ready = self.io.wait(timeout);
        self.shared.mailbox.awake();
        let now = self.shared.clock.now();
        // Commands first: who sends because of an answer may be faster than our wake-up.
        self.obey(now);
        for index in 0..ready {
            if let Some(Ready::Port(token)) = self.io.ready(index) {
                self.receive(now, token);
            }
        }
        if self.next_check.is_some_and(|at| at <= now) {
            self.check_silence(now);
        }
    }

    fn until_check(&self) -> Option<Duration> {
        self.next_check.map(|at| at.since(self.shared.clock.now()))
    }

    // — commands —

    fn obey(&mut self, now: Time) {
        while let Some(command) = self.shared.mailbox.command() {
            self.command(now, command);
        }
        while let Some(session) = self.shared.mailbox.released() {
            // It may have been opened after the commands were looked at.
            while self.leg(session).is_none()
                && let Some(command) = self.shared.mailbox.command()
            {
                self.command(now, command);
            }
            self.close(now, session);
        }
    }

    fn command(&mut self, now: Time, command: Command) {
        match command {
            Command::Open(leg) => self.open(leg),
            Command::Apply(session, plan, target) => {
                let Some(leg) = leg_of(&mut self.sessions, session) else { return };
                leg.apply(now, *plan, target);
                let silent_at = leg.silent_at(self.silence);
                self.check_at(silent_at);
            }
            Command::Query(session) => {
                let Some(leg) = self.leg(session) else { return };
                let (owner, stats) = (leg.owner, leg.statistics());
                self.tell(Event::Statistics { owner, session, stats });
            }
        }
    }

    fn open(&mut self, leg: Box<Leg>) {
        let Some(place) = self.sessions.get_mut(usize::from(leg.id.pair())) else { return };
        *place = Some(leg);
        self.shared.tally.opened.add();
    }

    fn close(&mut self, now: Time, session: SessionId) {
        let Some(place) = self.sessions.get_mut(usize::from(session.pair())) else { return };
        let Some(leg) = place.take_if(|leg| leg.id == session) else { return };
        let (owner, stats) = (leg.owner, leg.statistics());
        // Closes the sockets, which also ends their watch.
        drop(leg);
        self.shared.pool.give_back(now, session.pair());
        self.shared.tally.closed.add();
        self.tell(Event::Released { owner, session, stats });
    }

    // — packets —

    fn receive(&mut self, now: Time, token: u64) {
        let session = SessionId::from_u64(token & !RTCP_BIT);
        let on_rtcp_port = token & RTCP_BIT != 0;
        let Some(leg) = leg_of(&mut self.sessions, session) else { return };
        let socket = if on_rtcp_port { &leg.ports.rtcp } else { &leg.ports.rtp };
        let outcome = match self.io.receive(socket) {
            Received::Packet(length, from) => {
                let packet = Datagram { session, length, from, now };
                if on_rtcp_port || leg.is_muxed() && rtp::is_rtcp(self.io.packet(length)) {
                    self.relay_rtcp(packet)
                } else {
                    self.relay_rtp(packet)
                }
            }
            Received::TooLong => Err(Reason::Junk),
            Received::Nothing => Ok(()),
        };
        if let Err(reason) = outcome {
            if reason != Reason::Held {
                self.shared.tally.dropped.add();
            }
            if let Some(leg) = leg_of(&mut self.sessions, session) {
                leg.dropped(reason);
            }
        }
    }

    /// Takes an RTP packet and sends it where the leg's target says.
    fn relay_rtp(&mut self, Datagram { session, length, from, now }: Datagram) -> Result<(), Reason> {
        let leg = leg_of(&mut self.sessions, session).ok_or(Reason::NoPeer)?;
        let passed = leg.take_rtp(now, self.io.packet(length), from, self.learning)?;
        let target = leg.target;
        self.shared.tally.received.add();
        if passed.resumed {
            self.tell_resumed(session);
        }
        if !passed.onward {
            return Err(Reason::Held);
        }
        let receiver = match target {
            Target::Peer(peer) => peer,
            Target::Echo => session,
            Target::Nothing => return Err(Reason::NoPeer),
        };
        let peer = leg_of(&mut self.sessions, receiver).ok_or(Reason::NoPeer)?;
        let to = peer.rtp_destination()?;
        if target == Target::Echo {
            rtp::rewrite_ssrc(self.io.packet_mut(length), echoed(passed.ssrc));
        }
        if !self.io.send(&peer.ports.rtp, length, &to) {
            return Err(Reason::NotSent);
        }
        peer.sent_rtp(passed.payload_bytes);
        self.shared.tally.sent.add();
        Ok(())
    }

    /// Takes an RTCP compound and sends it to the peer. The echo keeps it: reports about its own stream would confuse
    /// the sender. Hold does not stop it (RFC 3264 §5.1).
    fn relay_rtcp(&mut self, Datagram { session, length, from, now }: Datagram) -> Result<(), Reason> {
        let leg = leg_of(&mut self.sessions, session).ok_or(Reason::NoPeer)?;
        let report = leg.take_rtcp(now, self.io.packet(length), from, self.learning)?;
        let target = leg.target;
        self.shared.tally.received.add();
        let Target::Peer(peer) = target else { return Ok(()) };
        let peer = leg_of(&mut self.sessions, peer).ok_or(Reason::NoPeer)?;
        let (socket, to) = peer.rtcp_destination().ok_or(Reason::NoPeer)?;
        if !self.io.send(socket, length, &to) {
            return Err(Reason::NotSent);
        }
        peer.sent_rtcp(now, report);
        self.shared.tally.sent.add();
        Ok(())
    }

    // — silence —

    /// Tells of legs that are silent long enough and finds when the next may be.
    fn check_silence(&mut self, now: Time) {
        self.next_check = None;
        for place in 0..self.sessions.len() {
            let Some(Some(leg)) = self.sessions.get_mut(place) else { continue };
            let Some(at) = leg.silent_at(self.silence) else { continue };
            if at <= now {
                let (owner, session, since) = (leg.owner, leg.id, leg.fell_silent());
                self.tell(Event::Silent { owner, session, since });
            } else {
                self.check_at(Some(at));
            }
        }
    }

    /// Looks for silence at this time, if not before.
    fn check_at(&mut self, at: Option<Time>) {
        self.next_check = self.next_check.into_iter().chain(at).min();
    }

    fn tell_resumed(&mut self, session: SessionId) {
        let Some(leg) = self.leg(session) else { return };
        let (owner, silent_at) = (leg.owner, leg.silent_at(self.silence));
        self.check_at(silent_at);
        self.tell(Event::Resumed { owner, session });
    }

    fn tell(&self, event: Event) {
        self.shared.sink.media_event(event);
    }

    // — sessions —

    fn leg(&self, session: SessionId) -> Option<&Leg> {
        let leg = self.sessions.get(usize::from(session.pair()))?.as_deref()?;
        (leg.id == session).then_some(leg)
    }
}

/// A datagram that lies in the buffer.
#[derive(Clone, Copy)]
struct Datagram {
    session: SessionId,
    length: usize,
    from: SocketAddr,
    now: Time,
}

/// The leg with this id; none when the pair has another use by now.
fn leg_of(sessions: &mut [Option<Box<Leg>>], session: SessionId) -> Option<&mut Leg> {
    let leg = sessions.get_mut(usize::from(session.pair()))?.as_deref_mut()?;
    (leg.id == session).then_some(leg)
}

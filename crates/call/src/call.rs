//! The call itself: its state, and the way in and out.

use std::collections::VecDeque;

use clock::Time;
use model::{AccountId, CallUid, TenantId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::machine::Reoffer;
use crate::timer::{Timer, Timers};
use crate::{Action, End, Event, Forking, Leg, LegId, LegState, MAX_BRANCHES, Route, Setup, Timing};

/// One call: the caller's leg, the branches it forks to, and what joins them.
///
/// Events in, actions out. All of it is data: written down and read back it goes on with the same actions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub(crate) head: Head,
    /// The caller's first.
    pub(crate) legs: Vec<Leg>,
    pub(crate) phase: Phase,
    pub(crate) fork: Fork,
    /// The offer that is being passed from one side to the other.
    pub(crate) reoffer: Option<Reoffer>,
    pub(crate) times: Times,
    pub(crate) timers: Timers,
    pub(crate) actions: VecDeque<Action>,
}

/// What does not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) uid: CallUid,
    pub(crate) tenant: TenantId,
    pub(crate) external_id: Option<String>,
    pub(crate) to_number: String,
    pub(crate) sip_call_id: String,
    pub(crate) callee: Callee,
    pub(crate) timing: Timing,
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Callee {
    Account(AccountId),
    Echo,
    Nobody,
}

/// Where the call stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// No branch has answered.
    Ringing,
    /// Answered; the open record is being committed, then the caller gets this description.
    Committing { peer: Option<LegId>, sdp: bytes::Bytes },
    /// The caller has its 200. Without a peer the server itself is the other end.
    Talking { peer: Option<LegId> },
    /// Over; last reports are awaited.
    Ending { end: End, closed: bool },
}

/// How the branches are doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fork {
    pub(crate) forking: Forking,
    /// The branch whose early media the caller hears.
    pub(crate) early: Option<LegId>,
    /// Provisional statuses the caller has got.
    pub(crate) told: SmallVec<[u16; 4]>,
    /// The best of the ends of the branches.
    pub(crate) best: Option<End>,
}

/// When things happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) started: Time,
    pub(crate) ringing: Option<Time>,
    pub(crate) answered: Option<Time>,
    pub(crate) ended: Option<Time>,
}

/// Where a call stands, as shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Nothing rings yet.
    Trying,
    /// A branch rings.
    Ringing,
    /// Both sides talk.
    Answered,
    /// One side holds the other.
    Held,
    /// Over.
    Ending,
}

/// Handling.
impl Call {
    /// A call begins; its first actions wait to be polled.
    #[must_use]
    pub fn start(now: Time, setup: Setup) -> Call {
        let Setup { uid, tenant, caller, external_id, to_number, sip_call_id, offer, route, timing } = setup;
        let callee = match &route {
            Route::Ring { account, .. } => Callee::Account(*account),
            Route::Echo => Callee::Echo,
            Route::Refuse(_) => Callee::Nobody,
        };
        let mut first = Leg::new(caller, None, LegState::Calling);
        first.media.received = offer;
        let mut call = Call {
            head: Head { uid, tenant, external_id, to_number, sip_call_id, callee, timing },
            legs: vec![first],
            phase: Phase::Ringing,
            fork: Fork::default(),
            reoffer: None,
            times: Times { started: now, ringing: None, answered: None, ended: None },
            timers: Timers::default(),
            actions: VecDeque::new(),
        };
        match route {
            Route::Ring { branches, forking, .. } => {
                call.fork.forking = forking;
                let legs = branches.into_iter().take(MAX_BRANCHES);
                call.legs.extend(legs.map(|(party, to)| Leg::new(party, Some(to), LegState::Waiting)));
                call.begin_ringing(now);
            }
            Route::Echo => call.begin_echo(now),
            Route::Refuse(end) => call.finish(now, end),
        }
        call
    }

    /// Something happened. Poll the actions to the end afterwards.
    pub fn handle(&mut self, now: Time, event: Event) {
        match event {
            Event::Reserved { leg, local } => self.reserved(now, leg, local),
            Event::NotReserved { leg } => self.not_reserved(now, leg),
            Event::Released { leg, totals } => self.released(leg, *totals),
            Event::Provisional { leg, status, sdp } => self.provisional(now, leg, status, sdp),
            Event::Answered { leg, sdp, user_agent } => self.answered(now, leg, sdp, user_agent),
            Event::Rejected { leg, status, how } => self.rejected(now, leg, status, how),
            Event::Cancelled => self.cancelled(now),
            Event::Acked { sdp } => self.acked(now, sdp),
            Event::AckTimeout { .. } => self.finish(now, End::Unacknowledged),
            Event::Reinvite { leg, sdp } => self.reinvite(now, leg, sdp),
            Event::ReinviteAcked { leg, sdp } => self.reinvite_acked(now, leg, sdp),
            Event::ReinviteOutcome { leg, status, sdp } => self.reinvite_outcome(now, leg, status, sdp),
            Event::Ended { leg } => self.ended(now, leg),
            Event::Committed => self.committed(now),
            Event::Silent { leg } => self.silent(now, leg),
            Event::HangUp => self.finish(now, End::Operator),
            Event::Abandon { why } => self.finish(now, why.into()),
        }
    }

    /// The time of [`Call::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Ring => self.rung_out(now),
                Timer::Hunt => self.next_group(now),
                Timer::Commit => {
                    self.actions.push_back(Action::CountUncommitted);
                    self.committed(now);
                }
                Timer::Duration => self.finish(now, End::TooLong),
                Timer::Reoffer => self.reoffer_unanswered(),
                Timer::Totals => self.close_record(),
                Timer::Linger => self.forget_legs(),
            }
        }
    }
}

/// Polling.
impl Call {
    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Call::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }
}

/// Looking.
impl Call {
    /// Its id.
    #[must_use]
    pub fn uid(&self) -> CallUid {
        self.head.uid
    }

    /// The tenant of the caller.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.head.tenant
    }

    /// What was dialled.
    #[must_use]
    pub fn to_number(&self) -> &str {
        &self.head.to_number
    }

    /// The legs with their ids, the caller's first.
    pub fn legs(&self) -> impl Iterator<Item = (LegId, &Leg)> {
        (0..=u8::MAX).map(LegId).zip(&self.legs)
    }

    /// One leg.
    #[must_use]
    pub fn leg(&self, leg: LegId) -> Option<&Leg> {
        self.legs.get(leg.index())
    }

    /// The leg joined with this one.
    #[must_use]
    pub fn peer_of(&self, leg: LegId) -> Option<LegId> {
        let peer = match &self.phase {
            Phase::Talking { peer } | Phase::Committing { peer, .. } => (*peer)?,
            Phase::Ringing | Phase::Ending { .. } => return None,
        };
        match leg {
            LegId::CALLER => Some(peer),
            leg if leg == peer => Some(LegId::CALLER),
            _ => None,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Ringing if self.times.ringing.is_some() => State::Ringing,
            Phase::Ringing => State::Trying,
            Phase::Committing { .. } => State::Ringing,
            Phase::Talking { .. } if self.legs.iter().any(Leg::is_held) => State::Held,
            Phase::Talking { .. } => State::Answered,
            Phase::Ending { .. } => State::Ending,
        }
    }

    /// When the INVITE came.
    #[must_use]
    pub fn started_at(&self) -> Time {
        self.times.started
    }

    /// When it was answered.
    #[must_use]
    pub fn answered_at(&self) -> Option<Time> {
        self.times.answered
    }

    /// When the first branch rang.
    #[must_use]
    pub fn ringing_at(&self) -> Option<Time> {
        self.times.ringing
    }

    /// Whether everything has come to its end and the call can be forgotten: its record is closed, no leg has a
    /// dialog that could still speak, no media session is held.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ending { closed: true, .. })
            && self.legs.iter().all(|leg| leg.state == LegState::Gone && !leg.media_in_flight())
    }
}

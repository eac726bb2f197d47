//! From the INVITE to the answer: forking, ringing, early media, the one that wins.

use bytes::Bytes;
use clock::Time;
use sdp::{Local, Session};
use sip::StatusCode;

use super::best;
use crate::call::{Call, Callee, Phase};
use crate::leg::MediaSession;
use crate::timer::Timer;
use crate::{Action, End, Forking, LegId, LegState, Rejection};

/// The caller is told at most this many different provisional statuses; a peer cannot make us repeat more.
const MAX_TOLD: usize = 4;

impl Call {
    pub(crate) fn begin_ringing(&mut self, now: Time) {
        if let Some(end) = self.unusable_offer() {
            return self.finish(now, end);
        }
        if self.legs.len() < 2 {
            return self.finish(now, End::NotRegistered);
        }
        self.timers.set(Timer::Ring, now + self.head.timing.ring);
        self.reserve(LegId::CALLER);
        self.start_group(now);
    }

    /// Why the caller's offer cannot be used, if it cannot. No offer is fine: the callee makes it.
    pub(crate) fn unusable_offer(&self) -> Option<End> {
        let offer = self.legs.first()?.media.received.clone()?;
        let error = match Session::from_bytes(offer) {
            Ok(session) if session.audio().is_some() => return None,
            Ok(_) => sdp::SdpError::NoAudio,
            Err(error) => error,
        };
        Some(End::BadOffer(super::media::status_of(error)))
    }

    /// Reserves media for the branches whose turn it is: all that wait, or those that are preferred most.
    fn start_group(&mut self, now: Time) {
        let waiting: Vec<(LegId, u16)> = self
            .legs()
            .filter(|(_, leg)| leg.state == LegState::Waiting && !leg.holds_media())
            .map(|(id, leg)| (id, leg.contact.as_ref().map_or(0, |contact| contact.q_milli)))
            .collect();
        let first = waiting.iter().map(|entry| entry.1).max().unwrap_or(0);
        let parallel = self.fork.forking == Forking::Parallel;
        let group = waiting.iter().filter(|entry| parallel || entry.1 == first);
        let mut size = 0;
        for (leg, _) in group {
            self.reserve(*leg);
            size += 1;
        }
        if size < waiting.len() {
            self.timers.set(Timer::Hunt, now + self.head.timing.hunt);
        }
    }

    /// Invites a branch that has its media session.
    pub(crate) fn invite(&mut self, now: Time, id: LegId, local: Local) {
        let offer = self.legs.first().and_then(|caller| caller.media.received.clone());
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        let sdp = match offer.map(|offer| super::media::offer_for(leg, offer, local)).transpose() {
            Ok(sdp) => sdp,
            Err(error) => return self.finish(now, End::BadOffer(super::media::status_of(error))),
        };
        leg.state = LegState::Calling;
        self.actions.push_back(Action::Invite { leg: id, sdp });
    }

    pub(crate) fn provisional(&mut self, now: Time, id: LegId, status: StatusCode, sdp: Option<Bytes>) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        if self.phase != Phase::Ringing || !leg.state.is_early() {
            return;
        }
        if status == StatusCode::RINGING || sdp.is_some() {
            leg.state = LegState::Ringing;
            self.times.ringing.get_or_insert(now);
        }
        // RFC 3960 §3.2: once the caller hears early media, a later 180 must not make its phone ring over it.
        if self.fork.early.is_some() {
            return;
        }
        let early = sdp.and_then(|sdp| self.connect_early(id, sdp));
        let code = status.as_u16();
        if early.is_none() && (self.fork.told.contains(&code) || self.fork.told.len() == MAX_TOLD) {
            return;
        }
        self.fork.told.push(code);
        self.actions.push_back(Action::Provisional { status, sdp: early });
    }

    /// Joins the caller with a branch that sends media before it answers; the description for the caller.
    fn connect_early(&mut self, id: LegId, sdp: Bytes) -> Option<Bytes> {
        // Without an offer of the caller this would be an offer in an unreliable response (RFC 3261 §13.2.1): ignored.
        self.legs.first()?.media.received.as_ref()?;
        let answer = self.pass_answer(LegId::CALLER, id, sdp).ok()?;
        self.fork.early = Some(id);
        Some(answer)
    }

    pub(crate) fn answered(&mut self, now: Time, id: LegId, sdp: Option<Bytes>, user_agent: Option<String>) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        if self.phase != Phase::Ringing || !leg.state.is_early() {
            // A 2xx that crossed our CANCEL: RFC 3261 §9.1 leaves nothing but to end what was never wanted.
            if leg.state == LegState::Cancelling {
                leg.state = LegState::Gone;
                let why =
                    if let Phase::Ending { end, .. } = self.phase { end } else { End::AnsweredElsewhere };
                self.actions.push_back(Action::Ack { leg: id, sdp: None });
                self.actions.push_back(Action::Bye { leg: id, why });
            }
            return;
        }
        leg.state = LegState::Answered;
        leg.status = Some(StatusCode::OK);
        if user_agent.is_some() {
            leg.party.user_agent = user_agent;
        }
        let early_offer = self.legs.first().is_some_and(|caller| caller.media.received.is_some());
        let for_caller = match sdp {
            Some(answer) if early_offer => self.pass_answer(LegId::CALLER, id, answer),
            Some(offer) => self.pass_offer(LegId::CALLER, id, offer),
            None => Err(sdp::SdpError::NoAudio),
        };
        let Ok(for_caller) = for_caller else {
            self.drop_dialog(id, End::BadAnswer);
            return self.branch_over(now, id, End::BadAnswer);
        };
        if early_offer {
            self.acknowledge(id, None);
        }
        self.cancel_branches(End::AnsweredElsewhere);
        self.answer_committed(now, Some(id), for_caller);
    }

    /// Writes the open record; its commit sends the answer.
    pub(crate) fn answer_committed(&mut self, now: Time, peer: Option<LegId>, sdp: Bytes) {
        self.times.answered = Some(now);
        self.timers.clear(Timer::Ring);
        self.timers.clear(Timer::Hunt);
        self.timers.set(Timer::Commit, now + self.head.timing.commit);
        self.phase = Phase::Committing { peer, sdp };
        let record = self.record(None);
        self.actions.push_back(Action::OpenRecord(record));
    }

    pub(crate) fn committed(&mut self, now: Time) {
        let Phase::Committing { peer, sdp } = &self.phase else { return };
        let (peer, sdp) = (*peer, sdp.clone());
        self.timers.clear(Timer::Commit);
        self.timers.set(Timer::Duration, now + self.head.timing.call);
        self.phase = Phase::Talking { peer };
        if let Some(caller) = self.legs.first_mut() {
            caller.state = LegState::Answered;
            caller.status = Some(StatusCode::OK);
        }
        self.actions.push_back(Action::Answer { sdp });
    }

    pub(crate) fn rejected(&mut self, now: Time, id: LegId, status: StatusCode, how: Rejection) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        let was = leg.state;
        if !was.is_early() && was != LegState::Cancelling {
            return;
        }
        leg.state = LegState::Gone;
        leg.status.get_or_insert(status);
        if self.phase == Phase::Ringing && was.is_early() {
            self.branch_over(now, id, best::meaning(status, how));
        }
    }

    /// A branch is out; the others may still answer.
    pub(crate) fn branch_over(&mut self, now: Time, id: LegId, end: End) {
        if let Some(leg) = self.legs.get_mut(id.index()) {
            leg.state = LegState::Gone;
        }
        self.release(id);
        if self.fork.early == Some(id) {
            self.fork.early = None;
        }
        self.fork.best = Some(self.fork.best.map_or(end, |best| best::better(best, end)));
        if best::is_global(end) {
            return self.finish(now, end);
        }
        let in_turn =
            |leg: &crate::Leg| leg.state.is_early() || leg.state == LegState::Waiting && leg.holds_media();
        if !self.legs.iter().skip(1).any(in_turn) {
            self.next_group(now);
        }
    }

    /// The present group has had its time: the next one, or the best of what came.
    pub(crate) fn next_group(&mut self, now: Time) {
        if self.phase != Phase::Ringing {
            return;
        }
        self.timers.clear(Timer::Hunt);
        let tried = self.legs().filter(|(id, leg)| !id.is_caller() && leg.state.is_early());
        for id in tried.map(|(id, _)| id).collect::<Vec<_>>() {
            self.fork.best =
                Some(self.fork.best.map_or(End::NoAnswer, |best| best::better(best, End::NoAnswer)));
            self.cancel_branch(id, End::NoAnswer);
        }
        if self.legs.iter().any(|leg| leg.state == LegState::Waiting && !leg.holds_media()) {
            self.start_group(now);
        } else {
            let end = self.fork.best.unwrap_or(End::NoReply);
            self.finish(now, end);
        }
    }

    /// Nobody answered in time.
    pub(crate) fn rung_out(&mut self, now: Time) {
        let rang = self.times.ringing.is_some();
        self.finish(now, if rang { End::NoAnswer } else { End::NoReply });
    }

    pub(crate) fn cancelled(&mut self, now: Time) {
        let Some(caller) = self.legs.first_mut() else { return };
        if caller.state == LegState::Calling {
            caller.state = LegState::Gone;
            self.finish(now, End::Cancelled);
        }
    }

    /// Cancels every branch that has not answered.
    pub(crate) fn cancel_branches(&mut self, why: End) {
        let open: Vec<LegId> = self
            .legs()
            .filter(|(id, leg)| !id.is_caller() && (leg.state.is_early() || leg.state == LegState::Waiting))
            .map(|(id, _)| id)
            .collect();
        for id in open {
            self.cancel_branch(id, why);
        }
    }

    fn cancel_branch(&mut self, id: LegId, why: End) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        if leg.state.is_early() {
            leg.state = LegState::Cancelling;
            leg.status = Some(StatusCode::REQUEST_TERMINATED);
            self.actions.push_back(Action::Cancel { leg: id, why });
        } else {
            leg.state = LegState::Gone;
        }
        if self.fork.early == Some(id) {
            self.fork.early = None;
        }
        self.release(id);
    }

    pub(crate) fn reserved(&mut self, now: Time, id: LegId, local: Local) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        if leg.media.session != MediaSession::Asked {
            return;
        }
        leg.media.session = MediaSession::Held(local);
        match (&self.phase, leg.state) {
            (Phase::Ringing, LegState::Waiting) => self.invite(now, id, local),
            (Phase::Ringing, LegState::Calling) if self.head.callee == Callee::Echo => {
                self.answer_echo(now, local)
            }
            (Phase::Ringing, LegState::Calling) => {}
            // It was asked for before the end and comes after it.
            _ => self.release(id),
        }
    }

    pub(crate) fn not_reserved(&mut self, now: Time, id: LegId) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        leg.media.session = MediaSession::None;
        match (&self.phase, id.is_caller()) {
            (Phase::Ringing, true) => self.finish(now, End::NoMediaPort),
            (Phase::Ringing, false) if leg.state == LegState::Waiting => {
                self.branch_over(now, id, End::NoMediaPort)
            }
            _ => self.close_record_if_complete(),
        }
    }
}

//! After the answer: the ACK, later offers in both directions, holding.

use std::time::Duration;

use bytes::Bytes;
use clock::Time;
use sdp::{SdpError, Session};
use serde::{Deserialize, Serialize};
use sip::StatusCode;

use super::media::status_of;
use crate::call::{Call, Phase};
use crate::timer::Timer;
use crate::{Action, End, LegId, LegState, Target};

/// How long the other side may think about a re-INVITE: longer than its transaction lives without a response.
const REOFFER_WAIT: Duration = Duration::from_secs(40);

/// An offer on its way from one side to the other and back. There is never more than one in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reoffer {
    /// Who sent the re-INVITE.
    asker: LegId,
    /// Who was asked.
    asked: LegId,
    /// The asker's offer; none left it to the other side.
    offer: Option<Bytes>,
    /// The other side's offer went to the asker, whose ACK brings the answer.
    turned: bool,
}

impl Call {
    /// Acknowledges a branch's 2xx.
    pub(crate) fn acknowledge(&mut self, id: LegId, sdp: Option<Bytes>) {
        if let Some(leg) = self.legs.get_mut(id.index()) {
            leg.state = LegState::Confirmed;
            self.actions.push_back(Action::Ack { leg: id, sdp });
        }
    }

    pub(crate) fn acked(&mut self, now: Time, sdp: Option<Bytes>) {
        let Phase::Talking { peer } = self.phase else { return };
        let Some(caller) = self.legs.first_mut().filter(|caller| caller.state == LegState::Answered) else {
            return;
        };
        caller.state = LegState::Confirmed;
        let late = caller.media.received.is_none();
        if !late {
            return;
        }
        let Some(answer) = sdp else { return self.finish(now, End::NoDescription) };
        match peer {
            Some(peer) => match self.pass_answer(peer, LegId::CALLER, answer) {
                Ok(for_callee) => self.acknowledge(peer, Some(for_callee)),
                Err(_) => self.finish(now, End::NoDescription),
            },
            None => {
                if self.answered_to_us(answer).is_err() {
                    self.finish(now, End::NoDescription);
                }
            }
        }
    }

    /// The caller's answer to an offer of our own.
    fn answered_to_us(&mut self, answer: Bytes) -> Result<(), SdpError> {
        let theirs = Session::from_bytes(answer.clone())?;
        let ours = self.session_of(LegId::CALLER, |leg| leg.media.sent.clone())?;
        let plan = sdp::leg_plan(&theirs, &ours)?;
        self.note_received(LegId::CALLER, answer);
        self.apply(LegId::CALLER, plan, Target::Echo);
        Ok(())
    }

    pub(crate) fn reinvite(&mut self, now: Time, asker: LegId, offer: Option<Bytes>) {
        let refuse = |status| Action::RespondReinvite { leg: asker, status, sdp: None };
        if !self.legs.get(asker.index()).is_some_and(|leg| leg.state.is_up()) {
            return;
        }
        if self.phase == (Phase::Talking { peer: None }) {
            return self.reinvite_echo(offer);
        }
        let asked = self.peer_of(asker).filter(|_| matches!(self.phase, Phase::Talking { .. }));
        let ready = |id: LegId| self.legs.get(id.index()).is_some_and(|leg| leg.state == LegState::Confirmed);
        // RFC 3261 §14.2: another offer is under way, here or on the other side.
        let Some(asked) = asked.filter(|asked| self.reoffer.is_none() && ready(*asked)) else {
            self.actions.push_back(refuse(StatusCode::REQUEST_PENDING));
            return;
        };
        let passed = match offer.clone().map(|offer| self.offer_to(asked, offer)).transpose() {
            Ok(passed) => passed,
            Err(error) => {
                self.actions.push_back(refuse(status_of(error)));
                return;
            }
        };
        self.reoffer = Some(Reoffer { asker, asked, offer, turned: false });
        self.timers.set(Timer::Reoffer, now + REOFFER_WAIT);
        self.actions.push_back(Action::Reinvite { leg: asked, sdp: passed });
    }

    fn offer_to(&mut self, to: LegId, offer: Bytes) -> Result<Bytes, SdpError> {
        let leg = self.legs.get_mut(to.index()).ok_or(SdpError::NoAudio)?;
        let local = leg.local().ok_or(SdpError::NoAudio)?;
        super::media::offer_for(leg, offer, local)
    }

    pub(crate) fn reinvite_outcome(&mut self, now: Time, id: LegId, status: StatusCode, sdp: Option<Bytes>) {
        let success = (200..300).contains(&status.as_u16());
        let Some(reoffer) = self.reoffer.take_if(|reoffer| reoffer.asked == id && !reoffer.turned) else {
            // The asker has got its refusal in the meantime.
            if success && self.legs.get(id.index()).is_some_and(|leg| leg.state.is_up()) {
                self.actions.push_back(Action::Ack { leg: id, sdp: None });
            }
            return;
        };
        if success {
            return self.reinvite_accepted(reoffer, sdp);
        }
        self.timers.clear(Timer::Reoffer);
        let status = match status.as_u16() {
            // RFC 3261 §12.2.1.2: the other side has forgotten the dialog.
            408 | 481 => {
                self.reoffer = Some(reoffer);
                return self.finish(now, End::DialogLost);
            }
            // Concerns our dialog with the other side only.
            300..=399 | 401 | 407 | 503 => StatusCode::SERVER_INTERNAL_ERROR,
            _ => status,
        };
        self.actions.push_back(Action::RespondReinvite { leg: reoffer.asker, status, sdp: None });
    }

    fn reinvite_accepted(&mut self, reoffer: Reoffer, sdp: Option<Bytes>) {
        let Reoffer { asker, asked, offer, .. } = reoffer;
        let asker_early = offer.is_some();
        let passed = match (offer, sdp) {
            (Some(offer), Some(answer)) => {
                self.note_received(asker, offer);
                self.pass_answer(asker, asked, answer)
            }
            (None, Some(offer)) => self.pass_offer(asker, asked, offer),
            (_, None) => Err(SdpError::NoAudio),
        };
        if asker_early || passed.is_err() {
            self.timers.clear(Timer::Reoffer);
            self.actions.push_back(Action::Ack { leg: asked, sdp: None });
        } else {
            self.reoffer = Some(Reoffer { asker, asked, offer: None, turned: true });
        }
        let (status, sdp) = match passed {
            Ok(sdp) => (StatusCode::OK, Some(sdp)),
            Err(_) => (StatusCode::NOT_ACCEPTABLE_HERE, None),
        };
        self.actions.push_back(Action::RespondReinvite { leg: asker, status, sdp });
    }

    pub(crate) fn reinvite_acked(&mut self, now: Time, id: LegId, sdp: Option<Bytes>) {
        if self.phase == (Phase::Talking { peer: None }) {
            if let Some(answer) = sdp
                && self.answered_to_us(answer).is_err()
            {
                self.finish(now, End::NoDescription);
            }
            return;
        }
        let Some(reoffer) = self.reoffer.take_if(|reoffer| reoffer.asker == id && reoffer.turned) else {
            return;
        };
        self.timers.clear(Timer::Reoffer);
        let answer = sdp.ok_or(SdpError::NoAudio);
        match answer.and_then(|answer| self.pass_answer(reoffer.asked, id, answer)) {
            Ok(for_asked) => self.actions.push_back(Action::Ack { leg: reoffer.asked, sdp: Some(for_asked) }),
            Err(_) => {
                self.actions.push_back(Action::Ack { leg: reoffer.asked, sdp: None });
                self.finish(now, End::NoDescription);
            }
        }
    }

    /// The other side said nothing final to a re-INVITE.
    pub(crate) fn reoffer_unanswered(&mut self) {
        if let Some(reoffer) = self.reoffer.take() {
            let (leg, status) = (reoffer.asker, StatusCode::SERVER_TIMEOUT);
            if !reoffer.turned {
                self.actions.push_back(Action::RespondReinvite { leg, status, sdp: None });
            }
        }
    }

    /// RFC 3261 §15.1.2: a request that is still pending when the dialog ends gets 487.
    pub(crate) fn answer_pending_reinvite(&mut self) {
        let Some(reoffer) = self.reoffer.take() else { return };
        let up = |id: LegId| self.legs.get(id.index()).is_some_and(|leg| leg.state.is_up());
        if reoffer.turned && up(reoffer.asked) {
            self.actions.push_back(Action::Ack { leg: reoffer.asked, sdp: None });
        } else if !reoffer.turned && up(reoffer.asker) {
            let (leg, status) = (reoffer.asker, StatusCode::REQUEST_TERMINATED);
            self.actions.push_back(Action::RespondReinvite { leg, status, sdp: None });
        }
    }
}

//! Descriptions and media sessions: what each side is told, and what the media plane does with its packets.

use bytes::Bytes;
use sdp::{LegPlan, Local, SdpError, Session};
use sip::StatusCode;

use crate::call::Call;
use crate::leg::MediaSession;
use crate::{Action, Leg, LegId, Target, Totals};

/// The SIP status that refuses a description.
pub(crate) fn status_of(error: SdpError) -> StatusCode {
    StatusCode::new(error.sip_status()).unwrap_or(StatusCode::NOT_ACCEPTABLE_HERE)
}

/// The offer for a leg, made of another leg's. Where descriptions were exchanged before, the streams keep their places.
pub(crate) fn offer_for(leg: &mut Leg, theirs: Bytes, local: Local) -> Result<Bytes, SdpError> {
    let theirs = Session::from_bytes(theirs)?;
    let ours = match &leg.media.sent {
        Some(previous) => {
            let previous = Session::from_bytes(previous.clone())?;
            sdp::relay_reoffer(&theirs, &previous, local, &mut leg.media.origin)?
        }
        None => sdp::relay_offer(&theirs, local, &mut leg.media.origin)?,
    };
    let ours = ours.to_bytes();
    leg.media.sent = Some(ours.clone());
    Ok(ours)
}

impl Call {
    pub(crate) fn reserve(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(id.index())
            && leg.media.session == MediaSession::None
        {
            leg.media.session = MediaSession::Asked;
            self.actions.push_back(Action::Reserve(id));
        }
    }

    /// Gives a leg's media session back. One that is still asked for is given back when it comes.
    pub(crate) fn release(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(id.index())
            && matches!(leg.media.session, MediaSession::Held(_))
        {
            leg.media.session = MediaSession::Releasing;
            self.actions.push_back(Action::Release(id));
        }
    }

    pub(crate) fn released(&mut self, id: LegId, totals: Totals) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        if leg.media.session == MediaSession::Releasing {
            leg.media.session = MediaSession::None;
            leg.media.totals = Some(totals);
            self.close_record_if_complete();
        }
    }

    /// Passes the offer of `from` on to `to`: the description for `to`.
    pub(crate) fn pass_offer(&mut self, to: LegId, from: LegId, offer: Bytes) -> Result<Bytes, SdpError> {
        let ours = {
            let leg = self.legs.get_mut(to.index()).ok_or(SdpError::NoAudio)?;
            let local = leg.local().ok_or(SdpError::NoAudio)?;
            offer_for(leg, offer.clone(), local)?
        };
        self.note_received(from, offer);
        Ok(ours)
    }

    /// Passes the answer of `from` on to `to`, whose offer is the last description received from it; joins their media.
    pub(crate) fn pass_answer(&mut self, to: LegId, from: LegId, answer: Bytes) -> Result<Bytes, SdpError> {
        let answered = Session::from_bytes(answer.clone())?;
        let offered_there = self.session_of(from, |leg| leg.media.sent.clone())?;
        let offered_here = self.session_of(to, |leg| leg.media.received.clone())?;
        if answered.audio().is_none() {
            return Err(SdpError::NoAudio);
        }
        let leg = self.legs.get_mut(to.index()).ok_or(SdpError::NoAudio)?;
        let local = leg.local().ok_or(SdpError::NoAudio)?;
        let ours = sdp::relay_answer(&offered_here, &answered, local, &mut leg.media.origin)?;
        let plan_to = sdp::leg_plan(&offered_here, &ours)?;
        let plan_from = sdp::leg_plan(&answered, &offered_there)?;
        let ours = ours.to_bytes();
        leg.media.sent = Some(ours.clone());
        self.note_received(from, answer);
        self.apply(to, plan_to, Target::Leg(from));
        self.apply(from, plan_from, Target::Leg(to));
        Ok(ours)
    }

    /// Tells the media plane, unless it does so already.
    pub(crate) fn apply(&mut self, id: LegId, mut plan: LegPlan, target: Target) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        plan.signalling_source = Some(leg.party.flow.remote.ip());
        if leg.local().is_none() || leg.media.plan.as_ref() == Some(&plan) && leg.media.target == Some(target)
        {
            return;
        }
        leg.media.plan = Some(plan.clone());
        leg.media.target = Some(target);
        self.actions.push_back(Action::Apply { leg: id, plan: Box::new(plan), target });
    }

    pub(crate) fn note_received(&mut self, id: LegId, sdp: Bytes) {
        if let Some(leg) = self.legs.get_mut(id.index()) {
            // Copied: a slice would keep the whole datagram as long as the call.
            leg.media.received = Some(Bytes::copy_from_slice(&sdp));
        }
    }

    pub(crate) fn session_of(
        &self,
        id: LegId,
        which: impl FnOnce(&Leg) -> Option<Bytes>,
    ) -> Result<Session, SdpError> {
        let text = self.legs.get(id.index()).and_then(which).ok_or(SdpError::NoAudio)?;
        Session::from_bytes(text)
    }
}

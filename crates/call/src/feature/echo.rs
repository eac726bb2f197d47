//! The echo test: the caller hears itself.
//!
//! Any audio codec is taken, because packets go back as they came.

use bytes::Bytes;
use clock::Time;
use sdp::{Codec, Local, SdpError, Session};
use sip::StatusCode;

use crate::call::Call;
use crate::{Action, End, LegId, Target};

impl Call {
    pub(crate) fn begin_echo(&mut self, now: Time) {
        match self.unusable_offer() {
            Some(end) => self.finish(now, end),
            None => self.reserve(LegId::CALLER),
        }
    }

    /// The media session is there: answers, or offers when the caller left it to us.
    pub(crate) fn answer_echo(&mut self, now: Time, local: Local) {
        let offer = self.legs.first().and_then(|caller| caller.media.received.clone());
        let described = match offer {
            Some(offer) => self.echo_answer(offer, local),
            None => self.echo_offer(local),
        };
        match described {
            Ok(sdp) => self.answer_committed(now, None, sdp),
            Err(error) => self.finish(now, End::BadOffer(crate::machine::status_of(error))),
        }
    }

    fn echo_answer(&mut self, offer: Bytes, local: Local) -> Result<Bytes, SdpError> {
        let theirs = Session::from_bytes(offer.clone())?;
        let caller = self.legs.first_mut().ok_or(SdpError::NoAudio)?;
        let ours = sdp::local_answer(&theirs, local, &[], &mut caller.media.origin)?;
        let plan = sdp::leg_plan(&theirs, &ours)?;
        let ours = ours.to_bytes();
        caller.media.sent = Some(ours.clone());
        self.note_received(LegId::CALLER, offer);
        self.apply(LegId::CALLER, plan, Target::Echo);
        Ok(ours)
    }

    fn echo_offer(&mut self, local: Local) -> Result<Bytes, SdpError> {
        let codecs = [
            Codec::new(9, "G722", 8_000),
            Codec::new(0, "PCMU", 8_000),
            Codec::new(8, "PCMA", 8_000),
            Codec::telephone_event(101, 8_000),
        ];
        let caller = self.legs.first_mut().ok_or(SdpError::NoAudio)?;
        let ours = sdp::local_offer(local, &codecs, &mut caller.media.origin)?.to_bytes();
        caller.media.sent = Some(ours.clone());
        Ok(ours)
    }

    /// A re-INVITE to the echo test; without an offer the last description is offered again.
    pub(crate) fn reinvite_echo(&mut self, offer: Option<Bytes>) {
        let caller = self.legs.first();
        let local = caller.and_then(crate::Leg::local);
        let previous = caller.and_then(|caller| caller.media.sent.clone());
        let described = match (offer, local) {
            (Some(offer), Some(local)) => self.echo_answer(offer, local),
            (None, _) => previous.ok_or(SdpError::NoAudio),
            (_, None) => Err(SdpError::NoAudio),
        };
        let (status, sdp) = match described {
            Ok(sdp) => (StatusCode::OK, Some(sdp)),
            Err(error) => (crate::machine::status_of(error), None),
        };
        self.actions.push_back(Action::RespondReinvite { leg: LegId::CALLER, status, sdp });
    }
}

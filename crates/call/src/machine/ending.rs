//! From the end of a call to its being forgotten.

use std::time::Duration;

use clock::Time;
use sip::StatusCode;

use crate::call::{Call, Phase};
use crate::leg::MediaSession;
use crate::timer::Timer;
use crate::{Abandoned, Action, End, Leg, LegId, LegState};

/// How long the record waits for the totals of the media sessions; they come within a batch of the media worker.
const TOTALS_WAIT: Duration = Duration::from_secs(1);

/// How long branches without a final response keep the call: longer than 64*T1, when transactions give up.
const LINGER: Duration = Duration::from_secs(40);

impl From<Abandoned> for End {
    fn from(why: Abandoned) -> End {
        match why {
            Abandoned::Stopping => End::Stopping,
            Abandoned::Defect => End::Defect,
        }
    }
}

impl Call {
    pub(crate) fn ended(&mut self, now: Time, id: LegId) {
        let joined = self.peer_of(id).is_some() || id.is_caller();
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        let was = std::mem::replace(&mut leg.state, LegState::Gone);
        if !joined || matches!(self.phase, Phase::Ending { .. }) {
            return;
        }
        let end = if id.is_caller() { End::CallerHungUp } else { End::CalleeHungUp };
        // RFC 3261 §15.1.2: a BYE before the answer leaves the INVITE to be answered with 487.
        if id.is_caller() && was == LegState::Calling {
            self.actions.push_back(Action::Reject { status: end.status(), why: end });
        }
        self.finish(now, end);
    }

    pub(crate) fn silent(&mut self, now: Time, id: LegId) {
        let watched = self.legs.get(id.index()).is_some_and(|leg| leg.state.is_up() && !leg.is_held());
        if watched && matches!(self.phase, Phase::Talking { .. }) {
            self.finish(now, End::MediaSilent);
        }
    }

    /// Ends the call: every leg gets what its state asks for, every media session goes back, the record is closed.
    pub(crate) fn finish(&mut self, now: Time, end: End) {
        if matches!(self.phase, Phase::Ending { .. }) {
            return;
        }
        self.answer_pending_reinvite();
        self.cancel_branches(end);
        for id in (0..=u8::MAX).map(LegId).take(self.legs.len()) {
            self.drop_dialog(id, end);
        }
        self.phase = Phase::Ending { end, closed: false };
        self.times.ended = Some(now);
        self.timers = crate::timer::Timers::default();
        self.timers.set(Timer::Totals, now + TOTALS_WAIT);
        self.timers.set(Timer::Linger, now + LINGER);
        for id in (0..=u8::MAX).map(LegId).take(self.legs.len()) {
            self.release(id);
        }
        self.close_record_if_complete();
    }

    /// Ends one leg's dialog, whatever its state.
    pub(crate) fn drop_dialog(&mut self, id: LegId, why: End) {
        let Some(leg) = self.legs.get_mut(id.index()) else { return };
        match leg.state {
            LegState::Calling if id.is_caller() => {
                let status = why.status();
                leg.status = Some(status);
                self.actions.push_back(Action::Reject { status, why });
            }
            LegState::Answered if !id.is_caller() => {
                // RFC 3261 §13.2.2.4: a 2xx is acknowledged even if the call is not wanted any more.
                self.actions.push_back(Action::Ack { leg: id, sdp: None });
                self.actions.push_back(Action::Bye { leg: id, why });
            }
            LegState::Answered | LegState::Confirmed => self.actions.push_back(Action::Bye { leg: id, why }),
            LegState::Waiting | LegState::Gone => {}
            // Cancelled before; the final response is still to come.
            LegState::Calling | LegState::Ringing | LegState::Cancelling => return,
        }
        if let Some(leg) = self.legs.get_mut(id.index()) {
            leg.state = LegState::Gone;
        }
    }

    pub(crate) fn close_record_if_complete(&mut self) {
        if matches!(self.phase, Phase::Ending { .. }) && !self.legs.iter().any(Leg::media_in_flight) {
            self.close_record();
        }
    }

    /// Closes the record, once.
    pub(crate) fn close_record(&mut self) {
        let Phase::Ending { end, closed } = &mut self.phase else { return };
        if std::mem::replace(closed, true) {
            return;
        }
        let end = *end;
        self.timers.clear(Timer::Totals);
        for leg in &mut self.legs {
            // What has not reported by now does not hold the call.
            if leg.media.session == MediaSession::Releasing {
                leg.media.session = MediaSession::None;
            }
        }
        let record = self.record(Some(end));
        self.actions.push_back(Action::CloseRecord(record));
    }

    /// Nothing more is awaited.
    pub(crate) fn forget_legs(&mut self) {
        for leg in &mut self.legs {
            leg.state = LegState::Gone;
            leg.media.session = MediaSession::None;
        }
    }

    /// The status the caller got, or would have got.
    pub(crate) fn final_status(&self, end: End) -> StatusCode {
        self.legs.first().and_then(|caller| caller.status).unwrap_or(end.status())
    }
}

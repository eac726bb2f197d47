//! What operators see and do.

use std::time::Duration;

use call::{Event, Leg, LegId, LegState, State as CallPhase};
use clock::Time;
use media::LegStatistics;
use model::{CallUid, Direction};
use serde::{Deserialize, Serialize};

use super::{Link, Running};
use crate::core::{Command, Effect, Env, MediaCommand, Report, State};
use crate::view::{CallState, CallView, LegView, MediaView};

/// How long a report waits for fresh media counters; then it shows those that are there.
const COUNTERS_WAIT: Duration = Duration::from_millis(100);

/// A report that waits for media counters.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PendingReport {
    id: u64,
    uid: Option<CallUid>,
    /// Answers of the media plane that are still to come.
    outstanding: usize,
    pub(crate) due: Time,
}

impl State {
    pub(crate) fn obey(&mut self, env: &Env, now: Time, command: Command) {
        match command {
            Command::Show { id, uid } => self.show(now, id, uid),
            Command::HangUp { id, uid } => {
                let serial = self.calls.find(uid);
                serial.into_iter().for_each(|serial| self.call_event(env, now, serial, Event::HangUp));
                self.report(id, Report::HungUp(serial.is_some()));
            }
            Command::Drain => self.draining = true,
            Command::Stop { id } => {
                self.draining = true;
                for serial in self.calls.serials() {
                    let why = call::Abandoned::Stopping;
                    self.call_event(env, now, serial, Event::Abandon { why });
                }
                self.report(id, Report::Stopping);
            }
        }
    }

    fn report(&mut self, id: u64, report: Report) {
        self.effects.push_back(Effect::Report { id, report });
    }

    /// Asks the media plane for counters; the report follows when they are there.
    fn show(&mut self, now: Time, id: u64, uid: Option<CallUid>) {
        let wanted = self.calls.iter().filter(|running| uid.is_none_or(|uid| running.call.uid() == uid));
        let sessions: Vec<_> =
            wanted.flat_map(|running| running.links.iter().filter_map(|link| link.session)).collect();
        let outstanding = sessions.len();
        let queries = sessions.into_iter().map(|session| Effect::Media(MediaCommand::Query(session)));
        self.effects.extend(queries);
        self.reports.push_back(PendingReport { id, uid, outstanding, due: now + COUNTERS_WAIT });
        self.finish_reports(now);
    }

    /// An answer to one of our questions for counters came. Answers come in the order of the questions.
    pub(super) fn counters_came(&mut self, now: Time) {
        if let Some(report) = self.reports.iter_mut().find(|report| report.outstanding > 0) {
            report.outstanding -= 1;
        }
        self.finish_reports(now);
    }

    pub(crate) fn report_timeouts(&mut self, now: Time) {
        self.finish_reports(now);
    }

    fn finish_reports(&mut self, now: Time) {
        while let Some(report) =
            self.reports.pop_front_if(|report| report.outstanding == 0 || report.due <= now)
        {
            let wanted =
                self.calls.iter().filter(|running| report.uid.is_none_or(|uid| running.call.uid() == uid));
            let calls = wanted.map(Running::view).collect();
            self.report(report.id, Report::Calls(calls));
        }
    }
}

impl Running {
    fn view(&self) -> CallView {
        let call = &self.call;
        let caller = call.leg(LegId::CALLER);
        CallView {
            uid: call.uid(),
            tenant: call.tenant(),
            account: caller.and_then(|caller| caller.party().account),
            from_number: caller.map(|caller| caller.party().number.clone()).unwrap_or_default(),
            to_number: call.to_number().to_owned(),
            direction: Direction::Internal,
            state: match call.state() {
                CallPhase::Trying => CallState::Trying,
                CallPhase::Ringing => CallState::Ringing,
                CallPhase::Answered => CallState::Answered,
                CallPhase::Held => CallState::Held,
                CallPhase::Ending => CallState::Ending,
            },
            started_at: call.started_at(),
            answered_at: call.answered_at(),
            legs: call.legs().map(|(id, leg)| leg_view(id, leg, self.links.get(usize::from(id.0)))).collect(),
        }
    }
}

fn leg_view(id: LegId, leg: &Leg, link: Option<&Link>) -> LegView {
    let state = match leg.state() {
        LegState::Waiting | LegState::Calling => "calling",
        LegState::Ringing => "ringing",
        LegState::Answered | LegState::Confirmed if leg.is_held() => "held",
        LegState::Answered | LegState::Confirmed => "answered",
        LegState::Cancelling | LegState::Gone => "gone",
    };
    LegView {
        uid: leg.party().uid,
        side: if id.is_caller() { "caller" } else { "callee" }.to_owned(),
        number: leg.party().number.clone(),
        remote: leg.remote(),
        user_agent: leg.party().user_agent.clone(),
        state: state.to_owned(),
        codec: leg.plan().and_then(|plan| plan.codec.as_ref()).map(|codec| codec.name.clone()),
        sip_call_id: link.map(|link| link.sip_call_id.clone()).unwrap_or_default(),
        media: link.and_then(|link| link.stats.as_deref()).map(media_view).unwrap_or_default(),
    }
}

fn media_view(stats: &LegStatistics) -> MediaView {
    MediaView {
        packets_received: stats.packets_received,
        bytes_received: stats.bytes_received,
        packets_sent: stats.packets_sent,
        bytes_sent: stats.bytes_sent,
        lost: stats.lost,
        jitter_us: stats.jitter_us,
        round_trip_us: stats.round_trip_us,
    }
}

//! What dialogs, timers and the media plane say, told to the call.

use call::{Event, Rejection, Totals};
use clock::Time;
use media::LegStatistics;
use sip::{DialogEvent, DialogId, Message, Method, Name, Outcome, Reply, StatusCode};

use super::begin::description;
use crate::core::{Counted, Effect, Env, MediaInput, MediaToken, State};

impl State {
    pub(crate) fn dialog_event(&mut self, env: &Env, now: Time, dialog: DialogId, event: DialogEvent) {
        let Some((serial, leg)) = self.calls.by_dialog(dialog) else {
            return self.orphan_event(now, dialog, event);
        };
        let event = match event {
            DialogEvent::Request { tx, request } => {
                return self.pass_request(now, (serial, leg), tx, &request);
            }
            DialogEvent::Provisional(message) => {
                let status = message.status().unwrap_or(StatusCode::RINGING);
                Event::Provisional { leg, status, sdp: description(&message) }
            }
            DialogEvent::Answered(message) => {
                Event::Answered { leg, sdp: description(&message), user_agent: product(&message) }
            }
            DialogEvent::Rejected(outcome) => {
                Event::Rejected { leg, status: outcome.status(), how: how(&outcome) }
            }
            DialogEvent::Cancelled(_) => {
                self.count(Some(Method::Cancel), StatusCode::OK);
                self.count(Some(Method::Invite), StatusCode::REQUEST_TERMINATED);
                Event::Cancelled
            }
            DialogEvent::Acked(message) => Event::Acked { sdp: description(&message) },
            DialogEvent::AckTimeout => Event::AckTimeout { leg },
            DialogEvent::Reinvite(message) => Event::Reinvite { leg, sdp: description(&message) },
            DialogEvent::ReinviteAcked(message) => Event::ReinviteAcked { leg, sdp: description(&message) },
            DialogEvent::ReinviteOutcome(outcome) => {
                let sdp = outcome.message().and_then(description);
                Event::ReinviteOutcome { leg, status: outcome.status(), sdp }
            }
            DialogEvent::Ended(_) => {
                self.count(Some(Method::Bye), StatusCode::OK);
                Event::Ended { leg }
            }
            DialogEvent::ByeOutcome(_) => return,
        };
        self.call_event(env, now, serial, event);
    }

    /// A dialog that outlived its call: its BYE is on the way, nothing else may keep it.
    fn orphan_event(&mut self, now: Time, dialog: DialogId, event: DialogEvent) {
        match event {
            DialogEvent::Answered(_) | DialogEvent::AckTimeout => self.endpoint.bye(now, dialog, Vec::new()),
            DialogEvent::Reinvite(_) => {
                self.endpoint.respond_reinvite(now, dialog, Reply::new(StatusCode::REQUEST_TERMINATED));
            }
            DialogEvent::Request { tx, .. } => {
                self.endpoint.respond(now, tx, Reply::new(StatusCode::CALL_DOES_NOT_EXIST));
            }
            _ => {}
        }
    }

    pub(crate) fn call_timeouts(&mut self, env: &Env, now: Time) {
        while let Some(serial) = self.calls.take_due(now) {
            self.step(env, now, serial, |call| call.handle_timeout(now));
        }
    }

    pub(crate) fn media_input(&mut self, env: &Env, now: Time, input: MediaInput) {
        match input {
            MediaInput::Reserved { token, session, local } => {
                let leg = token.leg();
                if let Some(running) = self.calls.get_mut(token.call()) {
                    running.link(leg).session = Some(session);
                    self.call_event(env, now, token.call(), Event::Reserved { leg, local });
                }
            }
            MediaInput::NotReserved { token } => {
                self.call_event(env, now, token.call(), Event::NotReserved { leg: token.leg() });
            }
            MediaInput::Silent { token, session } => {
                if self.serves(token, session) {
                    self.call_event(env, now, token.call(), Event::Silent { leg: token.leg() });
                }
            }
            MediaInput::Statistics { token, session, stats } => {
                if self.serves(token, session) {
                    self.note_stats(token, stats);
                }
                self.counters_came(now);
            }
            MediaInput::Released { token, session, stats } => {
                if self.serves(token, session) {
                    let totals = Box::new(totals(&stats));
                    self.count_loss(&stats);
                    self.note_stats(token, stats);
                    if let Some(running) = self.calls.get_mut(token.call()) {
                        running.link(token.leg()).session = None;
                    }
                    self.call_event(env, now, token.call(), Event::Released { leg: token.leg(), totals });
                }
            }
        }
    }

    /// Whether the leg is still served by this session.
    fn serves(&self, token: MediaToken, session: media::SessionId) -> bool {
        self.calls.get(token.call()).is_some_and(|running| running.session(token.leg()) == Some(session))
    }

    fn note_stats(&mut self, token: MediaToken, stats: Box<LegStatistics>) {
        if let Some(running) = self.calls.get_mut(token.call()) {
            running.link(token.leg()).stats = Some(stats);
        }
    }

    fn count_loss(&mut self, stats: &LegStatistics) {
        let expected = stats.packets_received + stats.lost;
        if expected > 0 {
            self.effects.push_back(Effect::Count(Counted::Loss(stats.lost as f64 / expected as f64)));
        }
    }
}

/// What the far end calls itself.
fn product(message: &Message) -> Option<String> {
    let name = message.header(Name::Server).or_else(|| message.header(Name::UserAgent))?;
    Some(String::from_utf8_lossy(name).into_owned())
}

fn how(outcome: &Outcome) -> Rejection {
    match outcome {
        Outcome::Timeout => Rejection::Timeout,
        Outcome::TransportError => Rejection::Transport,
        Outcome::Response(_) | Outcome::Cancelled => Rejection::Response,
    }
}

fn totals(stats: &LegStatistics) -> Totals {
    Totals {
        packets_received: stats.packets_received,
        bytes_received: stats.bytes_received,
        packets_sent: stats.packets_sent,
        bytes_sent: stats.bytes_sent,
        lost: stats.lost,
        jitter_us: stats.jitter_us,
        out_of_order: stats.out_of_order,
        round_trip_us: stats.round_trip_us,
    }
}

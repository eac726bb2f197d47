//! What a call wants done, done: all actions in order, then the next event.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use call::{Abandoned, Action, Call, End, Event, LegId};
use clock::Time;
use sip::{Body, Invite, Method, Name, Reply, StatusCode};
use storage::Write;

use super::Running;
use super::begin::contact;
use crate::core::{Counted, Effect, Env, MediaCommand, MediaToken, RETRY_AFTER_S, State, Waiting};

impl State {
    /// Tells a call what happened and does what it wants.
    pub(crate) fn call_event(&mut self, env: &Env, now: Time, serial: u64, event: Event) {
        self.step(env, now, serial, |call| call.handle(now, event));
    }

    /// Lets a call take a step. A panic in it is a defect of ours that ends this call and no other.
    pub(super) fn step(&mut self, env: &Env, now: Time, serial: u64, step: impl FnOnce(&mut Call)) {
        let Some(running) = self.calls.get_mut(serial) else { return };
        let call = &mut running.call;
        if catch_unwind(AssertUnwindSafe(|| step(call))).is_err() {
            self.effects.push_back(Effect::Count(Counted::Defect));
            let abandon = Event::Abandon { why: Abandoned::Defect };
            let survived = self.calls.get_mut(serial).is_some_and(|running| {
                catch_unwind(AssertUnwindSafe(|| running.call.handle(now, abandon))).is_ok()
            });
            if !survived {
                return self.clear_away(env, now, serial);
            }
        }
        self.perform(env, now, serial);
    }

    /// Performs the actions of a call until there are none.
    pub(crate) fn perform(&mut self, env: &Env, now: Time, serial: u64) {
        let Some(mut running) = self.calls.take(serial) else { return };
        loop {
            let mut refused = Vec::new();
            while let Some(action) = running.call.poll_action() {
                if let Some(event) = self.act(now, serial, &mut running, action) {
                    refused.push(event);
                }
            }
            if refused.is_empty() {
                break;
            }
            refused.into_iter().for_each(|event| running.call.handle(now, event));
        }
        if running.call.state() == call::State::Ending {
            give_places_back(env, &mut running);
        }
        if running.call.is_over() {
            self.calls.forget(serial, &running);
        } else {
            self.calls.put_back(serial, running);
        }
    }

    /// Ends everything a call holds without asking it.
    fn clear_away(&mut self, env: &Env, now: Time, serial: u64) {
        let Some(mut running) = self.calls.take(serial) else { return };
        for link in &running.links {
            if let Some(dialog) = link.dialog {
                self.endpoint.bye(now, dialog, reason(End::Defect));
            }
            if let Some(session) = link.session {
                self.effects.push_back(Effect::Media(MediaCommand::Release(session)));
            }
        }
        give_places_back(env, &mut running);
        self.calls.forget(serial, &running);
    }

    /// Performs one action; what could not be done comes back as an event.
    fn act(&mut self, now: Time, serial: u64, running: &mut Running, action: Action) -> Option<Event> {
        match action {
            Action::Reserve(leg) => self.reserve(serial, running, leg),
            Action::Apply { leg, plan, target } => {
                let target = match target {
                    call::Target::Leg(peer) => running.session(peer).map(media::Target::Peer),
                    call::Target::Echo => Some(media::Target::Echo),
                    call::Target::Nothing => Some(media::Target::Nothing),
                };
                let target = target.unwrap_or(media::Target::Nothing);
                if let Some(session) = running.session(leg) {
                    self.effects.push_back(Effect::Media(MediaCommand::Apply { session, plan, target }));
                }
            }
            Action::Release(leg) => {
                if let Some(session) = running.session(leg) {
                    self.effects.push_back(Effect::Media(MediaCommand::Release(session)));
                }
            }
            Action::Invite { leg, sdp } => self.invite(now, serial, running, (leg, sdp)),
            Action::OpenRecord(record) => {
                let ticket = self.tickets.issue(now, Waiting::Call(serial));
                self.effects.push_back(Effect::Store(Write::CdrOpen(record), Some(ticket)));
            }
            Action::CloseRecord(record) => {
                self.effects.push_back(Effect::Store(Write::CdrClose(record), None))
            }
            Action::CountUncommitted => self.effects.push_back(Effect::Count(Counted::Uncommitted)),
            Action::Reinvite { leg, sdp } => {
                let sent =
                    running.dialog(leg).map(|dialog| self.endpoint.reinvite(now, dialog, sdp.map(Body::sdp)));
                if !matches!(sent, Some(Ok(()))) {
                    return Some(Event::ReinviteOutcome {
                        leg,
                        status: StatusCode::REQUEST_PENDING,
                        sdp: None,
                    });
                }
            }
            other => self.speak(now, running, other),
        }
        None
    }

    /// The actions that are one message in a dialog.
    fn speak(&mut self, now: Time, running: &mut Running, action: Action) {
        let leg = match &action {
            Action::Ack { leg, .. }
            | Action::Cancel { leg, .. }
            | Action::Bye { leg, .. }
            | Action::RespondReinvite { leg, .. } => *leg,
            _ => LegId::CALLER,
        };
        let Some(dialog) = running.dialog(leg) else { return };
        let with = |reply: Reply, sdp: Option<Bytes>| Reply { body: sdp.map(Body::sdp), ..reply };
        match action {
            Action::Provisional { status, sdp } => {
                if !std::mem::replace(&mut running.rang, true) {
                    let setup = now.since(running.call.started_at());
                    self.effects.push_back(Effect::Count(Counted::Setup(setup)));
                }
                self.endpoint.provisional(now, dialog, with(Reply::new(status), sdp));
            }
            Action::Answer { sdp } => {
                self.count(Some(Method::Invite), StatusCode::OK);
                self.endpoint.answer(now, dialog, with(Reply::new(StatusCode::OK), Some(sdp)));
            }
            Action::Reject { status, why } => {
                self.count(Some(Method::Invite), status);
                self.endpoint.reject(now, dialog, rejection(status, why));
            }
            Action::Ack { sdp, .. } => self.endpoint.ack(now, dialog, sdp.map(Body::sdp)),
            Action::Cancel { why, .. } => self.endpoint.cancel(now, dialog, reason(why)),
            Action::Bye { why, .. } => self.endpoint.bye(now, dialog, reason(why)),
            Action::RespondReinvite { status, sdp, .. } => {
                self.count(Some(Method::Invite), status);
                self.endpoint.respond_reinvite(now, dialog, with(Reply::new(status), sdp));
            }
            // The others are performed by `act`.
            _ => {}
        }
    }

    fn reserve(&mut self, serial: u64, running: &Running, leg: LegId) {
        let Some(peer) = running.call.leg(leg).map(|leg| leg.remote().ip()) else { return };
        let token = MediaToken::new(serial, leg);
        self.effects.push_back(Effect::Media(MediaCommand::Reserve { token, group: serial, peer }));
    }

    fn invite(&mut self, now: Time, serial: u64, running: &mut Running, what: (LegId, Option<Bytes>)) {
        let (id, sdp) = what;
        let Some(leg) = running.call.leg(id) else { return };
        let Some(to) = leg.contact() else { return };
        let headers = &running.headers;
        let flow = leg.party().flow;
        let dialog = self.endpoint.invite(
            now,
            Invite {
                target: to.uri.clone(),
                flow,
                route: to.route.clone(),
                from: headers.from.clone(),
                to: headers.to.clone(),
                contact: contact(&headers.contact_user, &flow),
                headers: vec![(Name::MaxForwards.into(), headers.hops.to_string())],
                body: sdp.map(Body::sdp),
            },
        );
        let call_id =
            self.endpoint.dialog(dialog).map(|dialog| String::from_utf8_lossy(dialog.call_id()).into_owned());
        let link = running.link(id);
        link.dialog = Some(dialog);
        link.sip_call_id = call_id.unwrap_or_default();
        self.calls.join(dialog, serial, id);
    }
}

/// The call does not count any more for its accounts, though a phone may still owe an answer to its CANCEL.
fn give_places_back(env: &Env, running: &mut Running) {
    running.places.drain(..).for_each(|account| env.shared.occupancy.give_back(account));
}

/// The Reason header, RFC 3326.
fn reason(why: End) -> sip::Headers {
    vec![(Name::Reason.into(), why.reason_header())]
}

fn rejection(status: StatusCode, why: End) -> Reply {
    let reply = Reply { headers: reason(why), ..Reply::new(status) };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        reply.header(Name::RetryAfter, RETRY_AFTER_S)
    } else {
        reply
    }
}

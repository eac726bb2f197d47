//! A user of an endpoint: does what its plan says and writes down what it hears.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Time;
use crosspoint_sip::{
    Body, DialogEvent, DialogId, Endpoint, Event, Flow, Headers, Invite, Method, OutOfDialog, Outcome, Reply,
    StatusCode,
};

/// Something a user does at a time of its choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    Invite,
    Ring,
    Answer,
    Reject(StatusCode),
    Cancel,
    Bye,
    Reinvite,
    AnswerReinvite,
    Options,
    Info,
}

/// What a user is going to do. Times count from the moment in the name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) at_start: Vec<(u64, Deed)>,
    pub(crate) after_invite: Vec<(u64, Deed)>,
    pub(crate) after_answer: Vec<(u64, Deed)>,
    /// How long it thinks about a re-INVITE, in milliseconds.
    pub(crate) reinvite_ms: u64,
}

/// What a user heard, in short.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Invite,
    Provisional(u16),
    Answered,
    Acked,
    AckTimeout,
    Rejected(u16),
    Cancelled,
    Reinvite,
    ReinviteAcked,
    ReinviteOutcome(u16),
    Request(Method),
    Response(u16),
    Ended,
    ByeOutcome(u16),
}

impl Heard {
    /// Whether it is the last word on a dialog.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Heard::Rejected(_) | Heard::Cancelled | Heard::Ended | Heard::ByeOutcome(_))
    }

    /// Whether it says that the call stands.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Heard::Answered | Heard::Acked)
    }
}

#[derive(Debug)]
pub(crate) struct Agent {
    plan: Plan,
    flow: Flow,
    pub(crate) dialog: Option<DialogId>,
    pub(crate) agenda: BTreeMap<(Time, u64), Deed>,
    order: u64,
    pub(crate) heard: Vec<(Time, Heard)>,
}

impl Agent {
    pub(crate) fn new(now: Time, plan: Plan, flow: Flow) -> Agent {
        let mut agent =
            Agent { plan, flow, dialog: None, agenda: BTreeMap::new(), order: 0, heard: Vec::new() };
        agent.schedule(now, |plan| &plan.at_start);
        agent
    }

    fn schedule(&mut self, now: Time, which: impl Fn(&Plan) -> &Vec<(u64, Deed)>) {
        for (after, deed) in which(&self.plan).clone() {
            self.later(now, Duration::from_millis(after), deed);
        }
    }

    fn later(&mut self, now: Time, after: Duration, deed: Deed) {
        self.order += 1;
        self.agenda.insert((now + after, self.order), deed);
    }

    /// Does the next thing of the agenda.
    pub(crate) fn act(&mut self, now: Time, endpoint: &mut Endpoint) {
        let Some((_, deed)) = self.agenda.pop_first() else { return };
        let nobody = Headers::new;
        match (deed, self.dialog) {
            (Deed::Invite, _) => self.dialog = Some(endpoint.invite(now, self.call())),
            (Deed::Options, _) => {
                endpoint.request(now, self.options());
            }
            (Deed::Ring, Some(dialog)) => endpoint.provisional(now, dialog, Reply::new(StatusCode::RINGING)),
            (Deed::Answer, Some(dialog)) => {
                endpoint.answer(now, dialog, Reply::new(StatusCode::OK).body(Body::sdp("v=0\r\n")));
            }
            (Deed::Reject(status), Some(dialog)) => {
                let rings = endpoint.dialog(dialog).is_some_and(|dialog| !dialog.is_confirmed());
                endpoint.reject(now, dialog, Reply::new(status));
                if rings {
                    self.heard.push((now, Heard::Rejected(status.as_u16())));
                }
            }
            (Deed::Cancel, Some(dialog)) => endpoint.cancel(now, dialog, nobody()),
            (Deed::Bye, Some(dialog)) => endpoint.bye(now, dialog, nobody()),
            (Deed::Reinvite, Some(dialog)) => {
                if endpoint.dialog(dialog).is_some_and(|dialog| dialog.is_confirmed())
                    && endpoint.reinvite(now, dialog, Some(Body::sdp("v=1\r\n"))).is_err()
                {
                    self.later(now, Duration::from_millis(700), Deed::Reinvite);
                }
            }
            (Deed::AnswerReinvite, Some(dialog)) => {
                endpoint.respond_reinvite(now, dialog, Reply::new(StatusCode::OK).body(Body::sdp("v=2\r\n")));
            }
            (Deed::Info, Some(dialog)) => {
                endpoint.request_in_dialog(now, dialog, Method::Info, nobody(), None);
            }
            (_, None) => {}
        }
    }

    fn call(&self) -> Invite {
        Invite {
            target: format!("sip:b@{}", self.flow.remote),
            flow: self.flow,
            route: Vec::new(),
            from: "<sip:a@example.com>".into(),
            to: "<sip:b@example.com>".into(),
            contact: format!("<sip:a@{}>", self.flow.local),
            headers: Headers::new(),
            body: Some(Body::sdp("v=0\r\n")),
        }
    }

    fn options(&self) -> OutOfDialog {
        OutOfDialog {
            method: Method::Options,
            target: format!("sip:{}", self.flow.remote),
            flow: self.flow,
            from: "<sip:a@example.com>".into(),
            to: "<sip:b@example.com>".into(),
            contact: None,
            headers: Headers::new(),
            body: None,
        }
    }

    /// Hears one event, and does at once what it asks for.
    pub(crate) fn hear(&mut self, now: Time, endpoint: &mut Endpoint, event: Event) {
        let heard = match event {
            Event::Invite(incoming) => {
                let contact = format!("<sip:b@{}>", self.flow.local);
                self.dialog = Some(endpoint.accept_invite(now, &incoming, contact));
                self.schedule(now, |plan| &plan.after_invite);
                Heard::Invite
            }
            Event::Request(incoming) => {
                let tx = endpoint.accept(now, &incoming);
                endpoint.respond(now, tx, Reply::new(StatusCode::OK));
                Heard::Request(incoming.message.method().unwrap())
            }
            Event::Response { outcome, .. } => Heard::Response(outcome.status().as_u16()),
            Event::Dialog { dialog, event } => {
                assert_eq!(Some(dialog), self.dialog, "news of a dialog nobody knows: {event:?}");
                self.hear_dialog(now, endpoint, dialog, event)
            }
        };
        if heard.is_end() {
            self.agenda.clear();
        }
        self.heard.push((now, heard));
    }

    fn hear_dialog(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        dialog: DialogId,
        event: DialogEvent,
    ) -> Heard {
        match event {
            DialogEvent::Provisional(response) => Heard::Provisional(response.status().unwrap().as_u16()),
            DialogEvent::Answered(_) => {
                endpoint.ack(now, dialog, None);
                self.schedule(now, |plan| &plan.after_answer);
                Heard::Answered
            }
            DialogEvent::Rejected(outcome) => Heard::Rejected(outcome.status().as_u16()),
            DialogEvent::Cancelled(_) => Heard::Cancelled,
            DialogEvent::Acked(_) => {
                self.schedule(now, |plan| &plan.after_answer);
                Heard::Acked
            }
            DialogEvent::AckTimeout => {
                endpoint.bye(now, dialog, Headers::new());
                Heard::AckTimeout
            }
            DialogEvent::Reinvite(_) => {
                self.later(now, Duration::from_millis(self.plan.reinvite_ms), Deed::AnswerReinvite);
                Heard::Reinvite
            }
            DialogEvent::ReinviteAcked(_) => Heard::ReinviteAcked,
            DialogEvent::ReinviteOutcome(outcome) => self.hear_reinvite(now, endpoint, dialog, &outcome),
            DialogEvent::Request { tx, request } => {
                endpoint.respond(now, tx, Reply::new(StatusCode::OK));
                Heard::Request(request.method().unwrap())
            }
            DialogEvent::Ended(_) => Heard::Ended,
            DialogEvent::ByeOutcome(outcome) => Heard::ByeOutcome(outcome.status().as_u16()),
        }
    }

    fn hear_reinvite(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        dialog: DialogId,
        outcome: &Outcome,
    ) -> Heard {
        let status = outcome.status();
        if status.is_success() {
            endpoint.ack(now, dialog, None);
        } else if status == StatusCode::REQUEST_PENDING {
            let delay = endpoint.glare_delay(dialog);
            self.later(now, delay, Deed::Reinvite);
        }
        Heard::ReinviteOutcome(status.as_u16())
    }
}

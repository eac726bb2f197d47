//! Client transactions: what their machines decide is done here.

use bytes::Bytes;
use clock::Time;
use serde::{Deserialize, Serialize};

use super::table::Keyed;
use super::{Endpoint, Headers, Outcome, write};
use crate::dialog::DialogId;
use crate::timer::{Due, Role, Running, Timer};
use crate::transaction::{Action, ClientInput, ClientInviteInput, ClientInviteState, ClientState, Key};
use crate::{Flow, Message, Method, Transmit};

/// A client transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Client {
    key: Key,
    machine: Machine,
    pub(super) flow: Flow,
    /// What was sent last: the request, or the ACK to a refused INVITE.
    pub(super) sent: Bytes,
    running: Running,
    pub(super) purpose: Purpose,
    /// What only an INVITE has.
    pub(super) invite: Option<Box<InviteSide>>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Machine {
    Invite(ClientInviteState),
    Other(ClientState),
}

/// Who wants to know how a request of ours ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// The user, who made it outside any dialog.
    User,
    /// The user, who made it in this dialog.
    InDialog(DialogId),
    /// The dialog it is to create.
    Call(DialogId),
    /// The dialog it is a re-INVITE of.
    Again(DialogId),
    /// The dialog it ends.
    Bye(DialogId),
    /// Nobody: a CANCEL, the BYE to a branch that lost, or one whose dialog is gone.
    Nobody,
}

/// What an INVITE has beside other requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct InviteSide {
    pub(super) cancel: Cancel,
    /// The branches that answered, the first one first.
    pub(super) answered: Vec<Answered>,
}

/// Whether an INVITE is cancelled.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) enum Cancel {
    /// No.
    #[default]
    No,
    /// As soon as a provisional response allows it (RFC 3261 §9.1), with these headers.
    Wanted(Headers),
    /// CANCEL was sent.
    Sent,
}

/// A branch that answered with a 2xx.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    /// The tag of its To.
    pub(super) tag: Box<[u8]>,
    /// The ACK to send again for each repetition of the 2xx; none while the user owes it.
    pub(super) ack: Option<Bytes>,
}

impl Keyed for Client {
    fn key(&self) -> &[u8] {
        self.key.as_bytes()
    }
}

/// What happens to a client transaction.
pub(super) enum ClientEvent<'a> {
    /// It begins.
    Start,
    /// A response came.
    Response(&'a Message, Flow),
    /// A timer fired.
    Fired(Timer),
    /// The flow failed.
    FlowFailed,
}

impl ClientEvent<'_> {
    fn status(&self) -> u16 {
        match self {
            ClientEvent::Response(message, _) => message.status().map_or(0, |status| status.as_u16()),
            _ => 0,
        }
    }
}

impl Machine {
    fn step(&mut self, event: &ClientEvent<'_>, reliable: bool) -> &'static [Action] {
        match self {
            Machine::Invite(state) => {
                let input = match event {
                    ClientEvent::Start => ClientInviteInput::Start,
                    ClientEvent::Fired(timer) => ClientInviteInput::Fired(*timer),
                    ClientEvent::FlowFailed => ClientInviteInput::FlowFailed,
                    ClientEvent::Response(..) => match event.status() {
                        ..=100 => ClientInviteInput::Trying,
                        101..=199 => ClientInviteInput::Provisional,
                        200..=299 => ClientInviteInput::Success,
                        _ => ClientInviteInput::Failure,
                    },
                };
                let step = state.step(input, reliable);
                *state = step.next;
                step.actions
            }
            Machine::Other(state) => {
                let input = match event {
                    ClientEvent::Start => ClientInput::Start,
                    ClientEvent::Fired(timer) => ClientInput::Fired(*timer),
                    ClientEvent::FlowFailed => ClientInput::FlowFailed,
                    ClientEvent::Response(..) if event.status() < 200 => ClientInput::Provisional,
                    ClientEvent::Response(..) => ClientInput::Final,
                };
                let step = state.step(input, reliable);
                *state = step.next;
                step.actions
            }
        }
    }
}

/// A request that is ready to go.
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) branch: &'a str,
    pub(super) flow: Flow,
    pub(super) bytes: Bytes,
    pub(super) purpose: Purpose,
}

impl Endpoint {
    /// Begins a client transaction: the request is sent.
    pub(super) fn open_client(&mut self, now: Time, outgoing: Outgoing<'_>) -> u64 {
        let Outgoing { method, branch, flow, bytes, purpose } = outgoing;
        let invite = method == Method::Invite;
        let id = self.clients.insert(Client {
            key: Key::of_ours(method.as_str().as_bytes(), branch, &flow),
            machine: if invite {
                Machine::Invite(ClientInviteState::Calling)
            } else {
                Machine::Other(ClientState::Trying)
            },
            flow,
            sent: bytes,
            running: Running::default(),
            purpose,
            invite: invite.then(Box::default),
        });
        self.client_step(now, id, &ClientEvent::Start);
        id
    }

    /// A response came.
    pub(super) fn handle_response(&mut self, now: Time, response: &Message, flow: Flow) {
        let Some(id) = Key::of_response(response).and_then(|key| self.clients.find(&key)) else { return };
        self.client_step(now, id, &ClientEvent::Response(response, flow));
    }

    /// Lets a client transaction know, and does what it wants.
    pub(super) fn client_step(&mut self, now: Time, id: u64, event: &ClientEvent<'_>) {
        let Some(client) = self.clients.at_mut(id) else { return };
        if let ClientEvent::Fired(timer) = event {
            client.running.fired(timer.role());
        }
        let actions = client.machine.step(event, client.flow.transport.is_reliable());
        for action in actions {
            self.client_action(now, id, *action, event);
        }
    }

    fn client_action(&mut self, now: Time, id: u64, action: Action, event: &ClientEvent<'_>) {
        let Endpoint { clients, timers, settings, transmits, .. } = self;
        let Some(client) = clients.at_mut(id) else { return };
        let due = Due { now, owner: id };
        match action {
            Action::Send | Action::Repeat => {
                transmits.push_back(Transmit { flow: client.flow, bytes: client.sent.clone() });
            }
            Action::Acknowledge => {
                let ClientEvent::Response(response, _) = event else { return };
                let Ok(invite) = Message::parse(client.sent.clone()) else { return };
                client.sent = write::refusal_ack(&invite, response);
                transmits.push_back(Transmit { flow: client.flow, bytes: client.sent.clone() });
            }
            // Once cancelled or without a dialog, the wait for the outcome is the limit.
            Action::Start(Timer::C) if client.is_ending() => {
                if !client.running.runs(Role::Limit) {
                    client.running.start(timers, settings, Timer::CancelWait, due);
                }
            }
            Action::Start(timer) => client.running.start(timers, settings, timer, due),
            Action::StartSlow(timer) => client.running.start_slow(timers, settings, timer, due),
            Action::Stop(role) => client.running.stop(timers, role),
            Action::PassUp => {
                if let ClientEvent::Response(response, flow) = event {
                    self.response_up(now, id, response, *flow);
                }
            }
            Action::TimedOut => self.outcome_up(now, id, Outcome::Timeout),
            Action::FlowFailed => self.outcome_up(now, id, Outcome::TransportError),
            Action::Cancel => self.send_cancel(now, id, &Headers::new()),
            Action::Terminate => {
                client.running.stop_all(timers);
                clients.remove(id);
            }
        }
    }

    /// Cancels an INVITE of ours: at once if a provisional response came, else as soon as one comes (RFC 3261 §9.1).
    /// After its final response this does nothing.
    pub(super) fn cancel_client(&mut self, now: Time, id: u64, headers: Headers) {
        let Some(client) = self.clients.at_mut(id) else { return };
        let machine = client.machine;
        let Some(invite) = client.invite.as_deref_mut() else { return };
        if !matches!(invite.cancel, Cancel::No) {
            return;
        }
        match machine {
            Machine::Invite(ClientInviteState::Calling) => invite.cancel = Cancel::Wanted(headers),
            Machine::Invite(ClientInviteState::Proceeding) => self.send_cancel(now, id, &headers),
            _ => {}
        }
    }

    /// Sends the CANCEL of an INVITE of ours, if it was not sent, and begins to wait for the outcome.
    pub(super) fn send_cancel(&mut self, now: Time, id: u64, headers: &Headers) {
        let Endpoint { clients, timers, settings, .. } = self;
        let Some(client) = clients.at_mut(id) else { return };
        let Some(invite) = client.invite.as_deref_mut() else { return };
        if matches!(std::mem::replace(&mut invite.cancel, Cancel::Sent), Cancel::Sent) {
            return;
        }
        client.running.start(timers, settings, Timer::CancelWait, Due { now, owner: id });
        let Ok(request) = Message::parse(client.sent.clone()) else { return };
        let bytes = write::cancel(settings, &request, headers);
        let flow = client.flow;
        let branch = request.via().ok().and_then(|via| via.branch()).unwrap_or("");
        self.open_client(
            now,
            Outgoing { method: Method::Cancel, branch, flow, bytes, purpose: Purpose::Nobody },
        );
    }

    /// Lets an INVITE of ours, whose dialog is gone, come to its end by itself: it may still be answered, and must not
    /// stay for ever.
    pub(super) fn orphan(&mut self, now: Time, id: u64) {
        let Endpoint { clients, timers, settings, .. } = self;
        let Some(client) = clients.at_mut(id) else { return };
        client.purpose = Purpose::Nobody;
        if matches!(
            client.machine,
            Machine::Invite(ClientInviteState::Calling | ClientInviteState::Proceeding)
        ) {
            client.running.start(timers, settings, Timer::CancelWait, Due { now, owner: id });
        }
    }
}

impl Client {
    fn is_ending(&self) -> bool {
        let cancelled = self.invite.as_deref().is_some_and(|invite| matches!(invite.cancel, Cancel::Sent));
        cancelled || self.purpose == Purpose::Nobody
    }
}

//! Server transactions: what their machines decide is done here.

use bytes::Bytes;
use clock::Time;
use serde::{Deserialize, Serialize};

use super::table::Keyed;
use super::write::{self, Frame};
use super::{Endpoint, Incoming, Reply};
use crate::dialog::{DialogId, to_tag};
use crate::timer::{Due, Running, Timer};
use crate::transaction::{
    Action, Key, KeyText, ServerInput, ServerInviteInput, ServerInviteState, ServerState, ServerTx,
};
use crate::{Flow, Message, Method, StatusCode, Transmit};

/// A server transaction. Absorbed (finally answered) ones are many: they keep their key, the last response, a timer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Server {
    key: Key,
    /// The hash of what merged requests have in common, RFC 3261 §8.2.2.2; 0 for requests in a dialog.
    merge: u64,
    machine: Machine,
    /// The response to repeat; empty when there is none.
    last: Box<[u8]>,
    /// Gone once nothing but repetitions can come.
    work: Option<Box<Work>>,
    running: Running,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Machine {
    Invite(ServerInviteState),
    Other(ServerState),
}

/// What is needed to answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Work {
    /// The request, until it is finally answered.
    request: Option<Message>,
    flow: Flow,
    /// The dialog whose INVITE this is.
    dialog: Option<DialogId>,
}

impl Keyed for Server {
    fn key(&self) -> &[u8] {
        self.key.as_bytes()
    }

    fn alias(&self) -> u64 {
        self.merge
    }
}

/// What happens to a server transaction.
pub(super) enum ServerEvent<'a> {
    /// It begins.
    Start,
    /// Its request came again, on this flow.
    Again(Flow),
    /// An ACK came on its branch.
    Ack(&'a Message, Flow),
    /// The core above answers.
    Send(StatusCode, Bytes),
    /// A timer fired.
    Fired(Timer),
}

impl Machine {
    fn step(&mut self, event: &ServerEvent<'_>, reliable: bool) -> &'static [Action] {
        match self {
            Machine::Invite(state) => {
                let input = match event {
                    ServerEvent::Start => return &[],
                    ServerEvent::Again(_) => ServerInviteInput::Invite,
                    ServerEvent::Ack(..) => ServerInviteInput::Ack,
                    ServerEvent::Send(status, _) if status.is_provisional() => {
                        ServerInviteInput::SendProvisional
                    }
                    ServerEvent::Send(status, _) if status.is_success() => ServerInviteInput::SendSuccess,
                    ServerEvent::Send(..) => ServerInviteInput::SendFailure,
                    ServerEvent::Fired(timer) => ServerInviteInput::Fired(*timer),
                };
                let step = state.step(input, reliable);
                *state = step.next;
                step.actions
            }
            Machine::Other(state) => {
                let input = match event {
                    ServerEvent::Start => ServerInput::Start,
                    ServerEvent::Again(_) => ServerInput::Request,
                    ServerEvent::Ack(..) => return &[],
                    ServerEvent::Send(status, _) if status.is_provisional() => ServerInput::SendProvisional,
                    ServerEvent::Send(..) => ServerInput::SendFinal,
                    ServerEvent::Fired(timer) => ServerInput::Fired(*timer),
                };
                let step = state.step(input, reliable);
                *state = step.next;
                step.actions
            }
        }
    }

    /// Whether nothing but repetitions can come.
    fn is_absorbing(self) -> bool {
        matches!(
            self,
            Machine::Other(ServerState::Completed)
                | Machine::Invite(ServerInviteState::Accepted | ServerInviteState::Confirmed)
        )
    }

    /// Whether the request is finally answered.
    fn is_answered(self) -> bool {
        self.is_absorbing() || matches!(self, Machine::Invite(ServerInviteState::Completed))
    }

    /// Whether the last response is never repeated by the transaction.
    fn is_mute(self) -> bool {
        matches!(self, Machine::Invite(ServerInviteState::Accepted | ServerInviteState::Confirmed))
    }
}

impl Endpoint {
    /// Takes a request on: its repetitions are absorbed from now on, and `respond` answers it. Taken on already, it
    /// is not taken on twice.
    pub fn accept(&mut self, now: Time, incoming: &Incoming) -> ServerTx {
        let key = key_text(&incoming.message).unwrap_or_default();
        ServerTx(self.servers.find(&key).unwrap_or_else(|| self.open_server(now, incoming, &key, None)))
    }

    /// Answers a request that was taken on, or that came in a dialog. After its final response, or once it was
    /// forgotten because that came too late (RFC 4320 §4.2), this does nothing.
    pub fn respond(&mut self, now: Time, tx: ServerTx, reply: Reply) {
        let Some(work) = self.servers.at(tx.0).and_then(|server| server.work.as_deref()) else { return };
        let Some(request) = work.request.as_ref() else { return };
        let flow = work.flow;
        let tag = if to_tag(request).is_empty() { self.derived_tag(request) } else { String::new() };
        let frame = Frame { tag: &tag, ..Frame::default() };
        let bytes = write::response(&self.settings, request, &flow, frame, &reply);
        self.server_step(now, tx.0, ServerEvent::Send(reply.status, bytes));
    }

    /// Begins the server transaction of a request; for an INVITE, that of this dialog.
    pub(super) fn open_server(
        &mut self,
        now: Time,
        incoming: &Incoming,
        key: &KeyText,
        dialog: Option<DialogId>,
    ) -> u64 {
        let request = &incoming.message;
        let invite = request.method() == Some(Method::Invite);
        let machine = if invite {
            Machine::Invite(ServerInviteState::Proceeding)
        } else {
            Machine::Other(ServerState::Trying)
        };
        let work = Work { request: Some(request.clone()), flow: incoming.flow, dialog };
        let id = self.servers.insert(Server {
            key: Key::keep(key),
            merge: if to_tag(request).is_empty() { self.merge_hash(request) } else { 0 },
            machine,
            last: Box::default(),
            work: Some(Box::new(work)),
            running: Running::default(),
        });
        self.server_step(now, id, ServerEvent::Start);
        id
    }

    /// The request, the flow it came on and the dialog of a server transaction that is not finally answered.
    pub(super) fn open_request(&self, id: u64) -> Option<(&Message, Flow, Option<DialogId>)> {
        let work = self.servers.at(id)?.work.as_deref()?;
        Some((work.request.as_ref()?, work.flow, work.dialog))
    }

    /// The dialog that an INVITE server transaction belongs to, while there is work to do.
    pub(super) fn dialog_of_server(&self, id: u64) -> Option<DialogId> {
        self.servers.at(id)?.work.as_deref()?.dialog
    }

    /// Lets a server transaction know, and does what it wants.
    pub(super) fn server_step(&mut self, now: Time, id: u64, event: ServerEvent<'_>) {
        let Some(server) = self.servers.at_mut(id) else { return };
        if let ServerEvent::Fired(timer) = &event {
            server.running.fired(timer.role());
        }
        // Without work the flow is of no consequence: only the step that drops the work asks for it.
        let reliable = server.work.as_deref().is_some_and(|work| work.flow.transport.is_reliable());
        let actions = server.machine.step(&event, reliable);
        for action in actions {
            self.server_action(now, id, *action, &event);
        }
        let Some(server) = self.servers.at_mut(id) else { return };
        if server.machine.is_absorbing() {
            server.work = None;
        }
        if server.machine.is_mute() {
            server.last = Box::default();
        }
        if let Some(work) = server.work.as_deref_mut()
            && server.machine.is_answered()
        {
            work.request = None;
        }
    }

    fn server_action(&mut self, now: Time, id: u64, action: Action, event: &ServerEvent<'_>) {
        let Endpoint { servers, timers, settings, transmits, .. } = self;
        let Some(server) = servers.at_mut(id) else { return };
        match action {
            Action::Send => {
                let (ServerEvent::Send(_, bytes), Some(work)) = (event, server.work.as_deref()) else {
                    return;
                };
                server.last = bytes.as_ref().into();
                transmits.push_back(Transmit { flow: work.flow, bytes: bytes.clone() });
            }
            Action::Repeat => {
                // To where the repetition came from: a peer behind a NAT may have moved.
                let flow = match event {
                    ServerEvent::Again(flow) => Some(*flow),
                    _ => server.work.as_deref().map(|work| work.flow),
                };
                if let Some(flow) = flow.filter(|_| !server.last.is_empty()) {
                    transmits.push_back(Transmit { flow, bytes: Bytes::copy_from_slice(&server.last) });
                }
            }
            Action::Start(timer) => server.running.start(timers, settings, timer, Due { now, owner: id }),
            Action::Stop(role) => server.running.stop(timers, role),
            Action::PassUp => {
                if let ServerEvent::Ack(ack, flow) = event {
                    self.dialog_ack(now, ack, *flow);
                }
            }
            Action::Terminate => {
                server.running.stop_all(timers);
                servers.remove(id);
            }
            // Nothing to tell: whoever refused a call is done with it (TimedOut), and the others are the client's.
            _ => {}
        }
    }
}

/// The key of the server transaction of a request.
pub(super) fn key_text(request: &Message) -> Option<KeyText> {
    let method = match request.method()? {
        Method::Ack | Method::Cancel => Method::Invite.as_str().as_bytes(),
        _ => request.method_text().as_bytes(),
    };
    Key::of_request(request, method)
}

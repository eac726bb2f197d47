//! Calls made to us: from the INVITE to the ACK (RFC 3261 §13.3).

use clock::Time;

use super::server::{ServerEvent, key_text};
use super::write::{self, Frame};
use super::{DialogEvent, Endpoint, Headers, Incoming, Reply};
use crate::dialog::{Begin, Dialog, DialogId, Peer, Stage, Unacknowledged, from_tag, to_tag};
use crate::timer::{Due, Running, Timer};
use crate::{Flow, Message, Name, StatusCode, Transmit};

impl Endpoint {
    /// Takes a call on: a dialog begins, and 100 Trying is queued. `contact` is the value of our Contact.
    ///
    /// Taken on already, it is not taken on twice.
    pub fn accept_invite(&mut self, now: Time, incoming: &Incoming, contact: String) -> DialogId {
        let invite = &incoming.message;
        let key = key_text(invite).unwrap_or_default();
        if let Some(dialog) = self.servers.find(&key).and_then(|server| self.dialog_of_server(server)) {
            return dialog;
        }
        let tag = self.new_tag();
        let mut local = invite.header(Name::To).unwrap_or(&[]).to_vec();
        local.extend_from_slice(b";tag=");
        local.extend_from_slice(tag.as_bytes());
        let id = DialogId(self.dialogs.insert(Dialog::begin(Begin {
            call_id: invite.call_id().unwrap_or(&[]),
            local_tag: &tag,
            local,
            contact,
            peer: Peer::of_invite(invite),
            flow: incoming.flow,
            stage: Stage::Ringing { server: 0 },
        })));
        let server = self.open_server(now, incoming, &key, Some(id));
        if let Some(dialog) = self.dialogs.at_mut(id.0) {
            dialog.stage = Stage::Ringing { server };
        }
        self.answer_invite(now, server, id, &Reply::new(StatusCode::TRYING));
        id
    }

    /// Sends a response 101–199 to the INVITE of a dialog that rings.
    pub fn provisional(&mut self, now: Time, dialog: DialogId, reply: Reply) {
        if let Some(server) = self.ringing(dialog)
            && reply.status.is_provisional()
        {
            self.answer_invite(now, server, dialog, &reply);
        }
    }

    /// Answers the INVITE of a dialog that rings with a 2xx, which is repeated until `Acked` or `AckTimeout`.
    pub fn answer(&mut self, now: Time, dialog: DialogId, reply: Reply) {
        let Some(server) = self.ringing(dialog).filter(|_| reply.status.is_success()) else { return };
        if let Some(held) = self.dialogs.at_mut(dialog.0) {
            held.stage = Stage::Confirmed;
        }
        self.answer_finally(now, server, dialog, &reply);
    }

    /// Refuses the INVITE of a dialog that rings with a response 300–699. The dialog is gone, without an event.
    pub fn reject(&mut self, now: Time, dialog: DialogId, reply: Reply) {
        let Some(server) = self.ringing(dialog).filter(|_| reply.status.as_u16() >= 300) else { return };
        self.answer_invite(now, server, dialog, &reply);
        self.forget_dialog(dialog);
    }

    fn ringing(&self, dialog: DialogId) -> Option<u64> {
        match self.dialogs.at(dialog.0)?.stage {
            Stage::Ringing { server } => Some(server),
            _ => None,
        }
    }

    /// Answers an INVITE of a dialog with a 2xx and repeats it until its ACK comes.
    pub(super) fn answer_finally(&mut self, now: Time, server: u64, dialog: DialogId, reply: &Reply) {
        let invite = self.open_request(server);
        let cseq = invite.and_then(|(invite, ..)| invite.cseq().ok()).map_or(0, |cseq| cseq.number);
        let again = invite.is_some_and(|(invite, ..)| !to_tag(invite).is_empty());
        let Some(response) = self.answer_invite(now, server, dialog, reply) else { return };
        let Endpoint { dialogs, timers, settings, .. } = self;
        let Some(held) = dialogs.at_mut(dialog.0) else { return };
        let mut running = Running::default();
        let due = Due { now, owner: dialog.0 };
        running.start(timers, settings, Timer::AnswerRepeat, due);
        running.start(timers, settings, Timer::AckWait, due);
        held.unacknowledged = Some(Box::new(Unacknowledged { response, cseq, again, running, bye: None }));
    }

    /// Sends a response to an INVITE of a dialog through its transaction; what was sent.
    pub(super) fn answer_invite(
        &mut self,
        now: Time,
        server: u64,
        dialog: DialogId,
        reply: &Reply,
    ) -> Option<bytes::Bytes> {
        let held = self.dialogs.at(dialog.0)?;
        let (request, flow, _) = self.open_request(server)?;
        let frame = Frame {
            tag: std::str::from_utf8(held.local_tag()).unwrap_or(""),
            contact: Some(&held.contact),
            establishes: true,
        };
        let bytes = write::response(&self.settings, request, &flow, frame, reply);
        self.server_step(now, server, ServerEvent::Send(reply.status, bytes.clone()));
        Some(bytes)
    }

    /// An ACK that no refusal awaits: for a 2xx, or for nothing.
    pub(super) fn dialog_ack(&mut self, now: Time, ack: &Message, flow: Flow) {
        let Some(id) = self.find_dialog(ack) else { return };
        let Some(held) = self.dialogs.at_mut(id.0) else { return };
        let awaited = held.unacknowledged.as_ref().map(|unacknowledged| unacknowledged.cseq);
        if *held.peer.tag != *from_tag(ack) || awaited != ack.cseq().ok().map(|cseq| cseq.number) {
            return;
        }
        held.flow = flow;
        let Some(mut unacknowledged) = held.unacknowledged.take() else { return };
        unacknowledged.running.stop_all(&mut self.timers);
        match unacknowledged.bye {
            Some(headers) => self.send_bye(now, id, &headers),
            None if unacknowledged.again => self.tell(id, DialogEvent::ReinviteAcked(ack.clone())),
            None => self.tell(id, DialogEvent::Acked(ack.clone())),
        }
    }

    /// A timer of a dialog: the 2xx again, or no ACK came.
    pub(super) fn dialog_timer(&mut self, now: Time, id: DialogId, timer: Timer) {
        let Endpoint { dialogs, timers, settings, transmits, .. } = self;
        let Some(held) = dialogs.at_mut(id.0) else { return };
        let Some(unacknowledged) = held.unacknowledged.as_deref_mut() else { return };
        unacknowledged.running.fired(timer.role());
        if timer == Timer::AnswerRepeat {
            transmits.push_back(Transmit { flow: held.flow, bytes: unacknowledged.response.clone() });
            unacknowledged.running.start(timers, settings, timer, Due { now, owner: id.0 });
            return;
        }
        unacknowledged.running.stop_all(timers);
        let bye = unacknowledged.bye.take();
        held.unacknowledged = None;
        match bye {
            Some(headers) => self.send_bye(now, id, &headers),
            None => self.tell(id, DialogEvent::AckTimeout),
        }
    }

    /// A CANCEL. It belongs to the INVITE on its branch and to nothing else (RFC 3261 §9.2).
    pub(super) fn handle_cancel(&mut self, now: Time, cancel: Message, flow: Flow) {
        let Some(server) = key_text(&cancel).and_then(|key| self.servers.find(&key)) else {
            self.refuse(&cancel, &flow, Reply::new(StatusCode::CALL_DOES_NOT_EXIST));
            return;
        };
        let dialog = self.dialog_of_server(server);
        let tag = dialog.and_then(|id| self.dialogs.at(id.0)).map(|held| held.local_tag().to_vec());
        self.acknowledge_cancel(&cancel, &flow, tag.as_deref());
        let Some(dialog) = dialog else { return };
        // A re-INVITE goes on to its own end, as one does whose answer crossed the CANCEL: the other side of our call
        // may have taken it up already, and half a change would leave the two apart.
        if self.ringing(dialog) == Some(server) {
            self.reject(now, dialog, Reply::new(StatusCode::REQUEST_TERMINATED));
            self.tell(dialog, DialogEvent::Cancelled(cancel));
        }
    }

    /// 200 to a CANCEL, with the tag of the INVITE's responses while it is known (RFC 3261 §9.2).
    fn acknowledge_cancel(&mut self, cancel: &Message, flow: &Flow, tag: Option<&[u8]>) {
        let derived = self.derived_tag(cancel);
        let tag = tag.and_then(|tag| std::str::from_utf8(tag).ok()).unwrap_or(&derived);
        let frame = Frame { tag, ..Frame::default() };
        let bytes = write::response(&self.settings, cancel, flow, frame, &Reply::new(StatusCode::OK));
        self.transmits.push_back(Transmit { flow: *flow, bytes });
    }

    /// Ends a dialog whose INVITE rings: there is no BYE for it (RFC 3261 §15).
    pub(super) fn reject_ringing(&mut self, now: Time, dialog: DialogId, headers: Headers) {
        let reply = Reply { headers, ..Reply::new(StatusCode::TEMPORARILY_UNAVAILABLE) };
        self.reject(now, dialog, reply);
    }
}

//! Calls we make: INVITE out, its responses in (RFC 3261 §13.2), with every branch it may be forked to.

use clock::Time;

use super::client::{Answered, Cancel, Outgoing, Purpose};
use super::write::{self, Request};
use super::{Body, DialogEvent, Endpoint, Headers, Invite, Outcome};
use crate::dialog::{Begin, Dialog, DialogId, Exchange, MAX_BRANCHES, Peer, Stage, to_tag};
use crate::{Flow, Message, Method, Transmit, call_id_for_shard};

/// The branches of one INVITE whose 2xx are answered. A fork to more places than this, all of which answer, is an attack.
const MAX_ANSWERS: usize = 64;

impl Endpoint {
    /// Makes a call. `Provisional`, then `Answered` or `Rejected` follow.
    pub fn invite(&mut self, now: Time, invite: Invite) -> DialogId {
        let Invite { target, flow, route, from, to, contact, headers, body } = invite;
        let (tag, branch) = (self.new_tag(), self.new_branch());
        let call_id = call_id_for_shard(&mut self.random, self.settings.shard);
        let peer = Peer::unheard(&to, &target, &route);
        let local = format!("{from};tag={tag}");
        let bytes = write::request(
            &self.settings,
            &Request {
                method: Method::Invite,
                flow: &flow,
                branch: &branch,
                from: local.as_bytes(),
                peer: &peer,
                call_id: call_id.as_bytes(),
                cseq: 1,
                contact: Some(&contact),
                headers: &headers,
                body: body.as_ref(),
            },
        );
        let mut dialog = Dialog::begin(Begin {
            call_id: call_id.as_bytes(),
            local_tag: &tag,
            local: local.into_bytes(),
            contact,
            peer,
            flow,
            stage: Stage::Calling { client: 0, branches: Vec::new() },
        });
        dialog.cseq = 1;
        let id = DialogId(self.dialogs.insert(dialog));
        let purpose = Purpose::Call(id);
        let client =
            self.open_client(now, Outgoing { method: Method::Invite, branch: &branch, flow, bytes, purpose });
        if let Some(dialog) = self.dialogs.at_mut(id.0) {
            dialog.stage = Stage::Calling { client, branches: Vec::new() };
        }
        id
    }

    /// Acknowledges the 2xx to our INVITE or re-INVITE, with the answer if the 2xx held the offer. Repetitions of the
    /// 2xx get the same ACK again.
    pub fn ack(&mut self, _now: Time, dialog: DialogId, body: Option<Body>) {
        let branch = self.new_branch();
        let Some(held) = self.dialogs.at_mut(dialog.0) else { return };
        let (client, cseq) = match (&held.stage, held.exchange) {
            (Stage::Answered { client, cseq }, _) => (*client, *cseq),
            (_, Exchange::Answered { client, cseq }) => (client, cseq),
            _ => return,
        };
        let first = matches!(held.stage, Stage::Answered { .. });
        if first {
            held.stage = Stage::Confirmed;
        } else {
            held.exchange = Exchange::None;
        }
        let bytes = write::request(
            &self.settings,
            &Request {
                method: Method::Ack,
                flow: &held.flow,
                branch: &branch,
                from: &held.local,
                peer: &held.peer,
                call_id: held.call_id(),
                cseq,
                contact: None,
                headers: &Headers::new(),
                body: body.as_ref(),
            },
        );
        self.transmits.push_back(Transmit { flow: held.flow, bytes: bytes.clone() });
        let invite = self.clients.at_mut(client).and_then(|client| client.invite.as_deref_mut());
        if let Some(answered) = invite.and_then(|invite| invite.answered.first_mut()) {
            answered.ack = Some(bytes);
        }
    }

    /// Cancels a call of ours that is not answered. `Rejected` follows: with the 487, or with `Outcome::Cancelled` when
    /// an answer crossed the CANCEL.
    pub fn cancel(&mut self, now: Time, dialog: DialogId, headers: Headers) {
        if let Some(Stage::Calling { client, .. }) = self.dialogs.at(dialog.0).map(|dialog| &dialog.stage) {
            self.cancel_client(now, *client, headers);
        }
    }

    /// A response to the INVITE that creates `dialog`.
    pub(super) fn call_response(
        &mut self,
        now: Time,
        client: u64,
        dialog: DialogId,
        heard: (&Message, Flow),
    ) {
        match heard.0.status().map_or(0, |status| status.as_u16()) {
            ..=199 => self.call_provisional(now, client, dialog, heard),
            200..=299 => self.call_answered(now, client, dialog, heard),
            _ => self.call_failed(dialog, Outcome::Response(heard.0.clone())),
        }
    }

    fn call_provisional(&mut self, now: Time, client: u64, dialog: DialogId, heard: (&Message, Flow)) {
        let (response, flow) = heard;
        let Some(held) = self.dialogs.at_mut(dialog.0) else { return };
        held.flow = flow;
        let tag = to_tag(response);
        if let Stage::Calling { branches, .. } = &mut held.stage
            && !tag.is_empty()
        {
            let known = branches.iter().position(|peer| *peer.tag == *tag).map(|at| branches.remove(at));
            let cseq = known.and_then(|known| known.cseq);
            if branches.len() < MAX_BRANCHES {
                branches.push(Peer { cseq, ..Peer::of_response(response, &held.peer.target) });
            }
        }
        let invite = self.clients.at_mut(client).and_then(|client| client.invite.as_deref_mut());
        match invite.map(|invite| &mut invite.cancel) {
            Some(Cancel::Wanted(headers)) => {
                let headers = std::mem::take(headers);
                self.send_cancel(now, client, &headers);
            }
            Some(Cancel::Sent) | None => {}
            Some(Cancel::No) if response.status().is_some_and(|status| status.as_u16() > 100) => {
                self.tell(dialog, DialogEvent::Provisional(response.clone()));
            }
            Some(Cancel::No) => {}
        }
    }

    fn call_answered(&mut self, now: Time, client: u64, dialog: DialogId, heard: (&Message, Flow)) {
        let (response, flow) = heard;
        let invite = self.clients.at_mut(client).and_then(|client| client.invite.as_deref_mut());
        let Some(invite) = invite else { return };
        let Some(held) = self.dialogs.at_mut(dialog.0) else { return };
        if !matches!(invite.cancel, Cancel::No) {
            // The answer crossed our CANCEL: take the call only to end it (RFC 3261 §9.1, §13.2.2.4).
            self.answer_stray(now, client, heard);
            self.forget_dialog(dialog);
            self.tell(dialog, DialogEvent::Rejected(Outcome::Cancelled));
            return;
        }
        let tag = to_tag(response);
        let cseq = held.peer_mut(tag).and_then(|peer| peer.cseq);
        held.peer = Peer { cseq, ..Peer::of_response(response, &held.peer.target) };
        held.flow = flow;
        held.stage = Stage::Answered { client, cseq: response.cseq().map_or(0, |cseq| cseq.number) };
        invite.answered.push(Answered { tag: tag.into(), ack: None });
        self.tell(dialog, DialogEvent::Answered(response.clone()));
    }

    /// A 2xx to an INVITE of ours from a branch that answered before: its ACK again, and nothing else. Whether it was one.
    pub(super) fn reacknowledge(&mut self, client: u64, response: &Message, flow: Flow) -> bool {
        let invite = self.clients.at(client).and_then(|client| client.invite.as_deref());
        let tag = to_tag(response);
        let Some(answered) =
            invite.and_then(|invite| invite.answered.iter().find(|known| *known.tag == *tag))
        else {
            return false;
        };
        if let Some(bytes) = answered.ack.clone() {
            self.transmits.push_back(Transmit { flow, bytes });
        }
        true
    }

    /// A 2xx nobody wants (a branch that lost, an answer that crossed our CANCEL or BYE): it must be acknowledged all
    /// the same, and the dialog it made be ended (RFC 3261 §13.2.2.4).
    pub(super) fn answer_stray(&mut self, now: Time, client: u64, heard: (&Message, Flow)) {
        let (response, flow) = heard;
        let (ack_branch, bye_branch) = (self.new_branch(), self.new_branch());
        let Some(held) = self.clients.at_mut(client) else { return };
        let Some(invite) = held.invite.as_deref_mut().filter(|invite| invite.answered.len() < MAX_ANSWERS)
        else {
            return;
        };
        let Ok(request) = Message::parse(held.sent.clone()) else { return };
        let peer = Peer::of_response(response, request.request_uri());
        let cseq = request.cseq().map_or(0, |cseq| cseq.number);
        let headers = Headers::new();
        let mut follow = Request {
            method: Method::Ack,
            flow: &flow,
            branch: &ack_branch,
            from: request.header(crate::Name::From).unwrap_or(&[]),
            peer: &peer,
            call_id: request.call_id().unwrap_or(&[]),
            cseq,
            contact: None,
            headers: &headers,
            body: None,
        };
        let ack = write::request(&self.settings, &follow);
        invite.answered.push(Answered { tag: peer.tag.clone(), ack: Some(ack.clone()) });
        self.transmits.push_back(Transmit { flow, bytes: ack });
        if !to_tag(&request).is_empty() {
            // A re-INVITE made no dialog; the one it belonged to was ended by itself.
            return;
        }
        follow.method = Method::Bye;
        follow.branch = &bye_branch;
        follow.cseq = cseq.saturating_add(1);
        let bytes = write::request(&self.settings, &follow);
        let purpose = Purpose::Nobody;
        self.open_client(now, Outgoing { method: Method::Bye, branch: &bye_branch, flow, bytes, purpose });
    }

    /// Timer or flow ended an INVITE of ours.
    pub(super) fn call_failed(&mut self, dialog: DialogId, outcome: Outcome) {
        if self.forget_dialog(dialog) {
            self.tell(dialog, DialogEvent::Rejected(outcome));
        }
    }
}

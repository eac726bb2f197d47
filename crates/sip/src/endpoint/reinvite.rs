//! Changes of a call that stands: re-INVITE both ways (RFC 3261 §14).

use std::time::Duration;

use clock::Time;

use super::client::{Answered, Outgoing, Purpose};
use super::write::{self, Request};
use super::{Body, Busy, DialogEvent, Endpoint, Headers, Incoming, Outcome, Reply};
use crate::dialog::{DialogId, Exchange, to_tag};
use crate::transaction::KeyText;
use crate::{Flow, Message, Method, Name, StatusCode};

/// The unit of the delay after a glare, RFC 3261 §14.1.
const GLARE_UNIT: Duration = Duration::from_millis(10);

impl Endpoint {
    /// Sends a re-INVITE. `ReinviteOutcome` follows.
    ///
    /// # Errors
    /// [`Busy`] while another INVITE of either side is not finished, or the call does not stand (RFC 3261 §14.1).
    pub fn reinvite(&mut self, now: Time, dialog: DialogId, body: Option<Body>) -> Result<(), Busy> {
        let branch = self.new_branch();
        let held = self.dialogs.at_mut(dialog.0).filter(|held| held.is_quiet()).ok_or(Busy)?;
        let cseq = held.next_cseq();
        let flow = held.flow;
        let bytes = write::request(
            &self.settings,
            &Request {
                method: Method::Invite,
                flow: &flow,
                branch: &branch,
                from: &held.local,
                peer: &held.peer,
                call_id: held.call_id(),
                cseq,
                contact: Some(&held.contact),
                headers: &Headers::new(),
                body: body.as_ref(),
            },
        );
        let purpose = Purpose::Again(dialog);
        let client =
            self.open_client(now, Outgoing { method: Method::Invite, branch: &branch, flow, bytes, purpose });
        if let Some(held) = self.dialogs.at_mut(dialog.0) {
            held.exchange = Exchange::Ours { client };
        }
        Ok(())
    }

    /// How long to wait before a re-INVITE that was refused with 491 is tried again: the owner of the Call-ID waits
    /// longer than the other side, so that they do not meet again (RFC 3261 §14.1).
    pub fn glare_delay(&mut self, dialog: DialogId) -> Duration {
        let owner = self.dialogs.at(dialog.0).is_some_and(|held| held.is_caller());
        let (from, to) = if owner { (210, 400) } else { (0, 200) };
        let units = from + self.random.below(to - from + 1);
        GLARE_UNIT.saturating_mul(u32::try_from(units).unwrap_or(u32::MAX))
    }

    /// Answers the re-INVITE that `Reinvite` told of. A 2xx is repeated until `ReinviteAcked` or `AckTimeout`.
    pub fn respond_reinvite(&mut self, now: Time, dialog: DialogId, reply: Reply) {
        let Some(held) = self.dialogs.at_mut(dialog.0) else { return };
        let Exchange::Theirs { server } = held.exchange else { return };
        if reply.status.is_provisional() {
            self.answer_invite(now, server, dialog, &reply);
            return;
        }
        held.exchange = Exchange::None;
        if !reply.status.is_success() {
            self.answer_invite(now, server, dialog, &reply);
            return;
        }
        let contact = self.open_request(server).map(|(request, ..)| request.clone());
        if let (Some(held), Some(request)) = (self.dialogs.at_mut(dialog.0), contact) {
            held.peer.refresh(&request);
        }
        self.answer_finally(now, server, dialog, &reply);
    }

    /// An INVITE in a dialog, its CSeq in order.
    pub(super) fn dialog_reinvite(
        &mut self,
        now: Time,
        dialog: DialogId,
        incoming: &Incoming,
        key: &KeyText,
    ) {
        let Some(held) = self.dialogs.at(dialog.0) else { return };
        let exchange = held.exchange;
        let quiet = held.is_quiet();
        let server = self.open_server(now, incoming, key, Some(dialog));
        if quiet {
            if let Some(held) = self.dialogs.at_mut(dialog.0) {
                held.exchange = Exchange::Theirs { server };
            }
            self.answer_invite(now, server, dialog, &Reply::new(StatusCode::TRYING));
            self.tell(dialog, DialogEvent::Reinvite(incoming.message.clone()));
            return;
        }
        // RFC 3261 §14.2: one of theirs is not answered yet: 500, try again; one of ours is under way: 491. The same
        // for one whose ACK is missing (RFC 5407 §3.1.4), and for a call that does not stand yet.
        let reply = if matches!(exchange, Exchange::Theirs { .. }) {
            Reply::new(StatusCode::SERVER_INTERNAL_ERROR).header(Name::RetryAfter, self.retry_after())
        } else {
            Reply::new(StatusCode::REQUEST_PENDING)
        };
        self.answer_invite(now, server, dialog, &reply);
    }

    /// A response to our re-INVITE, none of a branch that answered before.
    pub(super) fn reinvite_response(&mut self, client: u64, dialog: DialogId, heard: (&Message, Flow)) {
        let (response, flow) = heard;
        let Some(held) = self.dialogs.at_mut(dialog.0) else { return };
        held.flow = flow;
        let Some(status) = response.status().filter(|status| status.is_final()) else { return };
        if !status.is_success() {
            self.reinvite_failed(dialog, Outcome::Response(response.clone()));
            return;
        }
        held.peer.refresh(response);
        held.exchange = Exchange::Answered { client, cseq: response.cseq().map_or(0, |cseq| cseq.number) };
        if let Some(invite) = self.clients.at_mut(client).and_then(|client| client.invite.as_deref_mut()) {
            invite.answered.push(Answered { tag: to_tag(response).into(), ack: None });
        }
        self.tell(dialog, DialogEvent::ReinviteOutcome(Outcome::Response(response.clone())));
    }

    /// Our re-INVITE ended without a 2xx.
    pub(super) fn reinvite_failed(&mut self, dialog: DialogId, outcome: Outcome) {
        if let Some(held) = self.dialogs.at_mut(dialog.0) {
            held.exchange = Exchange::None;
            self.tell(dialog, DialogEvent::ReinviteOutcome(outcome));
        }
    }

    /// A value for Retry-After between 0 and 10 seconds, RFC 3261 §14.2.
    fn retry_after(&mut self) -> String {
        self.random.below(11).to_string()
    }
}

//! The end of a call: BYE both ways (RFC 3261 §15).

use clock::Time;

use super::client::{Outgoing, Purpose};
use super::server::ServerEvent;
use super::write::{self, Frame, Request};
use super::{DialogEvent, Endpoint, Headers, Incoming, Reply};
use crate::dialog::{DialogId, Exchange, Stage, to_tag};
use crate::transaction::KeyText;
use crate::{Method, StatusCode};

impl Endpoint {
    /// Ends a call, whatever it has come to.
    ///
    /// * It stands: BYE; `ByeOutcome` or, if theirs crosses, `Ended` follows.
    /// * Our 2xx has no ACK yet: the same once the ACK came or is given up (RFC 3261 §15).
    /// * It rings at the other side: CANCEL; `Rejected` follows.
    /// * It rings here: 480; the dialog is gone, without an event.
    pub fn bye(&mut self, now: Time, dialog: DialogId, headers: Headers) {
        let Some(held) = self.dialogs.at_mut(dialog.0) else { return };
        match &held.stage {
            Stage::Ringing { .. } => self.reject_ringing(now, dialog, headers),
            Stage::Calling { .. } => self.cancel(now, dialog, headers),
            Stage::Answered { .. } => {
                self.ack(now, dialog, None);
                self.send_bye(now, dialog, &headers);
            }
            Stage::Confirmed => {
                let first = held.unacknowledged.as_deref_mut().filter(|unacknowledged| !unacknowledged.again);
                match first {
                    Some(unacknowledged) => {
                        unacknowledged.bye.get_or_insert(headers);
                    }
                    None => self.send_bye(now, dialog, &headers),
                }
            }
            Stage::Closing { .. } => {}
        }
    }

    /// Sends BYE now, and lets go of what else was under way.
    pub(super) fn send_bye(&mut self, now: Time, dialog: DialogId, headers: &Headers) {
        self.let_go(now, dialog);
        let branch = self.new_branch();
        let Some(held) = self.dialogs.at_mut(dialog.0) else { return };
        let cseq = held.next_cseq();
        let flow = held.flow;
        let bytes = write::request(
            &self.settings,
            &Request {
                method: Method::Bye,
                flow: &flow,
                branch: &branch,
                from: &held.local,
                peer: &held.peer,
                call_id: held.call_id(),
                cseq,
                contact: None,
                headers,
                body: None,
            },
        );
        let purpose = Purpose::Bye(dialog);
        let bye =
            self.open_client(now, Outgoing { method: Method::Bye, branch: &branch, flow, bytes, purpose });
        if let Some(held) = self.dialogs.at_mut(dialog.0) {
            held.stage = Stage::Closing { bye };
        }
    }

    /// A BYE of the other side, its CSeq in order: 200, and the dialog is gone.
    pub(super) fn dialog_bye(&mut self, now: Time, dialog: DialogId, incoming: Incoming, key: &KeyText) {
        let server = self.open_server(now, &incoming, key, None);
        let tag = to_tag(&incoming.message).to_vec();
        let frame = Frame { tag: std::str::from_utf8(&tag).unwrap_or(""), ..Frame::default() };
        let reply = Reply::new(StatusCode::OK);
        let bytes = write::response(&self.settings, &incoming.message, &incoming.flow, frame, &reply);
        self.server_step(now, server, ServerEvent::Send(reply.status, bytes));
        self.let_go(now, dialog);
        match self.dialogs.at(dialog.0).map(|held| &held.stage) {
            // RFC 3261 §15.1.2: what is not answered yet gets 487.
            Some(Stage::Ringing { server }) => {
                self.answer_invite(now, *server, dialog, &Reply::new(StatusCode::REQUEST_TERMINATED));
            }
            // The called one must not do this before its 2xx; one whose 2xx were all lost may.
            Some(Stage::Calling { client, .. }) => {
                let client = *client;
                self.cancel_client(now, client, Headers::new());
                self.orphan(now, client);
            }
            // Theirs crossed ours: ours has nobody to tell any more.
            Some(Stage::Closing { bye }) => {
                let bye = *bye;
                self.orphan(now, bye);
            }
            _ => {}
        }
        self.forget_dialog(dialog);
        self.tell(dialog, DialogEvent::Ended(incoming.message));
    }

    /// Ends what is under way beside the call itself: a re-INVITE of either side, a 2xx that is repeated.
    fn let_go(&mut self, now: Time, dialog: DialogId) {
        match self.dialogs.at(dialog.0).map(|held| held.exchange) {
            Some(Exchange::Theirs { server }) => {
                self.answer_invite(now, server, dialog, &Reply::new(StatusCode::REQUEST_TERMINATED));
            }
            Some(Exchange::Ours { client }) => self.orphan(now, client),
            Some(Exchange::Answered { .. }) => self.ack(now, dialog, None),
            Some(Exchange::None) | None => {}
        }
        let Some(held) = self.dialogs.at_mut(dialog.0) else { return };
        held.exchange = Exchange::None;
        if let Some(mut unacknowledged) = held.unacknowledged.take() {
            unacknowledged.running.stop_all(&mut self.timers);
        }
    }
}

//! Requests in a dialog, both ways (RFC 3261 §12.2).

use clock::Time;

use super::client::{Outgoing, Purpose};
use super::write::{self, Request};
use super::{Body, DialogEvent, Endpoint, Headers, Incoming, Reply};
use crate::dialog::{Dialog, DialogId, from_tag, to_tag};
use crate::transaction::{ClientTx, KeyText, ServerTx};
use crate::{Message, Method, Name, StatusCode};

impl Endpoint {
    /// Sends a request in a dialog; `Event::Response` follows. `None` where there is nobody to send it to, or for a
    /// method that has a command of its own (INVITE, ACK, CANCEL, BYE).
    #[expect(
        clippy::too_many_arguments,
        reason = "four plain parts of a request; a struct would only rename them"
    )]
    pub fn request_in_dialog(
        &mut self,
        now: Time,
        dialog: DialogId,
        method: Method,
        headers: Headers,
        body: Option<Body>,
    ) -> Option<ClientTx> {
        if matches!(method, Method::Invite | Method::Ack | Method::Cancel | Method::Bye | Method::Other) {
            return None;
        }
        let branch = self.new_branch();
        let held = self.dialogs.at_mut(dialog.0)?;
        held.reachable()?;
        let cseq = held.next_cseq();
        let held = self.dialogs.at(dialog.0)?;
        let refreshes = matches!(method, Method::Update | Method::Subscribe | Method::Notify | Method::Refer);
        let flow = held.flow;
        let bytes = write::request(
            &self.settings,
            &Request {
                method,
                flow: &flow,
                branch: &branch,
                from: &held.local,
                peer: held.reachable()?,
                call_id: held.call_id(),
                cseq,
                contact: refreshes.then_some(&*held.contact),
                headers: &headers,
                body: body.as_ref(),
            },
        );
        let purpose = Purpose::InDialog(dialog);
        Some(ClientTx(self.open_client(now, Outgoing { method, branch: &branch, flow, bytes, purpose })))
    }

    /// The dialog that the To tag and Call-ID of a request name.
    pub(super) fn find_dialog(&self, request: &Message) -> Option<DialogId> {
        let key = Dialog::key_of(request.call_id()?, to_tag(request));
        self.dialogs.find(&key).map(DialogId)
    }

    /// A request with a To tag that belongs to no transaction; neither ACK nor CANCEL.
    pub(super) fn handle_in_dialog(&mut self, now: Time, incoming: Incoming, key: &KeyText) {
        let request = &incoming.message;
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let found = self.find_dialog(request);
        let held = found.and_then(|id| self.dialogs.at_mut(id.0));
        let peer = held.and_then(|held| held.peer_mut(from_tag(request)));
        let (Some(id), Some(peer)) = (found, peer) else {
            self.refuse(request, &incoming.flow, Reply::new(StatusCode::CALL_DOES_NOT_EXIST));
            return;
        };
        // RFC 3261 §12.2.2: out of order; what came before it may have changed what it means.
        if peer.cseq.is_some_and(|last| number <= last) {
            let again = Reply::new(StatusCode::SERVER_INTERNAL_ERROR).header(Name::RetryAfter, "1");
            self.refuse(request, &incoming.flow, again);
            return;
        }
        peer.cseq = Some(number);
        if request.method() == Some(Method::Update) {
            peer.refresh(request);
        }
        if let Some(held) = self.dialogs.at_mut(id.0) {
            held.flow = incoming.flow;
        }
        match request.method() {
            Some(Method::Bye) => self.dialog_bye(now, id, incoming, key),
            Some(Method::Invite) => self.dialog_reinvite(now, id, &incoming, key),
            _ => {
                let tx = ServerTx(self.open_server(now, &incoming, key, None));
                self.tell(id, DialogEvent::Request { tx, request: incoming.message });
            }
        }
    }
}

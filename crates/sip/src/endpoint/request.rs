//! Requests of ours outside any dialog (RFC 3261 §8.1).

use clock::Time;

use super::client::{Outgoing, Purpose};
use super::write::{self, Request};
use super::{Endpoint, OutOfDialog};
use crate::call_id_for_shard;
use crate::dialog::Peer;
use crate::transaction::ClientTx;

impl Endpoint {
    /// Sends a request outside any dialog; `Event::Response` follows.
    pub fn request(&mut self, now: Time, request: OutOfDialog) -> ClientTx {
        let OutOfDialog { method, target, flow, from, to, contact, headers, body } = request;
        let (tag, branch) = (self.new_tag(), self.new_branch());
        let call_id = call_id_for_shard(&mut self.random, self.settings.shard);
        let bytes = write::request(
            &self.settings,
            &Request {
                method,
                flow: &flow,
                branch: &branch,
                from: format!("{from};tag={tag}").as_bytes(),
                peer: &Peer::unheard(&to, &target, &[]),
                call_id: call_id.as_bytes(),
                cseq: 1,
                contact: contact.as_deref(),
                headers: &headers,
                body: body.as_ref(),
            },
        );
        ClientTx(
            self.open_client(now, Outgoing { method, branch: &branch, flow, bytes, purpose: Purpose::User }),
        )
    }
}

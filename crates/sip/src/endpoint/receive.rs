//! What comes in: who is concerned, and what is refused before anybody is.

use clock::Time;

use super::client::ClientEvent;
use super::server::{ServerEvent, key_text};
use super::write::{self, Frame};
use super::{DialogId, Endpoint, Event, Incoming, Reply};
use crate::dialog::{contact_uri, to_tag};
use crate::timer::Owner;
use crate::{Flow, Message, Method, Name, Packet, StatusCode};

impl Endpoint {
    /// A datagram or framed message came. What is no SIP message is dropped.
    pub fn handle_packet(&mut self, now: Time, packet: Packet) {
        let Packet { flow, bytes } = packet;
        let Ok(message) = Message::parse(bytes) else { return };
        let valid = message.validate();
        match message.method() {
            // Responses and ACKs that cannot be used are dropped: nothing answers them.
            None if valid.is_ok() => self.handle_response(now, &message, flow),
            Some(Method::Ack) if valid.is_ok() => self.handle_ack(now, &message, flow),
            None | Some(Method::Ack) => {}
            Some(method) => match valid {
                Err(refusal) => {
                    self.refuse(&message, &flow, Reply::new(refusal.status).reason(refusal.reason));
                }
                Ok(()) if method == Method::Cancel => self.handle_cancel(now, message, flow),
                Ok(()) => self.handle_request(now, Incoming { message, flow }),
            },
        }
    }

    /// Time has passed: every timer that is due fires.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((timer, owner)) = self.timers.fire(now) {
            match timer.owner() {
                Owner::Client => self.client_step(now, owner, &ClientEvent::Fired(timer)),
                Owner::Server => self.server_step(now, owner, ServerEvent::Fired(timer)),
                Owner::Dialog => self.dialog_timer(now, DialogId(owner), timer),
            }
        }
    }

    /// A flow failed: its connection closed, or nothing could be sent on it. Requests of ours that wait for an answer on
    /// it have failed (RFC 3261 §17.1.4).
    pub fn handle_flow_error(&mut self, now: Time, flow: Flow) {
        let fails = |id: &u64| self.clients.at(*id).is_some_and(|client| client.flow.shares_fate_with(&flow));
        let failed: Vec<u64> = self.clients.ids().filter(fails).collect();
        for client in failed {
            self.client_step(now, client, &ClientEvent::FlowFailed);
        }
    }

    fn handle_ack(&mut self, now: Time, ack: &Message, flow: Flow) {
        match key_text(ack).and_then(|key| self.servers.find(&key)) {
            Some(server) => self.server_step(now, server, ServerEvent::Ack(ack, flow)),
            None => self.dialog_ack(now, ack, flow),
        }
    }

    fn handle_request(&mut self, now: Time, incoming: Incoming) {
        let request = &incoming.message;
        let Some(key) = key_text(request) else { return };
        if let Some(server) = self.servers.find(&key) {
            self.server_step(now, server, ServerEvent::Again(incoming.flow));
            return;
        }
        if let Some(unsupported) = self.unsupported(request) {
            let reply = Reply::new(StatusCode::BAD_EXTENSION).header(Name::Unsupported, unsupported);
            self.refuse(request, &incoming.flow, reply);
            return;
        }
        // A REGISTER belongs to no dialog, whatever tag a phone puts into its To.
        if !to_tag(request).is_empty() && request.method() != Some(Method::Register) {
            self.handle_in_dialog(now, incoming, &key);
            return;
        }
        if self.servers.has_alias(self.merge_hash(request)) {
            // RFC 3261 §8.2.2.2: the same request by another way.
            self.refuse(request, &incoming.flow, Reply::new(StatusCode::LOOP_DETECTED));
            return;
        }
        // REGISTER and OPTIONS end here; everything else goes on to somebody, and this was its last hop.
        let ends_here = matches!(request.method(), Some(Method::Register | Method::Options));
        if !ends_here && request.max_forwards() == Ok(Some(0)) {
            self.refuse(request, &incoming.flow, Reply::new(StatusCode::TOO_MANY_HOPS));
            return;
        }
        if request.method() == Some(Method::Invite) && contact_uri(request).is_none() {
            // No request of ours could ever reach the caller.
            let reply = Reply::new(StatusCode::BAD_REQUEST).reason("Malformed Contact");
            self.refuse(request, &incoming.flow, reply);
            return;
        }
        self.events.push_back(match request.method() {
            Some(Method::Invite) => Event::Invite(incoming),
            _ => Event::Request(incoming),
        });
    }

    /// The option tags a request requires and we do not support, RFC 3261 §8.2.2.3.
    fn unsupported(&self, request: &Message) -> Option<String> {
        request.header(Name::Require)?;
        let supported = |tag: &[u8]| {
            let mut ours = self.settings.supported.split(',').map(str::trim);
            ours.any(|ours| ours.as_bytes().eq_ignore_ascii_case(tag))
        };
        let missing: Vec<_> = request
            .values(Name::Require)
            .filter(|tag| !tag.is_empty() && !supported(tag))
            .map(String::from_utf8_lossy)
            .collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }

    /// Answers a request without keeping anything of it. The To tag follows from the request, so that its repetitions
    /// get the same answer.
    pub fn reply(&mut self, _now: Time, incoming: &Incoming, reply: Reply) {
        self.refuse(&incoming.message, &incoming.flow, reply);
    }

    /// The same for a request that is not the user's.
    pub(super) fn refuse(&mut self, request: &Message, flow: &Flow, reply: Reply) {
        if request.via().is_err() {
            return;
        }
        let tag = self.derived_tag(request);
        let frame = Frame { tag: &tag, ..Frame::default() };
        let bytes = write::response(&self.settings, request, flow, frame, &reply);
        self.transmits.push_back(crate::Transmit { flow: *flow, bytes });
    }
}

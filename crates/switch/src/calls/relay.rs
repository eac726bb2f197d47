//! Requests within a call that concern the other side: passed on, and their answers passed back.

use call::LegId;
use clock::Time;
use sip::{Body, ClientTx, Message, Method, Name, Outcome, Reply, ServerTx, StatusCode};

use crate::core::State;

impl State {
    /// A request in a dialog that is neither INVITE nor BYE. INFO (RFC 6086, keypad digits) goes to the other side.
    pub(crate) fn pass_request(&mut self, now: Time, at: (u64, LegId), tx: ServerTx, request: &Message) {
        let (serial, leg) = at;
        let status = match request.method() {
            Some(Method::Info) => match self.pass_info(now, serial, leg, request) {
                Some(ours) => {
                    self.calls.relays.insert(ours, tx);
                    return;
                }
                // Nobody is there to hear it yet, or the server itself is the other end.
                None => StatusCode::OK,
            },
            Some(Method::Options) => StatusCode::OK,
            _ => StatusCode::METHOD_NOT_ALLOWED,
        };
        self.count(request.method(), status);
        let reply = Reply::new(status);
        let allow = self.endpoint.settings().allow.clone();
        let reply = if status == StatusCode::OK { reply } else { reply.header(Name::Allow, allow) };
        self.endpoint.respond(now, tx, reply);
    }

    fn pass_info(&mut self, now: Time, serial: u64, leg: LegId, request: &Message) -> Option<ClientTx> {
        let running = self.calls.get(serial)?;
        let dialog = running.dialog(running.call.peer_of(leg)?)?;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let body = request.content_type().map(|kind| Body::new(text(kind), request.body_bytes()));
        let package = request.other("Info-Package").map(|package| ("Info-Package".into(), text(package)));
        self.endpoint.request_in_dialog(now, dialog, Method::Info, package.into_iter().collect(), body)
    }

    /// The end of a request that was passed on.
    pub(crate) fn relayed(&mut self, now: Time, tx: ClientTx, outcome: &Outcome) {
        if let Some(theirs) = self.calls.relays.remove(&tx) {
            // RFC 3261 §16.7: what the other side has to say about itself is none of this one's business.
            let status = match outcome.status().as_u16() {
                401 | 407 | 481 | 503 => StatusCode::SERVER_INTERNAL_ERROR,
                _ => outcome.status(),
            };
            self.count(Some(Method::Info), status);
            self.endpoint.respond(now, theirs, Reply::new(status));
        }
    }
}

//! Calls: what a phone does with INVITE and inside a dialog.

use crate::message::uri_of;
use crate::{Msg, Phone};

/// A dialog as a phone keeps it, RFC 3261 §12.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// The Call-ID.
    pub call_id: String,
    /// Our side as in From of our requests.
    pub local: String,
    /// Their side as in To of our requests.
    pub remote: String,
    /// Where requests go.
    pub target: String,
    /// The route set in the order of our requests.
    pub route: Vec<String>,
    /// The last CSeq we used.
    pub cseq: u32,
    /// The last description the other side sent.
    pub remote_sdp: String,
    /// The ACK we sent, to be sent again.
    pub ack: Option<Msg>,
}

impl Dialog {
    fn of_caller(invite: &Msg, answer: &Msg) -> Dialog {
        let mut route: Vec<String> = answer.all("Record-Route").map(str::to_owned).collect();
        route.reverse();
        Dialog {
            call_id: invite.need("Call-ID").to_owned(),
            local: invite.need("From").to_owned(),
            remote: answer.need("To").to_owned(),
            target: answer.contact_uri(),
            route,
            cseq: invite.cseq(),
            remote_sdp: answer.body.clone(),
            ack: None,
        }
    }

    fn of_callee(invite: &Msg, answer: &Msg) -> Dialog {
        Dialog {
            call_id: invite.need("Call-ID").to_owned(),
            local: answer.need("To").to_owned(),
            remote: invite.need("From").to_owned(),
            target: invite.contact_uri(),
            route: invite.all("Record-Route").map(str::to_owned).collect(),
            cseq: 100,
            remote_sdp: invite.body.clone(),
            ack: None,
        }
    }

    fn owns(&self, message: &Msg) -> bool {
        is_of(message, &self.call_id)
    }
}

impl Phone {
    /// Sends an INVITE to a number or URI, with the answer to the challenge; gives the INVITE that is under way.
    pub fn invite(&mut self, number: &str, sdp: &str) -> Msg {
        let invite = self.invite_request(number, sdp);
        self.send(&invite);
        let call_id = invite.need("Call-ID").to_owned();
        let answer = self
            .expect("an answer to INVITE", |message| message.answers("INVITE") && is_of(message, &call_id));
        if !matches!(answer.status(), 401 | 407) {
            self.inbox.insert(0, answer);
            return invite;
        }
        self.acknowledge_refusal(&invite, &answer);
        let again = self.authorized(&invite, &answer);
        self.send(&again);
        again
    }

    /// An INVITE that has not been sent.
    #[must_use]
    pub fn invite_request(&mut self, number: &str, sdp: &str) -> Msg {
        let target = match number.strip_prefix("sip:") {
            Some(_) => number.to_owned(),
            None => format!("sip:{number}@{}", self.account.domain),
        };
        let invite = self.request("INVITE", &target);
        if sdp.is_empty() { invite } else { invite.with_body("application/sdp", sdp) }
    }

    /// Waits for 180 or 183.
    pub fn ringing(&mut self, invite: &Msg) -> Msg {
        let call_id = invite.need("Call-ID").to_owned();
        self.expect("ringing", |message| matches!(message.status(), 180 | 183) && is_of(message, &call_id))
    }

    /// Waits for any provisional answer.
    pub fn ringing_or_trying(&mut self, invite: &Msg) -> Msg {
        let call_id = invite.need("Call-ID").to_owned();
        self.expect("a provisional answer", |message| {
            (100..200).contains(&message.status()) && is_of(message, &call_id)
        })
    }

    /// Waits for the 200 and acknowledges it.
    pub fn answered(&mut self, invite: &Msg) -> Dialog {
        let answer = self.answered_without_ack(invite);
        let mut dialog = Dialog::of_caller(invite, &answer);
        self.acknowledge(&mut dialog, "");
        dialog
    }

    /// Waits for the 200 and leaves it unacknowledged.
    pub fn answered_without_ack(&mut self, invite: &Msg) -> Msg {
        let (call_id, cseq) = (invite.need("Call-ID").to_owned(), invite.need("CSeq").to_owned());
        let answer = self.expect("a final answer to INVITE", |message| {
            message.status() >= 200 && is_of(message, &call_id) && message.header("CSeq") == Some(&*cseq)
        });
        assert_eq!(answer.status(), 200, "INVITE of {}: {answer:#?}", self.account.username);
        answer
    }

    /// The dialog that an answer makes, not acknowledged yet.
    #[must_use]
    pub fn dialog_from(&self, invite: &Msg, answer: &Msg) -> Dialog {
        Dialog::of_caller(invite, answer)
    }

    /// Waits for a refusal and acknowledges it.
    pub fn refused(&mut self, invite: &Msg) -> Msg {
        let (call_id, cseq) = (invite.need("Call-ID").to_owned(), invite.need("CSeq").to_owned());
        let answer = self.expect("a refusal of INVITE", |message| {
            message.status() >= 200 && is_of(message, &call_id) && message.header("CSeq") == Some(&*cseq)
        });
        assert!(answer.status() >= 300, "expected a refusal: {answer:#?}");
        self.acknowledge_refusal(invite, &answer);
        answer
    }

    /// Cancels; waits for the 200 to CANCEL and the 487 to INVITE.
    pub fn cancel(&mut self, invite: &Msg) {
        let cancel = of_same_transaction(invite, "CANCEL");
        let answer = self.exchange(&cancel);
        assert_eq!(answer.status(), 200, "CANCEL: {}", answer.start);
        assert_eq!(self.refused(invite).status(), 487);
    }

    /// The ACK of a refusal belongs to the transaction of the INVITE, RFC 3261 §17.1.1.3.
    pub fn acknowledge_refusal(&mut self, invite: &Msg, answer: &Msg) {
        let mut ack = of_same_transaction(invite, "ACK");
        ack.remove("To");
        let ack = ack.with("To", answer.need("To"));
        self.send(&ack);
    }

    /// Sends the ACK of a 200, with an answer if the 200 had the offer.
    pub fn acknowledge(&mut self, dialog: &mut Dialog, sdp: &str) {
        let ack = self.in_dialog_with(dialog, "ACK", dialog.cseq);
        let ack = if sdp.is_empty() { ack } else { ack.with_body("application/sdp", sdp) };
        self.send(&ack);
        dialog.ack = Some(ack);
    }

    /// Waits for an INVITE that begins a call.
    pub fn incoming(&mut self) -> Msg {
        self.expect("an INVITE", |message| message.is_request("INVITE") && message.tag("To").is_none())
    }

    /// Answers a call and waits for the ACK.
    pub fn answer(&mut self, invite: &Msg, sdp: &str) -> Dialog {
        let (answer, mut dialog) = self.answer_prepared(invite, sdp);
        self.send(&answer);
        let ack = self.expect("an ACK", |message| message.is_request("ACK") && dialog.owns(message));
        if !ack.body.is_empty() {
            dialog.remote_sdp = ack.body;
        }
        dialog
    }

    /// The 200 for a call and the dialog it makes, not sent yet.
    #[must_use]
    pub fn answer_prepared(&mut self, invite: &Msg, sdp: &str) -> (Msg, Dialog) {
        let answer = self.response(invite, 200, "OK").with_body("application/sdp", sdp);
        let dialog = Dialog::of_callee(invite, &answer);
        (answer, dialog)
    }

    /// A request of the dialog with the next CSeq.
    #[must_use]
    pub fn in_dialog(&mut self, dialog: &mut Dialog, method: &str) -> Msg {
        dialog.cseq += 1;
        self.in_dialog_with(dialog, method, dialog.cseq)
    }

    fn in_dialog_with(&mut self, dialog: &Dialog, method: &str, cseq: u32) -> Msg {
        let mut request = Msg::new(format!("{method} {} SIP/2.0", dialog.target))
            .with("Via", self.via())
            .with("Max-Forwards", "70")
            .with("From", &*dialog.local)
            .with("To", &*dialog.remote)
            .with("Call-ID", &*dialog.call_id)
            .with("CSeq", format!("{cseq} {method}"))
            .with("Contact", format!("<{}>", self.contact()));
        for route in &dialog.route {
            request = request.with("Route", &**route);
        }
        request
    }

    /// Hangs up.
    pub fn bye(&mut self, dialog: &mut Dialog) {
        let bye = self.in_dialog(dialog, "BYE");
        let answer = self.exchange(&bye);
        assert_eq!(answer.status(), 200, "BYE: {}", answer.start);
    }

    /// Waits until the other side hangs up; gives the BYE.
    pub fn hung_up(&mut self, dialog: &Dialog) -> Msg {
        let bye = self.expect("a BYE", |message| message.is_request("BYE") && dialog.owns(message));
        self.respond(&bye, 200, "OK");
        bye
    }

    /// Changes the session; gives the answer, acknowledged.
    pub fn reinvite(&mut self, dialog: &mut Dialog, sdp: &str) -> Msg {
        let invite = self.in_dialog(dialog, "INVITE");
        let invite = if sdp.is_empty() { invite } else { invite.with_body("application/sdp", sdp) };
        self.send(&invite);
        let answer = self.answered_without_ack(&invite);
        dialog.remote_sdp.clone_from(&answer.body);
        self.acknowledge(dialog, "");
        answer
    }

    /// Waits for a change of the session and takes it with `sdp`; gives the INVITE.
    pub fn reinvited(&mut self, dialog: &mut Dialog, sdp: &str) -> Msg {
        let invite = self.expect("a re-INVITE", |message| {
            message.is_request("INVITE") && message.tag("To").is_some() && dialog.owns(message)
        });
        dialog.remote_sdp.clone_from(&invite.body);
        let answer = self.response(&invite, 200, "OK").with_body("application/sdp", sdp);
        self.send(&answer);
        let cseq = invite.cseq();
        self.expect("the ACK of a re-INVITE", |message| {
            message.is_request("ACK") && dialog.owns(message) && message.cseq() == cseq
        });
        invite
    }
}

fn is_of(message: &Msg, call_id: &str) -> bool {
    message.header("Call-ID") == Some(call_id)
}

/// CANCEL and the ACK of a refusal: the same Via, URI, ids and CSeq number.
fn of_same_transaction(invite: &Msg, method: &str) -> Msg {
    let mut message = Msg::new(format!("{method} {} SIP/2.0", invite.uri()));
    for name in ["Via", "Max-Forwards", "From", "To", "Call-ID", "Route"] {
        for value in invite.all(name) {
            message = message.with(name, value);
        }
    }
    message.with("CSeq", format!("{} {method}", invite.cseq()))
}

/// The user part of the From of an incoming call.
#[must_use]
pub fn caller_of(invite: &Msg) -> &str {
    let uri = uri_of(invite.need("From"));
    uri.split_once(':').and_then(|(_, rest)| rest.split_once('@')).map_or(uri, |(user, _)| user)
}

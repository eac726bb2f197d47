//! What the endpoint tells its user.

use serde::{Deserialize, Serialize};

use crate::dialog::DialogId;
use crate::transaction::{ClientTx, ServerTx};
use crate::{Flow, Message, StatusCode};

/// A request that belongs to no transaction and no dialog. The endpoint keeps nothing of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Incoming {
    /// The request, validated.
    pub message: Message,
    /// Where it came from; the answer goes there.
    pub flow: Flow,
}

/// Something the user of the endpoint has to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// A request outside any dialog that is not INVITE, ACK or CANCEL: `reply` to it, or `accept` and `respond`.
    Request(Incoming),
    /// An INVITE that starts a dialog: `reply` to it, or `accept_invite`.
    Invite(Incoming),
    /// News of a dialog.
    Dialog {
        /// Which one.
        dialog: DialogId,
        /// What happened.
        event: DialogEvent,
    },
    /// The end of a non-INVITE request of ours, in a dialog or outside, BYE excepted.
    Response {
        /// The request.
        tx: ClientTx,
        /// How it ended.
        outcome: Outcome,
    },
}

/// How a request of ours ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "moved once, from the queue to the user: a box would cost an allocation"
)]
pub enum Outcome {
    /// A final response came.
    Response(Message),
    /// None came in time (timers B, C, F; or 64*T1 after a CANCEL).
    Timeout,
    /// The flow failed before one came.
    TransportError,
    /// We cancelled the INVITE and a 2xx crossed our CANCEL: the endpoint has acknowledged it and said BYE.
    Cancelled,
}

impl Outcome {
    /// The status of the response, or the one that stands for its absence: 408 for a timeout, 503 for a failed
    /// flow (RFC 3261 §8.1.3.1), 487 for an answer that crossed our CANCEL.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Outcome::Response(message) => message.status().unwrap_or(StatusCode::SERVER_INTERNAL_ERROR),
            Outcome::Timeout => StatusCode::REQUEST_TIMEOUT,
            Outcome::TransportError => StatusCode::SERVICE_UNAVAILABLE,
            Outcome::Cancelled => StatusCode::REQUEST_TERMINATED,
        }
    }

    /// The response, if one came.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match self {
            Outcome::Response(message) => Some(message),
            _ => None,
        }
    }
}

/// News of one dialog.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum DialogEvent {
    /// UAC: a response 101–199 of any branch the INVITE was forked to.
    Provisional(Message),
    /// UAC: the first 2xx; say `ack()`. Its repetitions and the 2xx of other branches are dealt with here.
    Answered(Message),
    /// UAC: the INVITE ended without an answer. The dialog is gone.
    Rejected(Outcome),
    /// UAS: the caller cancelled; 200 and 487 are queued. The dialog is gone.
    Cancelled(Message),
    /// UAS: the ACK for our 2xx came.
    Acked(Message),
    /// UAS: no ACK for our 2xx within 64*T1 (RFC 3261 §13.3.1.4): say `bye()`.
    AckTimeout,
    /// A re-INVITE: say `respond_reinvite()`.
    Reinvite(Message),
    /// The ACK for our 2xx to a re-INVITE came.
    ReinviteAcked(Message),
    /// How our re-INVITE ended; after a 2xx say `ack()`, after a 491 try again later (RFC 3261 §14.1).
    ReinviteOutcome(Outcome),
    /// Another request in the dialog, its CSeq in order: say `respond()`.
    Request {
        /// The transaction to answer.
        tx: ServerTx,
        /// The request.
        request: Message,
    },
    /// BYE came and 200 is queued. The dialog is gone.
    Ended(Message),
    /// How our BYE ended. The dialog is gone.
    ByeOutcome(Outcome),
}

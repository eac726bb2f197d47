//! What happens to a call.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sip::StatusCode;

use crate::LegId;

/// Something that happened to a call, from its legs, the media plane, the database, or an operator.
///
/// Every event is safe in every state: one that comes too late changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A media session is there for the leg.
    Reserved {
        /// Whose.
        leg: LegId,
        /// Our address and port, as the leg's far end should see them.
        local: sdp::Local,
    },
    /// There is no media session to be had.
    NotReserved {
        /// Whose.
        leg: LegId,
    },
    /// A released media session is gone; these are its totals.
    Released {
        /// Whose it was.
        leg: LegId,
        /// What it counted.
        totals: Box<Totals>,
    },
    /// A response 101–199 from a branch.
    Provisional {
        /// Which branch.
        leg: LegId,
        /// Its status.
        status: StatusCode,
        /// Its session description.
        sdp: Option<Bytes>,
    },
    /// The first 2xx from a branch.
    Answered {
        /// Which branch.
        leg: LegId,
        /// Its session description.
        sdp: Option<Bytes>,
        /// The `Server` or `User-Agent` header.
        user_agent: Option<String>,
    },
    /// The end of a branch without an answer.
    Rejected {
        /// Which branch.
        leg: LegId,
        /// The final status, or the one that stands for its absence.
        status: StatusCode,
        /// How it came.
        how: Rejection,
    },
    /// The caller cancelled; it has got its 487.
    Cancelled,
    /// The ACK for our 2xx to the caller.
    Acked {
        /// Its session description: the answer when our 2xx carried an offer.
        sdp: Option<Bytes>,
    },
    /// No ACK for our 2xx, to the caller's INVITE or to a re-INVITE.
    AckTimeout {
        /// Whose ACK.
        leg: LegId,
    },
    /// A re-INVITE.
    Reinvite {
        /// From whom.
        leg: LegId,
        /// The offer; none leaves it to us.
        sdp: Option<Bytes>,
    },
    /// The ACK for our 2xx to a re-INVITE.
    ReinviteAcked {
        /// From whom.
        leg: LegId,
        /// The answer when our 2xx carried an offer.
        sdp: Option<Bytes>,
    },
    /// How our re-INVITE ended.
    ReinviteOutcome {
        /// At whom.
        leg: LegId,
        /// The final status, or the one that stands for its absence; 491 when it could not be sent.
        status: StatusCode,
        /// The session description of a 2xx.
        sdp: Option<Bytes>,
    },
    /// BYE.
    Ended {
        /// From whom.
        leg: LegId,
    },
    /// The open record of the call is committed.
    Committed,
    /// A leg that should send has sent no RTP for the configured time.
    Silent {
        /// Which leg.
        leg: LegId,
    },
    /// An operator ends the call.
    HangUp,
    /// The server ends the call.
    Abandon {
        /// Why, for the record.
        why: Abandoned,
    },
}

/// How a branch ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rejection {
    /// By a final response.
    Response,
    /// No final response in time.
    Timeout,
    /// The flow to it failed.
    Transport,
}

/// Why the server itself ends a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Abandoned {
    /// The server stops.
    Stopping,
    /// A defect of ours, caught.
    Defect,
}

/// What a media session counted, seen from us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// RTP packets received from the far end.
    pub packets_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// RTP packets sent to the far end.
    pub packets_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Packets that never came, RFC 3550 §6.4.1.
    pub lost: u64,
    /// Interarrival jitter in microseconds, RFC 3550 §6.4.1.
    pub jitter_us: u64,
    /// Packets that came out of order.
    pub out_of_order: u64,
    /// Round trip in microseconds, by RTCP.
    pub round_trip_us: Option<u64>,
}

//! Call detail records: one per call, with its legs.

use std::fmt;
use std::time::Duration;

use clock::Time;
use serde::{Deserialize, Serialize};

use crate::{AccountId, CallUid, LegUid, TenantId, Termination};

/// Where a call came from and went to, seen from the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From an account to an account or a feature.
    Internal,
    /// From a trunk.
    Inbound,
    /// To a trunk.
    Outbound,
}

crate::text_enum!(Direction, "direction", Internal = "internal", Inbound = "inbound", Outbound = "outbound");

/// Whether the record is still being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CdrState {
    /// The call was answered and has not ended.
    Open,
    /// The call has ended; the record changes no more.
    Closed,
}

crate::text_enum!(CdrState, "record state", Open = "open", Closed = "closed");

/// Which side of the call a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LegSide {
    /// The calling side.
    Caller,
    /// A called side: one per contact that was rung.
    Callee,
}

crate::text_enum!(LegSide, "leg side", Caller = "caller", Callee = "callee");

/// One leg of a finished or running call. Kept as JSON text within the record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRecord {
    /// Its identity.
    pub uid: LegUid,
    /// Which side of the call it was.
    pub side: LegSide,
    /// The number or name at its end.
    pub number: String,
    /// The address the signalling went to, `192.0.2.1:5060`.
    pub remote: Option<String>,
    /// What the device calls itself.
    pub user_agent: Option<String>,
    /// The codec it ended with.
    pub codec: Option<String>,
    /// The final SIP status of the leg.
    pub sip_status: Option<u16>,
    /// RTP packets received from it.
    pub packets_received: u64,
    /// RTP packets sent to it.
    pub packets_sent: u64,
    /// RTP packets that never came, by sequence number (RFC 3550 §A.3).
    pub lost: u64,
    /// Interarrival jitter in microseconds (RFC 3550 §A.8).
    pub jitter_us: u64,
}

impl fmt::Debug for LegRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LegRecord");
        shown.field("uid", &self.uid).field("side", &self.side).field("codec", &self.codec);
        shown.field("lost", &self.lost).finish_non_exhaustive()
    }
}

/// The record of one call: who, when, how it ended. Never lost once the call was answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cdr {
    /// The call.
    pub uid: CallUid,
    /// The tenant that pays.
    pub tenant: TenantId,
    /// The node that held the call.
    pub node: u16,
    /// The boot epoch of that node.
    pub epoch: u16,
    /// The calling account, or the called one of an inbound call.
    pub account: Option<AccountId>,
    /// The called account, if the callee was one.
    pub callee_account: Option<AccountId>,
    /// The application's own id of the account's user.
    pub external_id: Option<String>,
    /// The calling number.
    pub from_number: String,
    /// The number dialled.
    pub to_number: String,
    /// Where it came from and went to.
    pub direction: Direction,
    /// The Call-ID of the caller's dialog.
    pub sip_call_id: String,
    /// When the INVITE came.
    pub started_at: Time,
    /// When the first callee rang.
    pub ringing_at: Option<Time>,
    /// When it was answered.
    pub answered_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Whether the record is still being written.
    pub state: CdrState,
    /// How it ended.
    pub termination: Option<Termination>,
    /// The final SIP status sent to the caller.
    pub sip_status: Option<u16>,
    /// The codec it ended with.
    pub codec: Option<String>,
    /// Its legs, the caller's first.
    pub legs: Vec<LegRecord>,
}

impl Cdr {
    /// How long both sides could talk; zero for a call that was not answered.
    #[must_use]
    pub fn talk_time(&self) -> Duration {
        match (self.answered_at, self.ended_at) {
            (Some(answered), Some(ended)) => ended.since(answered),
            _ => Duration::ZERO,
        }
    }

    /// Post-dial delay: from the INVITE to the first ringing.
    #[must_use]
    pub fn post_dial_delay(&self) -> Option<Duration> {
        self.ringing_at.map(|ringing| ringing.since(self.started_at))
    }
}

impl fmt::Debug for Cdr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Cdr");
        shown.field("uid", &self.uid).field("state", &self.state).field("direction", &self.direction);
        shown.field("termination", &self.termination).field("legs", &self.legs).finish_non_exhaustive()
    }
}

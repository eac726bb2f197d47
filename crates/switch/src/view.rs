//! What the faces see of the running exchange.

use std::net::SocketAddr;

use clock::Time;
use model::{AccountId, CallUid, Direction, LegUid, TenantId};
use serde::{Deserialize, Serialize};

/// A running call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallView {
    /// Its id, `call_id` of the API.
    pub uid: CallUid,
    /// The tenant of the caller.
    pub tenant: TenantId,
    /// The account that placed it.
    pub account: Option<AccountId>,
    /// Who calls, as shown to the callee.
    pub from_number: String,
    /// What was dialled.
    pub to_number: String,
    /// Internal, inbound or outbound.
    pub direction: Direction,
    /// Where it stands.
    pub state: CallState,
    /// When the INVITE came.
    pub started_at: Time,
    /// When it was answered.
    pub answered_at: Option<Time>,
    /// The caller's leg first, then the branches.
    pub legs: Vec<LegView>,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// Branches are being set up, nothing rings yet.
    Trying,
    /// At least one branch rings.
    Ringing,
    /// Both sides talk.
    Answered,
    /// One side has put the other on hold.
    Held,
    /// It is over; last answers are awaited.
    Ending,
}

impl CallState {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CallState::Trying => "trying",
            CallState::Ringing => "ringing",
            CallState::Answered => "answered",
            CallState::Held => "held",
            CallState::Ending => "ending",
        }
    }
}

/// One leg of a running call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegView {
    /// Its id.
    pub uid: LegUid,
    /// `caller` or `callee`.
    pub side: String,
    /// The number or name at its far end.
    pub number: String,
    /// The signalling address of its far end.
    pub remote: SocketAddr,
    /// `User-Agent` or `Server` of its far end.
    pub user_agent: Option<String>,
    /// `calling`, `ringing`, `answered`, `held`, `gone`.
    pub state: String,
    /// The agreed codec: `PCMU`.
    pub codec: Option<String>,
    /// The SIP `Call-ID` of its dialog.
    pub sip_call_id: String,
    /// What its media session counted so far.
    pub media: MediaView,
}

/// Counters of one leg's media, seen from this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaView {
    /// RTP packets received from the far end.
    pub packets_received: u64,
    /// Their bytes, headers included.
    pub bytes_received: u64,
    /// RTP packets sent to the far end.
    pub packets_sent: u64,
    /// Their bytes, headers included.
    pub bytes_sent: u64,
    /// Packets the far end sent that never came, RFC 3550 §6.4.1.
    pub lost: u64,
    /// Interarrival jitter, RFC 3550 §6.4.1.
    pub jitter_us: u64,
    /// Round trip by RTCP.
    pub round_trip_us: Option<u64>,
}

/// Totals of the running exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Live contacts.
    pub registrations: usize,
    /// Running calls.
    pub calls: usize,
    /// SIP transactions kept in memory.
    pub transactions: usize,
    /// SIP dialogs kept in memory.
    pub dialogs: usize,
    /// RTP ports in use.
    pub media_ports: usize,
    /// Accounts in the directory.
    pub accounts: usize,
}

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

/// One media channel of a running call, for `show channels`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelView {
    /// Its call.
    pub call: CallUid,
    /// The leg.
    pub leg: LegView,
    /// Share of lost packets, 0 to 1.
    pub loss_ratio: f64,
    /// Mean opinion score estimated by the E-model (ITU-T G.107) from loss, jitter and round trip, 1 to 4.5.
    pub mos: Option<f64>,
}

impl ChannelView {
    pub(crate) fn new(call: CallUid, leg: LegView) -> ChannelView {
        let MediaView { packets_received, lost, jitter_us, round_trip_us, .. } = leg.media;
        let expected = packets_received + lost;
        let loss_ratio = if expected == 0 { 0.0 } else { lost as f64 / expected as f64 };
        let mos = (packets_received > 0).then(|| mos(loss_ratio, jitter_us, round_trip_us.unwrap_or(0)));
        ChannelView { call, leg, loss_ratio, mos }
    }
}

/// The E-model (ITU-T G.107) for G.711 with concealment of losses: the rating falls with delay, where a jitter buffer of
/// twice the jitter is assumed, and with loss.
fn mos(loss_ratio: f64, jitter_us: u64, round_trip_us: u64) -> f64 {
    /// The rating without any impairment.
    const BEST: f64 = 93.2;
    /// Delay of packetization and playout besides the jitter buffer, ms.
    const FIXED_MS: f64 = 10.0;
    /// Above this one-way delay conversation suffers, ms.
    const KNEE_MS: f64 = 177.3;
    /// How well the codec stands random loss (ITU-T G.113, table I.4).
    const ROBUSTNESS: f64 = 25.1;
    let delay_ms = round_trip_us as f64 / 2_000.0 + jitter_us as f64 / 500.0 + FIXED_MS;
    let delayed = 0.024 * delay_ms + 0.11 * (delay_ms - KNEE_MS).max(0.0);
    let loss = loss_ratio * 100.0;
    let lost = 95.0 * loss / (loss + ROBUSTNESS);
    let rating = (BEST - delayed - lost).clamp(0.0, 100.0);
    let mos = 1.0 + 0.035 * rating + 0.000_007 * rating * (rating - 60.0) * (100.0 - rating);
    mos.clamp(1.0, 4.5)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_channel_is_rated_well_and_loss_shows() {
        assert!((4.3..=4.5).contains(&mos(0.0, 1_000, 20_000)));
        assert!((3.0..4.0).contains(&mos(0.05, 5_000, 50_000)));
        assert!(mos(0.3, 5_000, 50_000) < 2.5);
        assert!(mos(0.0, 1_000, 1_000_000) < mos(0.0, 1_000, 100_000));
    }
}

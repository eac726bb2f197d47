//! What the media plane tells.

use std::net::SocketAddr;

use clock::Time;
use serde::{Deserialize, Serialize};

use crate::{Owner, SessionId};

/// Takes the events of all workers. Called on a worker's thread between two packets: it must not block.
pub trait Sink: Send + Sync {
    /// One event.
    fn media_event(&self, event: Event);
}

/// Something that happened to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// No RTP for the configured time on a leg that should send (both directions open). Sent once per silence.
    Silent {
        /// Whom it concerns.
        owner: Owner,
        /// Which session.
        session: SessionId,
        /// When the last packet came, or when the leg was opened.
        since: Time,
    },
    /// RTP came again after [`Event::Silent`].
    Resumed {
        /// Whom it concerns.
        owner: Owner,
        /// Which session.
        session: SessionId,
    },
    /// The answer to [`crate::Media::query`].
    Statistics {
        /// Whom it concerns.
        owner: Owner,
        /// Which session.
        session: SessionId,
        /// What has been counted so far.
        stats: LegStatistics,
    },
    /// The session is over and its ports are closed.
    Released {
        /// Whom it concerns.
        owner: Owner,
        /// Which session.
        session: SessionId,
        /// What was counted.
        stats: LegStatistics,
    },
}

/// What was counted on one leg. "Received" is from the peer to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LegStatistics {
    /// RTP packets taken.
    pub packets_received: u64,
    /// Their payload, in bytes (RFC 3550 §6.4.1).
    pub bytes_received: u64,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Their payload, in bytes.
    pub bytes_sent: u64,
    /// RTP packets missing in the received sequence (RFC 3550 §A.3); late ones are not missing.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 §A.8), in µs.
    pub jitter_us: u64,
    /// Packets that came after a later one.
    pub out_of_order: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// How often the sender began a new stream.
    pub ssrc_changes: u64,
    /// RTCP packets taken.
    pub rtcp_received: u64,
    /// RTCP packets sent.
    pub rtcp_sent: u64,
    /// The latest round trip between us and the peer by its receiver reports (RFC 3550 §6.4.1), in µs.
    pub round_trip_us: Option<u64>,
    /// What the peer last said it misses of what we sent it (cumulative).
    pub remote_lost: Option<i32>,
    /// Where its RTP comes from.
    pub source: Option<SocketAddr>,
    /// Payload type of the last packet.
    pub payload: Option<u8>,
    /// What was not relayed, by reason.
    pub dropped: Dropped,
}

/// Packets not relayed, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Not RTP or RTCP, or longer than 2,048 bytes.
    pub junk: u64,
    /// A payload type that was not agreed on.
    pub payload: u64,
    /// From a source that is not the leg's.
    pub source: u64,
    /// The direction does not allow it (hold).
    pub held: u64,
    /// Nowhere to send it yet, or before the leg was opened.
    pub no_peer: u64,
    /// The operating system did not take it.
    pub not_sent: u64,
}

impl Dropped {
    /// All together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.junk + self.payload + self.source + self.held + self.no_peer + self.not_sent
    }
}

/// What all workers counted since the start, packets of ended sessions included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// RTP and RTCP packets taken.
    pub packets_received: u64,
    /// RTP and RTCP packets sent.
    pub packets_sent: u64,
    /// Packets dropped for whatever reason but hold.
    pub packets_dropped: u64,
    /// Sessions open now.
    pub sessions: u64,
    /// Panics caught in workers; each is a defect.
    pub panics: u64,
}

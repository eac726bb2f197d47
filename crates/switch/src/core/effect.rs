//! What the core wants done outside, and what the outside tells it besides packets.

use std::net::IpAddr;
use std::time::Duration;

use call::LegId;
use media::{LegStatistics, SessionId};
use model::CallUid;
use sdp::LegPlan;
use sip::{Method, StatusCode};
use storage::Write;

use crate::CallView;

/// Something to be done outside.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Write to the database; with a ticket, `committed` is awaited.
    Store(Write, Option<u64>),
    /// Tell the media plane.
    Media(MediaCommand),
    /// Count.
    Count(Counted),
    /// Answer a command.
    Report {
        /// The number the command came with.
        id: u64,
        /// The answer.
        report: Report,
    },
}

/// Which leg of which call a media session serves: the owner token of the media plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct MediaToken(pub u64);

/// A leg's number takes the low bits of the token.
const LEG_BITS: u32 = 8;

impl MediaToken {
    pub(crate) fn new(call: u64, leg: LegId) -> MediaToken {
        MediaToken((call << LEG_BITS) | u64::from(leg.0))
    }

    pub(crate) fn call(self) -> u64 {
        self.0 >> LEG_BITS
    }

    pub(crate) fn leg(self) -> LegId {
        LegId((self.0 & 0xff) as u8)
    }
}

/// Something for the media plane.
#[derive(Clone, Debug)]
pub enum MediaCommand {
    /// Reserve a session; answered by `MediaInput::Reserved` or `NotReserved` before anything else is handled.
    Reserve {
        /// Who asks.
        token: MediaToken,
        /// All legs of a call have the same.
        group: u64,
        /// The far end, which decides the address of ours it should see.
        peer: IpAddr,
    },
    /// Say how to treat a session.
    Apply {
        /// Which.
        session: SessionId,
        /// How.
        plan: Box<LegPlan>,
        /// Where its packets go.
        target: media::Target,
    },
    /// End a session; answered by `MediaInput::Released`.
    Release(SessionId),
    /// Ask for counters; answered by `MediaInput::Statistics`.
    Query(SessionId),
}

/// Something from the media plane.
#[derive(Clone, Debug)]
pub enum MediaInput {
    /// The session asked for.
    Reserved {
        /// Who asked.
        token: MediaToken,
        /// Its id.
        session: SessionId,
        /// Our address and port, as the far end should see them.
        local: sdp::Local,
    },
    /// No session is to be had.
    NotReserved {
        /// Who asked.
        token: MediaToken,
    },
    /// No RTP for the configured time.
    Silent {
        /// On which leg.
        token: MediaToken,
        /// In which session.
        session: SessionId,
    },
    /// Counters so far.
    Statistics {
        /// Of which leg.
        token: MediaToken,
        /// Of which session.
        session: SessionId,
        /// The counters.
        stats: Box<LegStatistics>,
    },
    /// A session is over.
    Released {
        /// Of which leg.
        token: MediaToken,
        /// Which session.
        session: SessionId,
        /// Its totals.
        stats: Box<LegStatistics>,
    },
}

/// Something to be counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Counted {
    /// A request of a peer got this final answer.
    Transaction {
        /// Its method.
        method: Method,
        /// The answer.
        status: StatusCode,
    },
    /// From the INVITE to the first ringing.
    Setup(Duration),
    /// An answer went out before its record was committed.
    Uncommitted,
    /// A call ended by a caught defect.
    Defect,
    /// A commit did not come in time.
    TicketLost,
    /// The share of packets a leg has lost, at its end.
    Loss(f64),
}

/// A command of an operator. `id` comes back with the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Show the running calls, or one of them.
    Show {
        /// Comes back.
        id: u64,
        /// Only this one.
        uid: Option<CallUid>,
    },
    /// End a call.
    HangUp {
        /// Comes back.
        id: u64,
        /// Which.
        uid: CallUid,
    },
    /// Take no new work.
    Drain,
    /// Take no new work and end every call.
    Stop {
        /// Comes back.
        id: u64,
    },
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The calls asked for, oldest first.
    Calls(Vec<CallView>),
    /// Whether there was such a call.
    HungUp(bool),
    /// Every call has been told.
    Stopping,
}

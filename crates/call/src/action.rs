//! What a call wants done.

use std::fmt;

use bytes::Bytes;
use model::Cdr;
use sdp::LegPlan;
use serde::{Deserialize, Serialize};
use sip::StatusCode;

use crate::{End, LegId};

/// Something to be done for a call. The holder performs the actions in order, all of them, before the next event.
///
/// Displayed as one readable line each; call scripts compare those.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Get a media session for the leg; answered by `Reserved` or `NotReserved`.
    Reserve(LegId),
    /// Tell the leg's media session what to do.
    Apply {
        /// Whose session.
        leg: LegId,
        /// How to treat its far end.
        plan: Box<LegPlan>,
        /// What becomes of its packets.
        target: Target,
    },
    /// Give the leg's media session back; answered by `Released`.
    Release(LegId),
    /// Send INVITE to the contact of a branch.
    Invite {
        /// The branch.
        leg: LegId,
        /// The offer; none leaves it to the callee.
        sdp: Option<Bytes>,
    },
    /// Send the caller a provisional response.
    Provisional {
        /// 101–199.
        status: StatusCode,
        /// Early media.
        sdp: Option<Bytes>,
    },
    /// Send the caller 200.
    Answer {
        /// The answer, or the offer when the caller left it to us.
        sdp: Bytes,
    },
    /// Send the caller a final response ≥ 300.
    Reject {
        /// Which.
        status: StatusCode,
        /// For the Reason header.
        why: End,
    },
    /// Acknowledge the 2xx to our INVITE or re-INVITE.
    Ack {
        /// At whom.
        leg: LegId,
        /// The answer when the 2xx carried an offer.
        sdp: Option<Bytes>,
    },
    /// Cancel a branch.
    Cancel {
        /// Which.
        leg: LegId,
        /// For the Reason header.
        why: End,
    },
    /// Send BYE.
    Bye {
        /// To whom.
        leg: LegId,
        /// For the Reason header.
        why: End,
    },
    /// Send a re-INVITE; answered by `ReinviteOutcome`.
    Reinvite {
        /// To whom.
        leg: LegId,
        /// The offer; none leaves it to the other side.
        sdp: Option<Bytes>,
    },
    /// Answer a re-INVITE.
    RespondReinvite {
        /// Whose.
        leg: LegId,
        /// Final status.
        status: StatusCode,
        /// The description of a 200.
        sdp: Option<Bytes>,
    },
    /// Write the open record; answered by `Committed`.
    OpenRecord(Box<Cdr>),
    /// Write the closed record. There is exactly one in the life of a call.
    CloseRecord(Box<Cdr>),
    /// The answer went out before its record was committed.
    CountUncommitted,
}

/// What becomes of the packets a leg receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// They go to another leg.
    Leg(LegId),
    /// They go back.
    Echo,
    /// They are dropped.
    Nothing,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Reserve(leg) => write!(f, "reserve {leg}"),
            Action::Apply { leg, plan, target } => write!(f, "media {leg} {} -> {target}", Plan(plan)),
            Action::Release(leg) => write!(f, "release {leg}"),
            Action::Invite { leg, sdp } => write!(f, "invite {leg}{}", Described(sdp.as_ref())),
            Action::Provisional { status, sdp } => write!(f, "{status} to a{}", Described(sdp.as_ref())),
            Action::Answer { sdp } => write!(f, "200 to a{}", Described(Some(sdp))),
            Action::Reject { status, why } => write!(f, "{status} to a ({why})"),
            Action::Ack { leg, sdp } => write!(f, "ack {leg}{}", Described(sdp.as_ref())),
            Action::Cancel { leg, why } => write!(f, "cancel {leg} ({why})"),
            Action::Bye { leg, why } => write!(f, "bye {leg} ({why})"),
            Action::Reinvite { leg, sdp } => write!(f, "reinvite {leg}{}", Described(sdp.as_ref())),
            Action::RespondReinvite { leg, status, sdp } => {
                write!(f, "{status} to reinvite of {leg}{}", Described(sdp.as_ref()))
            }
            Action::OpenRecord(_) => f.write_str("open record"),
            Action::CloseRecord(cdr) => {
                let status = cdr.sip_status.unwrap_or_default();
                match &cdr.termination {
                    Some(end) => {
                        let (fault, cause, reason) = (end.fault, end.cause.0, &end.reason);
                        write!(f, "close record: {status}, {fault}, {cause}, {reason}")
                    }
                    None => write!(f, "close record: {status}"),
                }
            }
            Action::CountUncommitted => f.write_str("count: answered uncommitted"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Leg(leg) => leg.fmt(f),
            Target::Echo => f.write_str("echo"),
            Target::Nothing => f.write_str("nothing"),
        }
    }
}

/// A description in a few words: ` [192.0.2.1:10000 PCMU sendrecv]`.
struct Described<'a>(Option<&'a Bytes>);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(text) = self.0 else { return Ok(()) };
        let Ok(session) = sdp::Session::from_bytes(text.clone()) else { return f.write_str(" [unreadable]") };
        let Some(audio) = session.audio() else { return f.write_str(" [refused]") };
        f.write_str(" [")?;
        match audio.rtp_address() {
            Some(address) => write!(f, "{address}")?,
            None => f.write_str("nowhere")?,
        }
        audio.codecs().iter().try_for_each(|codec| write!(f, " {}", codec.name))?;
        write!(f, " {}]", audio.direction().as_str())
    }
}

/// A plan in a few words: `10.0.0.1:4000 PCMU sendrecv`.
struct Plan<'a>(&'a LegPlan);

impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.remote_rtp {
            Some(address) => write!(f, "{address}")?,
            None => f.write_str("nowhere")?,
        }
        if let Some(codec) = &self.0.codec {
            write!(f, " {}", codec.name)?;
        }
        write!(f, " {}", self.0.direction.as_str())
    }
}

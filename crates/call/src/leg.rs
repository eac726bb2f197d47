//! A leg: one dialog and one media stream.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use model::{AccountId, LegUid};
use sdp::{LegPlan, Local, Origin};
use serde::{Deserialize, Serialize};
use sip::{Flow, StatusCode};

use crate::{Target, Totals};

/// A leg within its call: 0 is the caller, displayed as `a`; the branches count from 1, displayed as `b1`, `b2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegId(pub u8);

impl LegId {
    /// The caller.
    pub const CALLER: LegId = LegId(0);

    /// Whether it is the caller.
    #[must_use]
    pub const fn is_caller(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_caller() { f.write_str("a") } else { write!(f, "b{}", self.0) }
    }
}

/// Who is at the far end of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The leg's id in records.
    pub uid: LegUid,
    /// The account, if it is one of ours.
    pub account: Option<AccountId>,
    /// Its number or name.
    pub number: String,
    /// Where its signalling comes from or goes to.
    pub flow: Flow,
    /// `User-Agent` or `Server`, as far as known.
    pub user_agent: Option<String>,
}

/// Where a branch is invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The request-URI, byte-exact as registered.
    pub uri: String,
    /// The Path of the binding, in order, used as Route (RFC 3327).
    pub route: Vec<String>,
    /// Preference in thousandths, 0 to 1000.
    pub q_milli: u16,
}

/// One leg of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    pub(crate) party: Party,
    /// None for the caller.
    pub(crate) contact: Option<Contact>,
    pub(crate) state: LegState,
    /// Its final status, once there is one.
    pub(crate) status: Option<StatusCode>,
    pub(crate) media: LegMedia,
}

/// Where a leg stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegState {
    /// A branch whose turn has not come.
    Waiting,
    /// INVITE came from it or goes to it; nothing rings.
    Calling,
    /// A branch that rings.
    Ringing,
    /// 2xx was sent to the caller or came from the branch.
    Answered,
    /// The ACK was exchanged.
    Confirmed,
    /// A branch we cancelled, its final response still to come.
    Cancelling,
    /// Its dialog is gone or on its own way out.
    Gone,
}

impl LegState {
    /// Whether the leg's dialog is up.
    #[must_use]
    pub const fn is_up(self) -> bool {
        matches!(self, LegState::Answered | LegState::Confirmed)
    }

    pub(crate) const fn is_early(self) -> bool {
        matches!(self, LegState::Calling | LegState::Ringing)
    }
}

/// The media side of a leg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LegMedia {
    pub(crate) session: MediaSession,
    pub(crate) origin: Origin,
    /// How its far end is treated now.
    pub(crate) plan: Option<LegPlan>,
    /// What becomes of its packets now.
    pub(crate) target: Option<Target>,
    /// The description we sent last.
    pub(crate) sent: Option<Bytes>,
    /// The description it sent last.
    pub(crate) received: Option<Bytes>,
    pub(crate) totals: Option<Totals>,
}

/// Whether the leg holds a media session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MediaSession {
    None,
    Asked,
    Held(Local),
    Releasing,
}

impl Leg {
    pub(crate) fn new(party: Party, contact: Option<Contact>, state: LegState) -> Leg {
        // The lower half of the id is random enough to tell one session from another (RFC 4566 §5.2).
        let number =
            party.uid.0.to_bytes().into_iter().fold(0_u64, |number, byte| (number << 8) | u64::from(byte));
        let origin = Origin::new("-", number);
        let session = MediaSession::None;
        let media =
            LegMedia { session, origin, plan: None, target: None, sent: None, received: None, totals: None };
        Leg { party, contact, state, status: None, media }
    }

    /// Who is at its far end.
    #[must_use]
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// Where the branch is invited; none for the caller.
    #[must_use]
    pub fn contact(&self) -> Option<&Contact> {
        self.contact.as_ref()
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> LegState {
        self.state
    }

    /// How its far end's media is treated now.
    #[must_use]
    pub fn plan(&self) -> Option<&LegPlan> {
        self.media.plan.as_ref()
    }

    /// The totals of its media session, once that is gone.
    #[must_use]
    pub fn totals(&self) -> Option<&Totals> {
        self.media.totals.as_ref()
    }

    /// Whether it holds or awaits a media session.
    #[must_use]
    pub fn holds_media(&self) -> bool {
        !matches!(self.media.session, MediaSession::None)
    }

    /// Whether a media session is asked for or on its way back.
    pub(crate) fn media_in_flight(&self) -> bool {
        matches!(self.media.session, MediaSession::Asked | MediaSession::Releasing)
    }

    /// Where its signalling comes from or goes to.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.party.flow.remote
    }

    /// Whether its far end or the other one holds the call.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state.is_up() && self.media.plan.as_ref().is_some_and(|plan| plan.direction.is_hold())
    }

    pub(crate) fn local(&self) -> Option<Local> {
        match self.media.session {
            MediaSession::Held(local) => Some(local),
            _ => None,
        }
    }
}

//! How far a dialog has come.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Peer;
use crate::endpoint::Headers;
use crate::timer::Running;

/// How far the call of a dialog has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// UAS: the INVITE has no final response yet.
    Ringing {
        /// Its server transaction.
        server: u64,
    },
    /// UAC: the INVITE has no final response yet.
    Calling {
        /// Its client transaction.
        client: u64,
        /// The other ends of the early dialogs, the one heard last at the end.
        branches: Vec<Peer>,
    },
    /// UAC: a 2xx came, our ACK is still due.
    Answered {
        /// The INVITE's client transaction.
        client: u64,
        /// Its number, which the ACK repeats.
        cseq: u32,
    },
    /// The call stands.
    Confirmed,
    /// We said BYE.
    Closing {
        /// Its client transaction.
        bye: u64,
    },
}

/// A re-INVITE under way, RFC 3261 §14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Exchange {
    /// None.
    None,
    /// Ours has no final response yet.
    Ours {
        /// Its client transaction.
        client: u64,
    },
    /// Ours got a 2xx; our ACK is still due.
    Answered {
        /// Its client transaction.
        client: u64,
        /// Its number, which the ACK repeats.
        cseq: u32,
    },
    /// Theirs has no final response yet.
    Theirs {
        /// Its server transaction.
        server: u64,
    },
}

/// A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 §13.3.1.4).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Unacknowledged {
    pub(crate) response: Bytes,
    /// The number of the INVITE, which the ACK repeats.
    pub(crate) cseq: u32,
    /// Whether the INVITE was a re-INVITE.
    pub(crate) again: bool,
    pub(crate) running: Running,
    /// The headers of a BYE that waits for the ACK (RFC 3261 §15: the called one must not send it before).
    pub(crate) bye: Option<Headers>,
}

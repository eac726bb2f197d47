//! What a call begins with.

use std::time::Duration;

use bytes::Bytes;
use model::{AccountId, CallUid, TenantId};
use serde::{Deserialize, Serialize};

use crate::{Contact, End, Party};

/// The most branches one call forks to; further contacts are not rung. Each costs a dialog and two ports.
pub const MAX_BRANCHES: usize = 64;

/// Everything a call begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Its id.
    pub uid: CallUid,
    /// The tenant of the caller.
    pub tenant: TenantId,
    /// Who calls.
    pub caller: Party,
    /// The application's own id of the caller.
    pub external_id: Option<String>,
    /// What was dialled.
    pub to_number: String,
    /// The caller's `Call-ID` header.
    pub sip_call_id: String,
    /// The caller's session description; none leaves the offer to the callee.
    pub offer: Option<Bytes>,
    /// Where it goes.
    pub route: Route,
    /// How long things may take.
    pub timing: Timing,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Route {
    /// To the contacts of an account.
    Ring {
        /// The account.
        account: AccountId,
        /// Its contacts.
        branches: Vec<(Party, Contact)>,
        /// All at once or by preference.
        forking: Forking,
    },
    /// To the echo test.
    Echo,
    /// Nowhere; the caller gets the status of the reason.
    Refuse(End),
}

/// All contacts at once, or groups of equal `q` one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forking {
    /// All contacts at once.
    #[default]
    Parallel,
    /// Groups of equal `q`, the highest first.
    ByPreference,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Ringing in all.
    pub ring: Duration,
    /// Ringing of one group of contacts.
    pub hunt: Duration,
    /// Waiting for the commit of the open record.
    pub commit: Duration,
    /// The whole call.
    pub call: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            ring: Duration::from_secs(60),
            hunt: Duration::from_secs(20),
            commit: Duration::from_secs(2),
            call: Duration::from_secs(12 * 3_600),
        }
    }
}

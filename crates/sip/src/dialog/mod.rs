//! INVITE dialogs, RFC 3261 §12: who talks to whom, how the other end is reached, and how far the call has come.
//!
//! A [`Dialog`] here is one for the user of the endpoint even while a call of ours rings at several places: the early
//! dialogs of the branches are kept inside until the first 2xx decides which of them it becomes.

mod route;
mod stage;

pub(crate) use route::{Peer, contact_uri, from_tag, to_tag};
pub(crate) use stage::{Exchange, Stage, Unacknowledged};

use serde::{Deserialize, Serialize};

use crate::Flow;
use crate::endpoint::Keyed;

/// A dialog (or a call of ours that rings), while the endpoint knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DialogId(pub(crate) u64);

/// The other ends of the early dialogs that one INVITE may create. More branches than that ring, but are not told apart.
pub(crate) const MAX_BRANCHES: usize = 16;

/// One INVITE dialog.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dialog {
    /// Call-ID and our tag, as [`Dialog::key_of`] joins them.
    key: Box<[u8]>,
    /// How much of the key is the Call-ID.
    call_id_len: usize,
    /// The value of our From or To, tag included.
    pub(crate) local: Box<[u8]>,
    /// The value of our Contact.
    pub(crate) contact: Box<str>,
    /// The other end.
    pub(crate) peer: Peer,
    /// Where its last message came from.
    pub(crate) flow: Flow,
    /// The number of our last request.
    pub(crate) cseq: u32,
    caller: bool,
    /// How far the call has come.
    pub(crate) stage: Stage,
    /// A re-INVITE under way.
    pub(crate) exchange: Exchange,
    /// Our 2xx that has no ACK yet.
    pub(crate) unacknowledged: Option<Box<Unacknowledged>>,
}

/// What a dialog begins with.
pub(crate) struct Begin<'a> {
    pub(crate) call_id: &'a [u8],
    pub(crate) local_tag: &'a str,
    pub(crate) local: Vec<u8>,
    pub(crate) contact: String,
    pub(crate) peer: Peer,
    pub(crate) flow: Flow,
    pub(crate) stage: Stage,
}

impl Dialog {
    /// A dialog in its first moment; we are the caller if its stage says so.
    pub(crate) fn begin(begin: Begin<'_>) -> Dialog {
        Dialog {
            key: Dialog::key_of(begin.call_id, begin.local_tag.as_bytes()).into(),
            call_id_len: begin.call_id.len(),
            local: begin.local.into(),
            contact: begin.contact.into(),
            peer: begin.peer,
            flow: begin.flow,
            cseq: 0,
            caller: matches!(begin.stage, Stage::Calling { .. }),
            stage: begin.stage,
            exchange: Exchange::None,
            unacknowledged: None,
        }
    }

    /// What a dialog is found by: the Call-ID and our tag, which nobody else made.
    pub(crate) fn key_of(call_id: &[u8], local_tag: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(call_id.len() + 1 + local_tag.len());
        key.extend_from_slice(call_id);
        key.push(0);
        key.extend_from_slice(local_tag);
        key
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &[u8] {
        self.key.get(..self.call_id_len).unwrap_or(&[])
    }

    /// Our tag.
    #[must_use]
    pub fn local_tag(&self) -> &[u8] {
        self.key.get(self.call_id_len + 1..).unwrap_or(&[])
    }

    /// The tag of the other end; a call of ours has none before its 2xx.
    #[must_use]
    pub fn remote_tag(&self) -> Option<&[u8]> {
        (!self.peer.tag.is_empty()).then_some(&*self.peer.tag)
    }

    /// The URI requests in the dialog are for.
    #[must_use]
    pub fn remote_target(&self) -> &[u8] {
        &self.peer.target
    }

    /// Where the other end's last message came from; ours go there.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.flow
    }

    /// Whether we sent the INVITE, and so own the Call-ID.
    #[must_use]
    pub fn is_caller(&self) -> bool {
        self.caller
    }

    /// Whether the INVITE was answered with a 2xx.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        !matches!(self.stage, Stage::Ringing { .. } | Stage::Calling { .. })
    }

    /// The other end with this tag: the one of the dialog, or of an early branch of our call.
    pub(crate) fn peer_mut(&mut self, tag: &[u8]) -> Option<&mut Peer> {
        match &mut self.stage {
            Stage::Calling { branches, .. } => branches.iter_mut().find(|peer| *peer.tag == *tag),
            _ => Some(&mut self.peer).filter(|peer| *peer.tag == *tag),
        }
    }

    /// The other end that a request of ours goes to: while our call rings, the branch heard last.
    pub(crate) fn reachable(&self) -> Option<&Peer> {
        match &self.stage {
            Stage::Calling { branches, .. } => branches.last(),
            _ => Some(&self.peer),
        }
    }

    /// The number of our next request.
    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.cseq = self.cseq.saturating_add(1);
        self.cseq
    }

    /// Whether an INVITE may be sent now, RFC 3261 §14.1.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.stage, Stage::Confirmed)
            && matches!(self.exchange, Exchange::None)
            && self.unacknowledged.is_none()
    }
}

impl Keyed for Dialog {
    fn key(&self) -> &[u8] {
        &self.key
    }
}

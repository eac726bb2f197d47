//! The running calls of a shard, and how they are found.

use std::collections::{BTreeMap, BTreeSet};

use call::{Call, LegId};
use clock::Time;
use media::{LegStatistics, SessionId};
use model::{AccountId, CallUid};
use serde::{Deserialize, Serialize};
use sip::{ClientTx, DialogId, ServerTx};
use smallvec::SmallVec;

/// The running calls of a shard.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Calls {
    running: BTreeMap<u64, Box<Running>>,
    by_dialog: BTreeMap<DialogId, (u64, LegId)>,
    due: BTreeSet<(Time, u64)>,
    next: u64,
    /// Requests passed from one side to the other: ours, and whose it answers.
    pub(super) relays: BTreeMap<ClientTx, ServerTx>,
}

/// One call with everything it is joined to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(super) call: Call,
    pub(super) links: SmallVec<[Link; 2]>,
    pub(super) headers: BranchHeaders,
    /// The accounts whose places it takes.
    pub(super) places: SmallVec<[AccountId; 2]>,
    pub(super) due: Option<Time>,
    /// The caller was told that it rings.
    pub(super) rang: bool,
}

/// What the INVITEs to the branches say.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BranchHeaders {
    /// From, without tag.
    pub(super) from: String,
    /// To.
    pub(super) to: String,
    /// The user part of our Contact.
    pub(super) contact_user: String,
    /// Max-Forwards.
    pub(super) hops: u8,
}

/// What a leg is joined to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(super) dialog: Option<DialogId>,
    pub(super) session: Option<SessionId>,
    /// Counters of its media session as told last.
    pub(super) stats: Option<Box<LegStatistics>>,
    /// The Call-ID of its dialog.
    pub(super) sip_call_id: String,
}

impl Calls {
    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    pub(crate) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|entry| entry.0)
    }

    /// The number the next call will have.
    pub(super) fn upcoming(&self) -> u64 {
        self.next
    }

    pub(super) fn add(&mut self, running: Box<Running>) {
        self.running.insert(self.next, running);
        self.next += 1;
    }

    /// Takes a call out to work on it.
    pub(super) fn take(&mut self, serial: u64) -> Option<Box<Running>> {
        self.running.remove(&serial)
    }

    /// Puts it back, its timer up to date.
    pub(super) fn put_back(&mut self, serial: u64, mut running: Box<Running>) {
        let due = running.call.poll_timeout();
        if due != running.due {
            running.due.into_iter().for_each(|old| {
                self.due.remove(&(old, serial));
            });
            due.into_iter().for_each(|new| {
                self.due.insert((new, serial));
            });
            running.due = due;
        }
        self.running.insert(serial, running);
    }

    /// Forgets a call that was taken out.
    pub(super) fn forget(&mut self, serial: u64, running: &Running) {
        running.due.into_iter().for_each(|due| {
            self.due.remove(&(due, serial));
        });
        for dialog in running.links.iter().filter_map(|link| link.dialog) {
            self.by_dialog.remove(&dialog);
        }
    }

    pub(super) fn take_due(&mut self, now: Time) -> Option<u64> {
        self.due.first().filter(|entry| entry.0 <= now).map(|entry| entry.1)
    }

    pub(super) fn join(&mut self, dialog: DialogId, serial: u64, leg: LegId) {
        self.by_dialog.insert(dialog, (serial, leg));
    }

    pub(super) fn by_dialog(&self, dialog: DialogId) -> Option<(u64, LegId)> {
        self.by_dialog.get(&dialog).copied()
    }

    pub(super) fn find(&self, uid: CallUid) -> Option<u64> {
        self.running.iter().find(|(_, running)| running.call.uid() == uid).map(|(serial, _)| *serial)
    }

    pub(super) fn get(&self, serial: u64) -> Option<&Running> {
        self.running.get(&serial).map(|running| &**running)
    }

    pub(super) fn get_mut(&mut self, serial: u64) -> Option<&mut Running> {
        self.running.get_mut(&serial).map(|running| &mut **running)
    }

    /// Oldest first.
    pub(super) fn serials(&self) -> Vec<u64> {
        self.running.keys().copied().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Running> {
        self.running.values().map(|running| &**running)
    }
}

impl Running {
    pub(super) fn link(&mut self, leg: LegId) -> &mut Link {
        let index = usize::from(leg.0);
        if self.links.len() <= index {
            self.links.resize(index + 1, Link::default());
        }
        // The line above made it.
        match self.links.get_mut(index) {
            Some(link) => link,
            None => unreachable!("a link was made for every leg up to this one"),
        }
    }

    pub(super) fn dialog(&self, leg: LegId) -> Option<DialogId> {
        self.links.get(usize::from(leg.0)).and_then(|link| link.dialog)
    }

    pub(super) fn session(&self, leg: LegId) -> Option<SessionId> {
        self.links.get(usize::from(leg.0)).and_then(|link| link.session)
    }
}

//! What waits to be written: the last word about each binding and each call.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use model::{AccountId, Binding, BindingKey, CallUid, Cdr, CdrState};
use tokio::sync::oneshot;

use super::batch::Batch;
use super::{Full, Ticket, Write};

/// A binding's place: its primary key.
pub(super) type Key = (AccountId, BindingKey);

/// A value and those who wait for it.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) tickets: Vec<Ticket>,
}

/// Everything that waits.
#[derive(Debug)]
pub(super) struct Pending {
    /// New, changed (`Some`) and removed (`None`) bindings.
    bindings: HashMap<Key, Entry<Option<Box<Binding>>>>,
    /// Bindings that differ from the stored ones in times only; never of a key that is in `bindings`.
    refreshes: HashMap<Key, Box<Binding>>,
    cdrs: HashMap<CallUid, Entry<Box<Cdr>>>,
    flushers: Vec<oneshot::Sender<()>>,
    tickets: usize,
    /// Rows of the batch that is being committed.
    in_flight: usize,
    most: usize,
    urgent: bool,
    behind: bool,
    closed: bool,
}

/// What the task has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// Somebody waits: commit as soon as the pace allows.
    pub(super) urgent: bool,
    /// Something waits that nobody waits for.
    pub(super) behind: bool,
    /// Write all, now.
    pub(super) flush: bool,
}

impl Pending {
    pub(super) fn new(most: usize) -> Pending {
        Pending {
            bindings: HashMap::new(),
            refreshes: HashMap::new(),
            cdrs: HashMap::new(),
            flushers: Vec::new(),
            tickets: 0,
            in_flight: 0,
            most,
            urgent: false,
            behind: false,
            closed: false,
        }
    }

    /// Takes a write. `true` when the task must be woken for it.
    pub(super) fn add(&mut self, write: Write, ticket: Option<Ticket>) -> Result<bool, Full> {
        let urgent = ticket.is_some() || matches!(write, Write::BindingPut(_) | Write::CdrOpen(_));
        self.room(&write, ticket)?;
        self.tickets += usize::from(ticket.is_some());
        match write {
            Write::BindingRefresh(binding) if ticket.is_none() => self.refresh(binding),
            Write::BindingPut(binding) | Write::BindingRefresh(binding) => {
                self.bind((binding.account, binding.id.clone()), Some(binding), ticket);
            }
            Write::BindingRemove { account, key } => self.bind((account, key), None, ticket),
            Write::CdrOpen(cdr) | Write::CdrClose(cdr) => self.record(cdr, ticket),
        }
        let known = if urgent { self.urgent } else { self.behind };
        self.urgent |= urgent;
        self.behind |= !urgent;
        Ok(!known)
    }

    /// Refuses what would let the waiting grow beyond the bound; what replaces a waiting row does not.
    fn room(&self, write: &Write, ticket: Option<Ticket>) -> Result<(), Full> {
        let replaces = match write {
            Write::BindingPut(binding) | Write::BindingRefresh(binding) => {
                self.knows(&(binding.account, binding.id.clone()))
            }
            Write::BindingRemove { account, key } => self.knows(&(*account, key.clone())),
            Write::CdrOpen(cdr) | Write::CdrClose(cdr) => self.cdrs.contains_key(&cdr.uid),
        };
        let rows_fit = replaces || self.waiting() < self.most;
        let tickets_fit = ticket.is_none() || self.tickets < self.most;
        if rows_fit && tickets_fit && !self.closed { Ok(()) } else { Err(Full) }
    }

    fn knows(&self, key: &Key) -> bool {
        self.bindings.contains_key(key) || self.refreshes.contains_key(key)
    }

    fn refresh(&mut self, binding: Box<Binding>) {
        let key = (binding.account, binding.id.clone());
        match self.bindings.get_mut(&key) {
            Some(waiting) => waiting.value = Some(binding),
            None => {
                self.refreshes.insert(key, binding);
            }
        }
    }

    fn bind(&mut self, key: Key, binding: Option<Box<Binding>>, ticket: Option<Ticket>) {
        self.refreshes.remove(&key);
        let entry = self.bindings.entry(key).or_insert_with(|| Entry { value: None, tickets: Vec::new() });
        entry.value = binding;
        entry.tickets.extend(ticket);
    }

    fn record(&mut self, cdr: Box<Cdr>, ticket: Option<Ticket>) {
        match self.cdrs.entry(cdr.uid) {
            Slot::Vacant(slot) => {
                slot.insert(Entry { value: cdr, tickets: Vec::from_iter(ticket) });
            }
            Slot::Occupied(mut slot) => {
                let waiting = slot.get_mut();
                // A record that was closed is never opened again.
                if cdr.state == CdrState::Closed || waiting.value.state == CdrState::Open {
                    waiting.value = cdr;
                }
                waiting.tickets.extend(ticket);
            }
        }
    }

    /// Asks for all to be written; `done` hears of it.
    pub(super) fn flush(&mut self, done: oneshot::Sender<()>) {
        if !self.closed {
            self.flushers.push(done);
        }
    }

    /// Nothing will be written any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.flushers.clear();
    }

    pub(super) fn work(&self) -> Work {
        Work { urgent: self.urgent, behind: self.behind, flush: !self.flushers.is_empty() }
    }

    /// How many rows wait, those being committed included.
    pub(super) fn waiting(&self) -> usize {
        self.bindings.len() + self.refreshes.len() + self.cdrs.len() + self.in_flight
    }

    /// Takes what is to be committed now: all, or all but the refreshes.
    pub(super) fn take(&mut self, all: bool) -> Batch {
        let mut batch = Batch::default();
        for (key, entry) in self.bindings.drain() {
            match entry.value {
                Some(value) => batch.puts.push(Entry { value, tickets: entry.tickets }),
                None => batch.removes.push(Entry { value: key, tickets: entry.tickets }),
            }
        }
        batch.cdrs.extend(self.cdrs.drain().map(|(_, entry)| entry));
        if all {
            let refreshed = self.refreshes.drain().map(|(_, value)| Entry { value, tickets: Vec::new() });
            batch.puts.extend(refreshed);
            batch.flushers = std::mem::take(&mut self.flushers);
            self.shrink();
        }
        batch.sort();
        self.in_flight = batch.rows();
        self.tickets = 0;
        self.urgent = false;
        self.behind = !self.refreshes.is_empty();
        batch
    }

    /// Gives memory back after a storm.
    fn shrink(&mut self) {
        const KEPT: usize = 1_024;
        self.bindings.shrink_to(KEPT);
        self.refreshes.shrink_to(KEPT);
        self.cdrs.shrink_to(KEPT);
    }

    /// The batch taken last was committed.
    pub(super) fn landed(&mut self) {
        self.in_flight = 0;
    }
}

//! What waits to be written: the last word about each binding and each call.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use model::{AccountId, Binding, BindingKey, CallUid, Cdr, CdrState};
use tokio::sync::oneshot;

use super::batch::Batch;
use super::{Full, Ticket, Write};

/// Refreshes of one commit, about 6 ms of work: whoever comes while they are written waits no longer.
const MOST_REFRESHES: usize = 1_000;

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

/// What a commit takes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// What somebody waits for, and what else changed.
    Urgent,
    /// That, and a bounded number of refreshes.
    Behind,
    /// Everything.
    All,
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

    /// Takes what is to be committed now.
    pub(super) fn take(&mut self, share: Share) -> Batch {
        let mut batch = Batch::default();
        for (key, entry) in self.bindings.drain() {
            match entry.value {
                Some(value) => batch.puts.push(Entry { value, tickets: entry.tickets }),
                None => batch.removes.push(Entry { value: key, tickets: entry.tickets }),
            }
        }
        batch.cdrs.extend(self.cdrs.drain().map(|(_, entry)| entry));
        let refreshes = match share {
            Share::Urgent => 0,
            Share::Behind => MOST_REFRESHES,
            Share::All => usize::MAX,
        };
        if refreshes > 0 {
            let taken = self.refreshes.extract_if(|_, _| true).take(refreshes);
            batch.puts.extend(taken.map(|(_, value)| Entry { value, tickets: Vec::new() }));
        }
        if share == Share::All {
            batch.flushers = std::mem::take(&mut self.flushers);
        }
        if self.refreshes.is_empty() {
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

    /// So many rows of the batch taken last are done with.
    pub(super) fn landed(&mut self, rows: usize) {
        self.in_flight = self.in_flight.saturating_sub(rows);
    }
}

#[cfg(test)]
mod tests {
    use clock::Time;
    use model::{Direction, TenantId, Uid};

    use super::*;

    const TICKET: Option<Ticket> = Some(Ticket { shard: 0, number: 1 });

    fn account(n: u16) -> AccountId {
        AccountId(Uid::from_parts(Time::ZERO, n, 0, 0))
    }

    fn binding(n: u16) -> Box<Binding> {
        let contact = format!("sip:u@192.0.2.1:{n}");
        Box::new(Binding {
            id: BindingKey::contact(&contact),
            account: account(n),
            tenant: TenantId::DEFAULT,
            aor: "sip:u@pbx.example".parse().unwrap(),
            contact,
            instance: None,
            reg_id: None,
            transport: "udp".to_owned(),
            local: "192.0.2.9:5060".parse().unwrap(),
            remote: "192.0.2.1:5060".parse().unwrap(),
            connection: None,
            path: Vec::new(),
            user_agent: None,
            call_id: "c".to_owned(),
            cseq: 1,
            q_milli: 1_000,
            expires_at: Time::from_secs(60),
            registered_at: Time::ZERO,
        })
    }

    fn cdr(state: CdrState) -> Box<Cdr> {
        Box::new(Cdr {
            uid: CallUid(Uid::default()),
            tenant: TenantId::DEFAULT,
            node: 1,
            epoch: 1,
            account: None,
            callee_account: None,
            external_id: None,
            from_number: "1".to_owned(),
            to_number: "2".to_owned(),
            direction: Direction::Internal,
            sip_call_id: "c".to_owned(),
            started_at: Time::ZERO,
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            state,
            termination: None,
            sip_status: None,
            codec: None,
            legs: Vec::new(),
        })
    }

    fn remove(n: u16) -> Write {
        Write::BindingRemove { account: account(n), key: binding(n).id }
    }

    #[test]
    fn the_task_is_woken_once_per_kind_of_work() {
        let mut pending = Pending::new(100);
        assert_eq!(pending.add(Write::BindingRefresh(binding(1)), None), Ok(true));
        assert_eq!(pending.add(Write::BindingRefresh(binding(2)), None), Ok(false));
        assert_eq!(pending.work(), Work { urgent: false, behind: true, flush: false });
        assert_eq!(pending.add(Write::BindingPut(binding(3)), None), Ok(true));
        assert_eq!(pending.add(remove(4), TICKET), Ok(false));
        pending.take(Share::Urgent);
        assert_eq!(pending.work(), Work { urgent: false, behind: true, flush: false });
        assert_eq!(pending.add(remove(4), TICKET), Ok(true));
    }

    #[test]
    fn beyond_the_bound_only_what_replaces_is_taken() {
        let mut pending = Pending::new(2);
        pending.add(Write::BindingPut(binding(1)), None).unwrap();
        pending.add(Write::BindingRefresh(binding(2)), None).unwrap();
        assert_eq!(pending.add(Write::BindingRefresh(binding(3)), None), Err(Full));
        assert_eq!(pending.add(Write::CdrOpen(cdr(CdrState::Open)), None), Err(Full));
        pending.add(remove(1), TICKET).unwrap();
        pending.add(Write::BindingRefresh(binding(2)), TICKET).unwrap();
        assert_eq!(pending.add(remove(1), TICKET), Err(Full), "tickets are bounded too");
        // What is being committed still counts, until it has landed.
        let batch = pending.take(Share::All);
        assert_eq!((batch.rows(), batch.tickets().len()), (2, 2));
        assert_eq!(pending.add(Write::BindingPut(binding(3)), None), Err(Full));
        pending.landed(2);
        assert_eq!(pending.add(Write::BindingPut(binding(3)), None), Ok(true));
    }

    #[test]
    fn refreshes_come_in_portions_and_not_with_what_is_urgent() {
        let mut pending = Pending::new(10_000);
        let many = u16::try_from(MOST_REFRESHES + 5).unwrap();
        for n in 0..many {
            pending.add(Write::BindingRefresh(binding(n)), None).unwrap();
        }
        pending.add(Write::CdrClose(cdr(CdrState::Closed)), None).unwrap();
        assert_eq!(pending.take(Share::Urgent).rows(), 1);
        assert_eq!(pending.take(Share::Behind).rows(), MOST_REFRESHES);
        assert!(pending.work().behind);
        assert_eq!(pending.take(Share::Behind).rows(), 5);
        assert!(!pending.work().behind);
    }

    #[test]
    fn an_end_that_waits_is_not_undone_by_a_late_beginning() {
        let mut pending = Pending::new(10);
        pending.add(Write::CdrClose(cdr(CdrState::Closed)), None).unwrap();
        pending.add(Write::CdrOpen(cdr(CdrState::Open)), TICKET).unwrap();
        let batch = pending.take(Share::Urgent);
        assert_eq!((batch.cdrs.len(), batch.cdrs[0].value.state), (1, CdrState::Closed));
        assert_eq!(batch.tickets().len(), 1, "who asked for the beginning hears of it");
    }

    #[test]
    fn nothing_is_taken_after_the_end() {
        let mut pending = Pending::new(10);
        let (done, mut heard) = oneshot::channel();
        pending.flush(done);
        pending.close();
        assert!(heard.try_recv().is_err());
        assert_eq!(pending.add(Write::BindingPut(binding(1)), TICKET), Err(Full));
    }
}

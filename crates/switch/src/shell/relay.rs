//! From other threads to the shards: commits and media events.

use std::sync::Arc;

use metrics::Counter;
use parking_lot::Mutex;
use signaling::Mailbox;
use storage::{CommitSink, Ticket};

use super::worker::Input;
use crate::core::{MediaInput, MediaToken};

/// Committed tickets of one shard, and the way to wake it.
pub(crate) struct Inbox {
    tickets: Mutex<Vec<u64>>,
    mailbox: Mailbox<Input>,
}

impl Inbox {
    /// Takes what has been committed since the last look.
    pub(crate) fn take(&self, into: &mut Vec<u64>) {
        std::mem::swap(&mut *self.tickets.lock(), into);
    }
}

/// The sink of the writer and of the media plane.
pub(crate) struct Relay {
    inboxes: Vec<Arc<Inbox>>,
    lost: Counter,
}

impl Relay {
    pub(crate) fn new(mailboxes: &[Mailbox<Input>]) -> Relay {
        let inbox = |mailbox: &Mailbox<Input>| Inbox { tickets: Mutex::default(), mailbox: mailbox.clone() };
        let inboxes = mailboxes.iter().map(|mailbox| Arc::new(inbox(mailbox))).collect();
        Relay {
            inboxes,
            lost: metrics::counter!("crosspoint_switch_dropped_total", "reason" => "mailbox_full"),
        }
    }

    pub(crate) fn inbox(&self, shard: usize) -> Option<Arc<Inbox>> {
        self.inboxes.get(shard).cloned()
    }
}

impl CommitSink for Relay {
    /// The tickets go into the inbox, which has room for all that were ever issued; the mailbox only wakes. A worker
    /// whose mailbox is full is awake and looks into its inbox after each batch.
    fn committed(&self, tickets: &[Ticket]) {
        for (shard, inbox) in (0_u16..).zip(&self.inboxes) {
            let mut numbers =
                tickets.iter().filter(|ticket| ticket.shard == shard).map(|ticket| ticket.number).peekable();
            if numbers.peek().is_some() {
                inbox.tickets.lock().extend(numbers);
                // Full: it looks by itself.
                drop(inbox.mailbox.try_send(Input::Commits));
            }
        }
    }
}

impl media::Sink for Relay {
    /// An event that finds the mailbox full is dropped and counted: records then close without those totals.
    fn media_event(&self, event: media::Event) {
        let (owner, input) = match event {
            media::Event::Silent { owner, session, .. } => {
                (owner, MediaInput::Silent { token: MediaToken(owner.token), session })
            }
            media::Event::Statistics { owner, session, stats } => (
                owner,
                MediaInput::Statistics { token: MediaToken(owner.token), session, stats: Box::new(stats) },
            ),
            media::Event::Released { owner, session, stats } => (
                owner,
                MediaInput::Released { token: MediaToken(owner.token), session, stats: Box::new(stats) },
            ),
            media::Event::Resumed { .. } => return,
        };
        let inbox = self.inboxes.get(usize::from(owner.shard));
        if inbox.is_none_or(|inbox| inbox.mailbox.try_send(Input::Media(input)).is_err()) {
            self.lost.increment(1);
        }
    }
}

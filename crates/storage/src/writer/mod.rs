//! The writer: one task that turns what signalling produces into few commits.
//!
//! A write with a [`Ticket`], a new contact and the opening of a record are committed at once when the writer is idle, and under load
//! at most once per `commit_interval`, all that came in between together. Refreshes are kept one per binding and
//! written every `write_behind`; endings and removals go with the next commit, at the latest after `write_behind`.
//!
//! Order is kept per binding and per call: what waits is the last word about each, and batches are committed one after
//! the other. A commit that fails is tried again with the same batch until the database takes it; meanwhile what comes
//! is kept, up to a bound, and tickets stay open. A row that the database will never take is found, counted and
//! left out; its ticket stays open for ever.

mod batch;
mod pending;
mod task;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{AccountId, Binding, BindingKey, Cdr};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use crate::Storage;
use pending::Pending;

/// Rows that may wait at once, about 100 MB of bindings: what a busy exchange produces in some minutes without a database.
const MAX_WAITING: usize = 100_000;

/// Something to be kept.
#[derive(Clone, Debug)]
pub enum Write {
    /// A new contact, or one that changed.
    BindingPut(Box<Binding>),
    /// The same contact again: only times and sequence numbers differ.
    BindingRefresh(Box<Binding>),
    /// A contact that is gone.
    BindingRemove {
        /// Whose.
        account: AccountId,
        /// Which.
        key: BindingKey,
    },
    /// The record of a call that was answered.
    CdrOpen(Box<Cdr>),
    /// The record of a call that has ended.
    CdrClose(Box<Cdr>),
}

/// A number by which `shard` knows what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// Who waits.
    pub shard: u16,
    /// For what, in that shard's own count.
    pub number: u64,
}

/// Hears of commits.
pub trait CommitSink: Send + Sync {
    /// The writes of these tickets are on the disk. Called on the writer's task: must not block.
    fn committed(&self, tickets: &[Ticket]);
}

/// For those who wait for nothing.
impl CommitSink for () {
    fn committed(&self, _: &[Ticket]) {}
}

/// Too much waits for the database already; the write was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many writes wait for the database")]
pub struct Full;

/// The writer was stopped before it could write all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the writer was stopped")]
pub struct Stopped;

/// What the writer has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commits.
    pub commits: u64,
    /// Rows in them.
    pub rows: u64,
    /// Attempts that failed and were repeated.
    pub failures: u64,
    /// Rows that the database will never take.
    pub refused: u64,
    /// Rows that wait now.
    pub waiting: u64,
}

/// The handle of the writer; a clone is another handle to the same.
/// When the last one is dropped the task ends at once: what must be written is flushed before.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    task: Arc<Task>,
}

/// What handles and task share.
struct Shared {
    pending: Mutex<Pending>,
    /// Rings when there is something to do that the task does not know of yet.
    wake: Notify,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    commits: AtomicU64,
    rows: AtomicU64,
    failures: AtomicU64,
    refused: AtomicU64,
}

struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Writer {
    /// Starts the task. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(storage: Storage, sink: Arc<dyn CommitSink>) -> Writer {
        let shared = Arc::new(Shared {
            pending: Mutex::new(Pending::new(MAX_WAITING)),
            wake: Notify::new(),
            tally: Tally::default(),
        });
        let task = tokio::spawn(task::run(storage, Arc::clone(&shared), sink)).abort_handle();
        Writer { shared, task: Arc::new(Task(task)) }
    }

    /// Takes a write; never blocks, from any thread. The sink hears the ticket after the commit that holds the write.
    ///
    /// # Errors
    /// [`Full`] when too much waits already: the write was not taken.
    pub fn submit(&self, write: Write, ticket: Option<Ticket>) -> Result<(), Full> {
        let wake = self.shared.pending.lock().add(write, ticket)?;
        if wake {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    /// Writes all that was submitted before, refreshes included; returns after the commit, however long the database
    /// is away (bound it with a timeout).
    ///
    /// # Errors
    /// [`Stopped`] when the task has ended.
    pub async fn flush(&self) -> Result<(), Stopped> {
        let (done, heard) = oneshot::channel();
        if self.task.0.is_finished() {
            return Err(Stopped);
        }
        self.shared.pending.lock().flush(done);
        self.shared.wake.notify_one();
        heard.await.map_err(|_| Stopped)
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let tally = &self.shared.tally;
        Counts {
            commits: read(&tally.commits),
            rows: read(&tally.rows),
            failures: read(&tally.failures),
            refused: read(&tally.refused),
            waiting: self.shared.pending.lock().waiting() as u64,
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

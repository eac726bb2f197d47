//! The task of the writer: when to commit, and what to do when that fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Connection;
use tokio::time::{Instant, sleep, sleep_until};

use super::batch::Batch;
use super::{CommitSink, Shared};
use crate::Storage;
use crate::dialect::{self, Failure};

/// Between attempts while the database is away: from the first to the last, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Marks the shared state when the task ends, for whatever reason: nobody waits for a flush that will not come.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.pending.lock().close();
    }
}

/// Runs until the storage is closed or the last handle is dropped.
pub(super) async fn run(storage: Storage, shared: Arc<Shared>, sink: Arc<dyn CommitSink>) {
    let ended = Ended(shared);
    let mut task = Task {
        pace: Pace::new(storage.commit_interval(), storage.write_behind()),
        storage,
        shared: Arc::clone(&ended.0),
        sink,
    };
    while task.step().await.is_ok() {}
}

struct Task {
    storage: Storage,
    shared: Arc<Shared>,
    sink: Arc<dyn CommitSink>,
    pace: Pace,
}

/// The storage was closed: there is nothing left to do.
struct Closed;

/// When the next commit is due.
struct Pace {
    commit_interval: Duration,
    write_behind: Duration,
    /// Not before this: one commit per interval.
    earliest: Instant,
    /// Since when something waits that nobody waits for.
    behind_since: Option<Instant>,
    /// Since when somebody waits.
    urgent_since: Option<Instant>,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Commit, with or without the refreshes.
    Now { all: bool },
    /// Nothing before this time.
    At(Instant),
    /// Nothing at all.
    Never,
}

impl Pace {
    fn new(commit_interval: Duration, write_behind: Duration) -> Pace {
        Pace {
            commit_interval,
            write_behind,
            earliest: Instant::now(),
            behind_since: None,
            urgent_since: None,
        }
    }

    fn due(&mut self, now: Instant, work: super::pending::Work) -> Due {
        let since = |known: Option<Instant>, waits: bool| waits.then(|| known.unwrap_or(now));
        self.behind_since = since(self.behind_since, work.behind);
        self.urgent_since = since(self.urgent_since, work.urgent);
        let behind_at = self.behind_since.map(|since| (since + self.write_behind).max(self.earliest));
        if work.flush || behind_at.is_some_and(|at| at <= now) {
            return Due::Now { all: true };
        }
        let urgent_at = self.urgent_since.map(|_| self.earliest);
        match urgent_at.into_iter().chain(behind_at).min() {
            Some(at) if at <= now => Due::Now { all: false },
            Some(at) => Due::At(at),
            None => Due::Never,
        }
    }

    /// A commit begins; gives since when somebody waited for it.
    fn began(&mut self, now: Instant, all: bool) -> Option<Instant> {
        self.earliest = now + self.commit_interval;
        if all {
            self.behind_since = None;
        }
        self.urgent_since.take()
    }
}

impl Task {
    /// Waits for work, or does it.
    async fn step(&mut self) -> Result<(), Closed> {
        let now = Instant::now();
        let work = self.shared.pending.lock().work();
        match self.pace.due(now, work) {
            Due::Never => self.shared.wake.notified().await,
            Due::At(at) => {
                tokio::select! {
                    () = sleep_until(at) => {}
                    () = self.shared.wake.notified() => {}
                }
            }
            Due::Now { all } => {
                let waited_since = self.pace.began(now, all);
                let batch = self.shared.pending.lock().take(all);
                self.settle(batch).await?;
                self.shared.pending.lock().landed();
                if let Some(since) = waited_since {
                    metrics::histogram!("crosspoint_storage_lag_seconds").record(since.elapsed());
                }
            }
        }
        Ok(())
    }

    /// Commits all rows of the batch that the database will ever take.
    async fn settle(&self, mut batch: Batch) -> Result<(), Closed> {
        let flushers = std::mem::take(&mut batch.flushers);
        // The order of batches does not matter here, as no key is in two of them.
        let mut left = vec![batch];
        while let Some(batch) = left.pop() {
            let Err(error) = self.persist(&batch).await? else {
                self.committed(&batch);
                continue;
            };
            if batch.rows() > 1 {
                left.extend(batch.halves());
            } else {
                self.shared.tally.refused.fetch_add(1, Ordering::Relaxed);
                metrics::counter!("crosspoint_storage_rows_refused_total").increment(1);
                tracing::error!(%error, "the database refuses a row for ever; it is left out");
            }
        }
        for done in flushers {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
        Ok(())
    }

    /// Tries until the batch is committed, or until the database says that it never will be.
    async fn persist(&self, batch: &Batch) -> Result<Result<(), sqlx::Error>, Closed> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.commit(batch).await {
                Ok(()) => {
                    if pause > FIRST_PAUSE {
                        tracing::info!("the database takes writes again");
                    }
                    return Ok(Ok(()));
                }
                Err(sqlx::Error::PoolClosed) => return Err(Closed),
                Err(error) => error,
            };
            if dialect::failure(&error) == Failure::Row {
                return Ok(Err(error));
            }
            if pause == FIRST_PAUSE {
                tracing::warn!(%error, "the database does not take writes; they are kept and tried again");
            }
            self.shared.tally.failures.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("crosspoint_storage_commit_failures_total").increment(1);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn commit(&self, batch: &Batch) -> Result<(), sqlx::Error> {
        let pools = self.storage.pools();
        let mut statements = batch.statements(pools.engine);
        let mut connection = match statements.len() {
            0 => return Ok(()),
            _ => pools.write.acquire().await?,
        };
        // One statement is its own transaction: two round trips less.
        if statements.len() == 1
            && let Some(only) = statements.pop()
        {
            sqlx::query(only.sql).bind(only.rows).execute(&mut *connection).await?;
            return Ok(());
        }
        let mut transaction = connection.begin().await?;
        for statement in statements {
            sqlx::query(statement.sql).bind(statement.rows).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }

    fn committed(&self, batch: &Batch) {
        let rows = batch.rows() as u64;
        if rows > 0 {
            self.shared.tally.commits.fetch_add(1, Ordering::Relaxed);
            self.shared.tally.rows.fetch_add(rows, Ordering::Relaxed);
            metrics::counter!("crosspoint_storage_commits_total").increment(1);
            metrics::counter!("crosspoint_storage_rows_total").increment(rows);
        }
        let tickets = batch.tickets();
        if !tickets.is_empty() {
            self.sink.committed(&tickets);
        }
    }
}

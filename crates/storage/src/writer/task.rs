//! The task of the writer: when to commit, and what to do when that fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Connection;
use tokio::time::{Instant, sleep, sleep_until};

use super::batch::Batch;
use super::pending::{Share, Work};
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
    /// Commit this share.
    Now(Share),
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

    fn due(&mut self, now: Instant, work: Work) -> Due {
        let since = |known: Option<Instant>, waits: bool| waits.then(|| known.unwrap_or(now));
        self.behind_since = since(self.behind_since, work.behind);
        self.urgent_since = since(self.urgent_since, work.urgent);
        let behind_at = self.behind_since.map(|since| (since + self.write_behind).max(self.earliest));
        if work.flush {
            return Due::Now(Share::All);
        }
        if behind_at.is_some_and(|at| at <= now) {
            return Due::Now(Share::Behind);
        }
        let urgent_at = self.urgent_since.map(|_| self.earliest);
        match urgent_at.into_iter().chain(behind_at).min() {
            Some(at) if at <= now => Due::Now(Share::Urgent),
            Some(at) => Due::At(at),
            None => Due::Never,
        }
    }

    /// A commit begins; gives since when somebody waited for it. Of what nobody waits for, something may be `left`.
    fn began(&mut self, now: Instant, left: bool) -> Option<Instant> {
        self.earliest = now + self.commit_interval;
        self.behind_since = self.behind_since.filter(|_| left);
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
            Due::Now(share) => {
                let (batch, left) = {
                    let mut pending = self.shared.pending.lock();
                    (pending.take(share), pending.work().behind)
                };
                let waited_since = self.pace.began(now, left);
                self.settle(batch).await?;
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
                self.shared.pending.lock().landed(batch.rows());
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
                Err(sqlx::Error::PoolClosed) => {
                    // Before whoever flushes hears of it: from then on nothing is taken.
                    self.shared.pending.lock().close();
                    return Err(Closed);
                }
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
        let database = self.storage.database();
        let mut statements = batch.statements(database.engine);
        let Some(first) = statements.next() else { return Ok(()) };
        let mut connection = database.write.acquire().await?;
        let Some(second) = statements.next() else {
            // One statement is its own transaction: two round trips less.
            return first.query().execute(&mut *connection).await.map(drop);
        };
        let mut transaction = connection.begin().await?;
        for statement in [first, second].into_iter().chain(statements) {
            statement.query().execute(&mut *transaction).await?;
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
        self.shared.pending.lock().landed(batch.rows());
        let tickets = batch.tickets();
        if !tickets.is_empty() {
            self.sink.committed(&tickets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(8);
    const BEHIND: Duration = Duration::from_secs(1);
    const NOTHING: Work = Work { urgent: false, behind: false, flush: false };
    const URGENT: Work = Work { urgent: true, ..NOTHING };
    const LATER: Work = Work { behind: true, ..NOTHING };

    fn pace() -> (Pace, Instant) {
        let pace = Pace::new(INTERVAL, BEHIND);
        let start = pace.earliest;
        (pace, start)
    }

    #[test]
    fn an_idle_writer_commits_at_once_and_then_keeps_its_pace() {
        let (mut pace, start) = pace();
        assert_eq!(pace.due(start, NOTHING), Due::Never);
        assert_eq!(pace.due(start, URGENT), Due::Now(Share::Urgent));
        assert_eq!(pace.began(start, false), Some(start));
        assert_eq!(pace.due(start, URGENT), Due::At(start + INTERVAL));
        assert_eq!(pace.due(start + INTERVAL, URGENT), Due::Now(Share::Urgent));
        assert_eq!(pace.began(start + INTERVAL, false), Some(start), "since when somebody waited");
    }

    #[test]
    fn what_nobody_waits_for_is_written_after_its_time() {
        let (mut pace, start) = pace();
        assert_eq!(pace.due(start, LATER), Due::At(start + BEHIND));
        // A commit for others in between does not take it, nor put it off.
        let both = Work { urgent: true, ..LATER };
        assert_eq!(pace.due(start + INTERVAL, both), Due::Now(Share::Urgent));
        pace.began(start + INTERVAL, true);
        assert_eq!(pace.due(start + INTERVAL * 2, LATER), Due::At(start + BEHIND));
        assert_eq!(pace.due(start + BEHIND, LATER), Due::Now(Share::Behind));
        // Too much for one commit: the rest follows at the usual pace.
        pace.began(start + BEHIND, true);
        assert_eq!(pace.due(start + BEHIND, LATER), Due::At(start + BEHIND + INTERVAL));
        assert_eq!(pace.due(start + BEHIND + INTERVAL, LATER), Due::Now(Share::Behind));
        pace.began(start + BEHIND + INTERVAL, false);
        assert_eq!(
            pace.due(start + BEHIND * 2, LATER),
            Due::At(start + BEHIND * 3),
            "new work has its own time"
        );
    }

    #[test]
    fn a_flush_waits_for_nothing() {
        let (mut pace, start) = pace();
        pace.began(start, false);
        assert_eq!(pace.due(start, Work { flush: true, ..NOTHING }), Due::Now(Share::All));
    }
}

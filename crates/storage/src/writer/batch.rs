//! One commit's worth of rows, and the statements that write them.

use model::{Binding, Cdr};
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use tokio::sync::oneshot;

use super::Ticket;
use super::pending::{Entry, Key};
use crate::dialect::Engine;
use crate::row::{SetRow, set};
use crate::{bindings, cdrs};

/// Rows of one statement: bounds its JSON parameter to about a megabyte.
const ROWS_PER_STATEMENT: usize = 1_000;

/// What is committed together. No key is in it twice, so the order of its statements does not matter.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) puts: Vec<Entry<Box<Binding>>>,
    pub(super) removes: Vec<Entry<Key>>,
    pub(super) cdrs: Vec<Entry<Box<Cdr>>>,
    pub(super) flushers: Vec<oneshot::Sender<()>>,
}

/// A statement and its one parameter.
pub(super) struct Statement {
    sql: &'static str,
    rows: String,
}

impl Statement {
    pub(super) fn query(self) -> Query<'static, Any, AnyArguments> {
        sqlx::query(self.sql).bind(self.rows)
    }
}

impl Batch {
    pub(super) fn rows(&self) -> usize {
        self.puts.len() + self.removes.len() + self.cdrs.len()
    }

    /// In the order of the tables' keys: neighbours share a page, and two nodes never wait for each other crosswise.
    pub(super) fn sort(&mut self) {
        self.puts
            .sort_unstable_by(|a, b| (a.value.account, &a.value.id).cmp(&(b.value.account, &b.value.id)));
        self.removes.sort_unstable_by(|a, b| a.value.cmp(&b.value));
        self.cdrs.sort_unstable_by_key(|entry| entry.value.uid);
    }

    pub(super) fn tickets(&self) -> Vec<Ticket> {
        let puts = self.puts.iter().flat_map(|entry| &entry.tickets);
        let removes = self.removes.iter().flat_map(|entry| &entry.tickets);
        let cdrs = self.cdrs.iter().flat_map(|entry| &entry.tickets);
        puts.chain(removes).chain(cdrs).copied().collect()
    }

    /// The statements of the commit, each with its JSON made when it is its turn.
    pub(super) fn statements(&self, engine: Engine) -> impl Iterator<Item = Statement> + Send {
        let puts = chunks(engine.pick(bindings::PUT), &self.puts, |entry| &*entry.value);
        let removes = chunks(engine.pick(bindings::REMOVE), &self.removes, |entry| &entry.value);
        let records = chunks(engine.pick(cdrs::PUT), &self.cdrs, |entry| &*entry.value);
        puts.chain(removes).chain(records)
    }

    /// Two batches of half the rows, to find the one that the database will never take.
    pub(super) fn halves(mut self) -> [Batch; 2] {
        let second = Batch {
            puts: self.puts.split_off(self.puts.len() / 2),
            removes: self.removes.split_off(self.removes.len() / 2),
            cdrs: self.cdrs.split_off(self.cdrs.len() / 2),
            flushers: Vec::new(),
        };
        [self, second]
    }
}

fn chunks<E: Sync, T: SetRow>(
    sql: &'static str,
    entries: &[E],
    row: impl Fn(&E) -> &T + Send,
) -> impl Iterator<Item = Statement> + Send {
    entries.chunks(ROWS_PER_STATEMENT).map(move |chunk| {
        let rows: Vec<&T> = chunk.iter().map(&row).collect();
        Statement { sql, rows: set(&rows) }
    })
}

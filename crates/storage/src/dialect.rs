//! All that differs between SQLite and PostgreSQL.

use std::path::Path;

use sqlx::AnyConnection;
use sqlx::error::DatabaseError;

use crate::{Error, Result};

pub(crate) const DATABASE_FILE: &str = "crosspoint.db";

/// Every commit is on the disk before it is acknowledged (`synchronous = FULL`), readers never wait for the writer (WAL).
/// Up to 8 MiB of pages are kept, so that a set of ten thousand bindings does not read and spill pages over and over;
/// after a storm the log goes back to 64 MiB.
const SQLITE_WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; \
     PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192; \
     PRAGMA journal_size_limit = 67108864;";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;";

/// Any number that nobody else locks: one migration at a time, whoever starts first.
const POSTGRES_MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7241170901)";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// One statement in both tongues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Both {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// A statement over a set: between the two texts stands a row source that reads the JSON array in `$1`, with one
/// column called `value` per row. `value->>0` is the first column of a row as text, in both engines.
macro_rules! over_rows {
    ($before:expr, $after:expr) => {
        $crate::dialect::Both {
            // LIMIT keeps the planner from writing out the JSON of a row anew for each of its columns.
            sqlite: concat!($before, " (SELECT value FROM json_each($1) LIMIT -1) AS rows ", $after),
            postgres: concat!($before, " jsonb_array_elements(CAST($1 AS jsonb)) ", $after),
        }
    };
}
pub(crate) use over_rows;

/// What a failure of the database means for what was being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is away, busy, full or broken: the same write may succeed later.
    Passing,
    /// It will never take this row.
    Row,
}

impl Engine {
    /// The statement in this engine's tongue.
    pub(crate) fn pick(self, both: Both) -> &'static str {
        match self {
            Engine::Sqlite => both.sqlite,
            Engine::Postgres => both.postgres,
        }
    }

    /// Serializes migrations between nodes; SQLite's directory lock does that already.
    pub(crate) async fn lock_schema(self, connection: &mut AnyConnection) -> Result<()> {
        if self == Engine::Postgres {
            sqlx::query(POSTGRES_MIGRATION_LOCK).execute(connection).await?;
        }
        Ok(())
    }

    /// Sets up a new connection.
    pub(crate) async fn prepare(
        self,
        connection: &mut AnyConnection,
        writes: bool,
    ) -> std::result::Result<(), sqlx::Error> {
        let text = match (self, writes) {
            (Engine::Sqlite, true) => SQLITE_WRITER,
            (Engine::Sqlite, false) => SQLITE_READER,
            (Engine::Postgres, _) => return Ok(()),
        };
        sqlx::raw_sql(text).execute(connection).await.map(drop)
    }
}

/// A path as part of a URL.
pub(crate) fn escaped(path: &Path) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Where the database is, without name and password.
pub(crate) fn place(address: &str) -> String {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    let without_query = after_scheme.split('?').next().unwrap_or(after_scheme);
    without_query.rsplit('@').next().unwrap_or(without_query).to_owned()
}

/// Turns the driver's error into ours: constraints become typed.
pub(crate) fn refusal(error: sqlx::Error) -> Error {
    let Some(refused) = error.as_database_error() else { return Error::Database(error) };
    if refused.is_unique_violation() {
        return Error::Duplicate { field: duplicate_field(refused) };
    }
    if refused.is_foreign_key_violation() {
        return Error::Orphan;
    }
    Error::Database(error)
}

/// The field of a unique constraint, by the naming rule of the schema.
fn duplicate_field(refused: &dyn DatabaseError) -> String {
    match refused.constraint() {
        // PostgreSQL names the index: `accounts_username`, or `accounts_pkey`.
        Some("" | "pkey") | None => {
            // SQLite lists the columns: `UNIQUE constraint failed: accounts.domain, accounts.username`.
            refused.message().rsplit('.').next().unwrap_or("id").trim().to_owned()
        }
        Some(index) => match index.split_once('_').map(|(_, field)| field) {
            None | Some("pkey") => "id".to_owned(),
            Some(field) => field.to_owned(),
        },
    }
}

/// Whether a write that failed may succeed later.
pub(crate) fn failure(error: &sqlx::Error) -> Failure {
    /// SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH.
    const SQLITE_ROW: &[u32] = &[18, 19, 20];
    /// SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded.
    const POSTGRES_ROW: &[&str] = &["22", "23", "54"];
    let Some(code) = error.as_database_error().and_then(DatabaseError::code) else { return Failure::Passing };
    // SQLSTATE has five characters; SQLite's extended codes are numbers whose low byte is the primary code.
    let of_row = if code.len() == 5 {
        code.get(..2).is_some_and(|class| POSTGRES_ROW.contains(&class))
    } else {
        code.parse::<u32>().is_ok_and(|code| SQLITE_ROW.contains(&(code & 0xff)))
    };
    if of_row { Failure::Row } else { Failure::Passing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_database_has_no_password() {
        assert_eq!(
            place("postgres://me:p@ss@db.example:5432/cross?sslmode=require"),
            "db.example:5432/cross"
        );
        assert_eq!(place("sqlite:///var/lib/x/crosspoint.db?mode=rwc"), "/var/lib/x/crosspoint.db");
    }

    #[test]
    fn odd_characters_of_a_path_are_escaped() {
        assert_eq!(escaped(Path::new("/a b/50%?#x/ü.db")), "/a%20b/50%25%3F%23x/%C3%BC.db");
    }
}

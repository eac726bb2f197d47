//! All that differs between SQLite and PostgreSQL.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::error::DatabaseError;
use sqlx::{AnyConnection, AnyPool, ConnectOptions};

use crate::{Error, Result};

pub(crate) const DATABASE_FILE: &str = "crosspoint.db";
/// SQLite has one writer; a second writing connection would only wait for the first.
const SQLITE_WRITERS: u32 = 1;
/// Lists and look-ups of the API; each costs a thread and up to 2 MiB of page cache.
const SQLITE_READERS: u32 = 3;
/// The writer task, and API calls beside it.
const POSTGRES_WRITERS: u32 = 4;
const POSTGRES_READERS: u32 = 4;
/// An API call fails rather than waits longer for a connection; the writer tries again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection unused for so long is tried before use: a restarted PostgreSQL leaves dead ones behind.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// Readers beyond the first are closed when unused for so long: their caches are memory.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Every commit is on the disk before it is acknowledged (`synchronous = FULL`), readers never wait for the writer (WAL).
const SQLITE_WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; \
     PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";
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
            sqlite: concat!($before, " json_each($1) ", $after),
            postgres: concat!($before, " jsonb_array_elements(CAST($1 AS jsonb)) ", $after),
        }
    };
}
pub(crate) use over_rows;

/// The connections: one pool that writes and one that reads.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    pub(crate) engine: Engine,
    pub(crate) write: AnyPool,
    pub(crate) read: AnyPool,
}

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

    async fn prepare(
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

/// Connects to PostgreSQL at `url`, or to the SQLite file in `data_dir`.
pub(crate) async fn connect(url: Option<&str>, data_dir: &Path) -> Result<Pools> {
    sqlx::any::install_default_drivers();
    let (engine, address) = match url {
        None => (Engine::Sqlite, format!("sqlite://{}?mode=rwc", escaped(&data_dir.join(DATABASE_FILE)))),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            (Engine::Postgres, url.to_owned())
        }
        Some(_) => return Err(Error::Url),
    };
    let unreachable = |source| Error::Unreachable { place: place(&address), source };
    let options = AnyConnectOptions::from_str(&address).map_err(unreachable)?.disable_statement_logging();
    let (writers, readers) = match engine {
        Engine::Sqlite => (SQLITE_WRITERS, SQLITE_READERS),
        Engine::Postgres => (POSTGRES_WRITERS, POSTGRES_READERS),
    };
    // The writer comes first: it makes the file and sets WAL, which readers then find.
    let write = pool(engine, true, writers).connect_with(options.clone()).await.map_err(unreachable)?;
    let read = pool(engine, false, readers).connect_with(options).await.map_err(unreachable)?;
    Ok(Pools { engine, write, read })
}

fn pool(engine: Engine, writes: bool, size: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            Box::pin(async move {
                if engine == Engine::Sqlite || meta.idle_for < TRUSTED_IDLE {
                    return Ok(true);
                }
                Ok(sqlx::Connection::ping(connection).await.is_ok())
            })
        })
        .after_connect(move |connection, _| Box::pin(engine.prepare(connection, writes)))
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

//! The connections: one that writes, some that read.

use std::fmt;
use std::fs::OpenOptions;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyArguments, AnyConnectOptions, AnyPoolOptions, AnyQueryResult};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::time::timeout;

use crate::dialect::{DATABASE_FILE, Engine, escaped, place};
use crate::{Error, Result};

/// Lists and look-ups of the API; on SQLite each costs a thread and up to 2 MiB of page cache.
const READERS: u32 = 4;
/// An API call fails rather than waits longer for a connection; the writer tries again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Hashes of passwords and who called whom lie in it.
const OWNER_ONLY: u32 = 0o600;
/// Readers beyond the first are closed when unused for so long: their caches are memory.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The open database.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) engine: Engine,
    pub(crate) write: WriteConnection,
    pub(crate) read: AnyPool,
}

impl Connections {
    /// Connects to PostgreSQL at `url`, or to the SQLite file in `data_dir`.
    pub(crate) async fn open(url: Option<&str>, data_dir: &Path) -> Result<Connections> {
        sqlx::any::install_default_drivers();
        let (engine, address) = match url {
            None => {
                let file = data_dir.join(DATABASE_FILE);
                make_private(&file).map_err(|source| Error::DataDir { dir: data_dir.to_owned(), source })?;
                (Engine::Sqlite, format!("sqlite://{}?mode=rw", escaped(&file)))
            }
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                (Engine::Postgres, url.to_owned())
            }
            Some(_) => return Err(Error::Url),
        };
        let unreachable = |source| Error::Unreachable { place: place(&address), source };
        let options = AnyConnectOptions::from_str(&address).map_err(unreachable)?.disable_statement_logging();
        // The writer comes first: it makes the file and sets WAL, which readers then find.
        let write = WriteConnection { engine, options: options.clone(), slot: Mutex::default() };
        drop(write.acquire().await.map_err(unreachable)?);
        let read = readers(engine).connect_with(options).await.map_err(unreachable)?;
        Ok(Connections { engine, write, read })
    }

    /// Closes all; calls after it fail.
    pub(crate) async fn close(&self) {
        self.write.close().await;
        self.read.close().await;
    }
}

/// Makes an empty file that only its owner reads; SQLite gives its log beside it the same rights.
fn make_private(file: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(OWNER_ONLY).open(file).map(drop)
}

fn readers(engine: Engine) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(READERS)
        .min_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(None)
        // A restarted PostgreSQL leaves dead connections behind; a file does not go away.
        .test_before_acquire(engine == Engine::Postgres)
        .after_connect(move |connection, _| Box::pin(engine.prepare(connection, false)))
}

/// The one connection that writes. Whoever wants to write waits for it in order of asking: SQLite has one writer
/// anyway, and on PostgreSQL the sets of the writer are what counts. Not a pool, because a pool tests a connection
/// with a round trip at each return, which costs as much as a small commit.
pub(crate) struct WriteConnection {
    engine: Engine,
    options: AnyConnectOptions,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    open: Option<AnyConnection>,
    closed: bool,
}

/// The write connection, for as long as it is held.
pub(crate) struct Writing<'c>(MappedMutexGuard<'c, AnyConnection>);

impl Deref for Writing<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.0
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.0
    }
}

impl WriteConnection {
    /// The connection, tried and renewed if need be.
    pub(crate) async fn acquire(&self) -> std::result::Result<Writing<'_>, sqlx::Error> {
        let mut slot = self.slot.lock().await;
        if slot.closed {
            return Err(sqlx::Error::PoolClosed);
        }
        let alive = match &mut slot.open {
            Some(connection) => self.answers(connection).await,
            None => false,
        };
        if !alive {
            slot.open = None;
            let connecting = timeout(CONNECT_TIMEOUT, self.connect()).await;
            slot.open = Some(connecting.unwrap_or(Err(sqlx::Error::PoolTimedOut))?);
        }
        let connection = MutexGuard::try_map(slot, |slot| slot.open.as_mut());
        connection.map(Writing).map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Runs one statement, which is its own transaction.
    pub(crate) async fn execute(
        &self,
        query: Query<'static, Any, AnyArguments>,
    ) -> std::result::Result<AnyQueryResult, sqlx::Error> {
        query.execute(&mut *self.acquire().await?).await
    }

    async fn connect(&self) -> std::result::Result<AnyConnection, sqlx::Error> {
        let mut connection = AnyConnection::connect_with(&self.options).await?;
        self.engine.prepare(&mut connection, true).await?;
        Ok(connection)
    }

    /// Whether the connection is still one. A file does not go away.
    async fn answers(&self, connection: &mut AnyConnection) -> bool {
        match self.engine {
            Engine::Sqlite => true,
            Engine::Postgres => {
                timeout(CONNECT_TIMEOUT, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
            }
        }
    }

    async fn close(&self) {
        let mut slot = self.slot.lock().await;
        slot.closed = true;
        if let Some(connection) = slot.open.take() {
            // Whether it says goodbye does not matter: all commits are done.
            let _ = connection.close().await;
        }
    }
}

impl fmt::Debug for WriteConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteConnection").field("engine", &self.engine).finish_non_exhaustive()
    }
}

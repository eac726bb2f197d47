//! Opening the memory.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clock::Random;

use crate::connection::Connections;
use crate::lock::DataDir;
use crate::secret::Vault;
use crate::{Accounts, Bindings, Cdrs, Error, Result, SettingValues, Tenants, Tokens, Users, schema};

/// Where the memory is, and how it is written.
#[derive(Clone)]
pub struct Settings {
    /// `postgres://…`, or `None` for SQLite in the data directory.
    pub url: Option<String>,
    /// The directory of this instance; made if missing, locked for as long as the storage is open.
    pub data_dir: PathBuf,
    /// What the secrets of accounts are sealed with. Losing it loses them.
    pub key: [u8; 32],
    /// Under load, at most one commit in this time; many then share one. 8 ms keeps the promise of 10.
    pub commit_interval: Duration,
    /// How long refreshes and endings may wait to be written.
    pub write_behind: Duration,
}

impl Settings {
    /// SQLite in this directory, with the usual times.
    #[must_use]
    pub fn new(data_dir: PathBuf, key: [u8; 32]) -> Settings {
        Settings {
            url: None,
            data_dir,
            key,
            commit_interval: Duration::from_millis(8),
            write_behind: Duration::from_secs(1),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Settings");
        shown.field("data_dir", &self.data_dir).field("commit_interval", &self.commit_interval);
        shown.field("write_behind", &self.write_behind).finish_non_exhaustive()
    }
}

/// The open memory; a clone is another handle to the same. The directory is unlocked with the last one.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    database: Connections,
    vault: Vault,
    commit_interval: Duration,
    write_behind: Duration,
    _data_dir: DataDir,
}

impl Storage {
    /// Locks the data directory, connects, brings the schema to the newest version, and sees that the tenant
    /// `default` exists.
    ///
    /// # Errors
    /// [`Error::Locked`] when another instance runs on the directory, [`Error::Unreachable`] without a database,
    /// [`Error::NewerSchema`] when a newer release wrote it.
    pub async fn open(settings: Settings) -> Result<Storage> {
        let data_dir = DataDir::lock(&settings.data_dir)?;
        let database = Connections::open(settings.url.as_deref(), &data_dir.path).await?;
        schema::migrate(&database).await?;
        let random =
            Random::from_system().map_err(|source| Error::DataDir { dir: data_dir.path.clone(), source })?;
        let storage = Storage {
            inner: Arc::new(Inner {
                database,
                vault: Vault::new(&settings.key, random),
                commit_interval: settings.commit_interval,
                write_behind: settings.write_behind,
                _data_dir: data_dir,
            }),
        };
        storage.tenants().ensure_default().await?;
        Ok(storage)
    }

    /// Tenants.
    #[must_use]
    pub fn tenants(&self) -> Tenants<'_> {
        Tenants(self)
    }

    /// Accounts.
    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }

    /// Bindings.
    #[must_use]
    pub fn bindings(&self) -> Bindings<'_> {
        Bindings(self)
    }

    /// Call records.
    #[must_use]
    pub fn cdrs(&self) -> Cdrs<'_> {
        Cdrs(self)
    }

    /// People.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// API tokens.
    #[must_use]
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens(self)
    }

    /// Values that the server keeps for itself.
    #[must_use]
    pub fn settings(&self) -> SettingValues<'_> {
        SettingValues(self)
    }

    /// The boot epoch of this start of `node`: one more than at the start before, 1 to 65,535 and round again.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn next_epoch(&self, node: u16) -> Result<u16> {
        self.settings().next_epoch(node).await
    }

    /// Answers when the database does.
    ///
    /// # Errors
    /// [`Error::Database`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.inner.database.read).await?;
        Ok(())
    }

    /// Closes all connections; calls after it fail. The writer must have been flushed and stopped.
    pub async fn close(&self) {
        self.inner.database.close().await;
    }

    pub(crate) fn database(&self) -> &Connections {
        &self.inner.database
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    pub(crate) fn commit_interval(&self) -> Duration {
        self.inner.commit_interval
    }

    pub(crate) fn write_behind(&self) -> Duration {
        self.inner.write_behind
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("engine", &self.inner.database.engine).finish_non_exhaustive()
    }
}

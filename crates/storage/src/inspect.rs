//! A look at a database from outside, which changes nothing.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection, Row};

use crate::dialect::{self, DATABASE_FILE};
use crate::{Error, Result, schema};

/// A database that does not answer within this time is said not to.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a look at a database found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The version of its schema; 0 before the first migration.
    pub schema: i64,
    /// The newest version this binary knows.
    pub known: i64,
}

/// Connects to PostgreSQL at `url`, or to the SQLite file in `data_dir`, and reads the version of the schema.
/// Takes no lock, makes no file, migrates nothing: an instance may be running meanwhile.
///
/// # Errors
/// [`Error::Unreachable`] when there is no such database or it does not answer, [`Error::Url`].
pub async fn inspect(url: Option<&str>, data_dir: &Path) -> Result<Inspection> {
    sqlx::any::install_default_drivers();
    let address = match url {
        None => format!("sqlite://{}?mode=ro", dialect::escaped(&data_dir.join(DATABASE_FILE))),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => url.to_owned(),
        Some(_) => return Err(Error::Url),
    };
    let unreachable = |source| Error::Unreachable { place: dialect::place(&address), source };
    let options = AnyConnectOptions::from_str(&address).map_err(unreachable)?.disable_statement_logging();
    let connecting = tokio::time::timeout(PATIENCE, AnyConnection::connect_with(&options)).await;
    let mut connection = connecting.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(unreachable)?;
    let schema = match sqlx::query(schema::NEWEST).fetch_one(&mut connection).await {
        Ok(row) => row.try_get(0)?,
        // Before the first migration there is no table to ask.
        Err(error) if error.as_database_error().is_some() => 0,
        Err(error) => return Err(Error::Database(error)),
    };
    connection.close().await?;
    Ok(Inspection { schema, known: schema::known() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, Storage};

    #[tokio::test]
    async fn a_running_database_is_looked_at_without_a_change() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(inspect(None, dir.path()).await, Err(Error::Unreachable { .. })));
        assert!(!dir.path().join(DATABASE_FILE).exists(), "a look makes no file");
        let storage = Storage::open(Settings::new(dir.path().to_owned(), [7; 32])).await.unwrap();
        let found = inspect(None, dir.path()).await.unwrap();
        assert_eq!(found, Inspection { schema: schema::known(), known: schema::known() });
        storage.close().await;
    }

    #[tokio::test]
    async fn an_empty_database_has_schema_zero() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(DATABASE_FILE), "").unwrap();
        assert_eq!(inspect(None, dir.path()).await.unwrap().schema, 0);
    }
}

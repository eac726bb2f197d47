//! Values that the server keeps for itself: the realm, the revision of the directory, the boot epoch.

use sqlx::{AnyConnection, Row};

use crate::{Error, Result, Storage};

/// Counts the changes of accounts.
const REVISION: &str = "revision";

const READ: &str = "SELECT value FROM settings WHERE name = $1";
const PUT: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const PUT_FIRST: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const ADD_ONE: &str = "INSERT INTO settings (name, value) VALUES ($1, '1') \
     ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT) RETURNING value";

/// Named texts.
#[derive(Clone, Copy, Debug)]
pub struct SettingValues<'s>(pub(crate) &'s Storage);

impl SettingValues<'_> {
    /// The value of this name.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn read(&self, name: &str) -> Result<Option<String>> {
        let row = sqlx::query(READ).bind(name.to_owned()).fetch_optional(&self.0.database().read).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Sets or changes a value.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn put(&self, name: &str, value: &str) -> Result<()> {
        let query = sqlx::query(PUT).bind(name.to_owned()).bind(value.to_owned());
        self.0.database().write.execute(query).await?;
        Ok(())
    }

    /// Sets a value that never changes afterwards, such as the digest realm: the first one stays.
    /// Gives the value that is kept, this one or the older.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn keep_first(&self, name: &str, value: &str) -> Result<String> {
        let mut connection = self.0.database().write.acquire().await?;
        let query = sqlx::query(PUT_FIRST).bind(name.to_owned()).bind(value.to_owned());
        query.execute(&mut *connection).await?;
        Ok(sqlx::query(READ).bind(name.to_owned()).fetch_one(&mut *connection).await?.try_get(0)?)
    }

    /// How often accounts were changed: the revision of the directory.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revision(&self) -> Result<u64> {
        let text = self.read(REVISION).await?;
        text.map_or(Ok(0), |text| text.parse().map_err(|_| damaged()))
    }

    pub(crate) async fn next_epoch(&self, node: u16) -> Result<u16> {
        let mut connection = self.0.database().write.acquire().await?;
        let starts = add_one(&mut connection, &format!("epoch.{node}")).await?;
        u16::try_from((starts.max(1) - 1) % u64::from(u16::MAX) + 1).map_err(|_| damaged())
    }
}

/// Notes a change of accounts, in the transaction that makes it.
pub(crate) async fn next_revision(connection: &mut AnyConnection) -> Result<u64> {
    add_one(connection, REVISION).await
}

async fn add_one(connection: &mut AnyConnection, name: &str) -> Result<u64> {
    // All rows are fetched, not one: the statement must run to its end for the change to hold.
    let rows = sqlx::query(ADD_ONE).bind(name.to_owned()).fetch_all(connection).await?;
    let text: String = rows.first().ok_or_else(damaged)?.try_get(0)?;
    text.parse().map_err(|_| damaged())
}

fn damaged() -> Error {
    Error::Damaged { table: "settings", column: 1 }
}

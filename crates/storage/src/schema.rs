//! The versions of the schema, and how a database gets to the newest.

use sqlx::{AnyConnection, Connection, Row};

use crate::connection::Connections;
use crate::{Error, Result};

/// One step: text in what both engines share.
struct Migration {
    version: i64,
    sql: &'static str,
}

/// All steps in order. A step that was released is never changed: the next one repairs it.
const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, sql: include_str!("../migrations/0001_first.sql") }];

const MAKE_VERSIONS: &str =
    "CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT NOT NULL PRIMARY KEY)";
pub(crate) const NEWEST: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_versions";
const NOTE: &str = "INSERT INTO schema_versions (version) VALUES ($1)";

/// The newest version this binary knows.
pub(crate) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |newest| newest.version)
}

/// Brings the database to the newest version, in one transaction: a failure leaves it as it was.
pub(crate) async fn migrate(database: &Connections) -> Result<()> {
    let mut connection = database.write.acquire().await?;
    let mut transaction = connection.begin().await?;
    database.engine.lock_schema(&mut transaction).await?;
    sqlx::raw_sql(MAKE_VERSIONS).execute(&mut *transaction).await?;
    let found = newest(&mut transaction).await?;
    if found > known() {
        return Err(Error::NewerSchema { found, known: known() });
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        sqlx::raw_sql(migration.sql).execute(&mut *transaction).await?;
        sqlx::query(NOTE).bind(migration.version).execute(&mut *transaction).await?;
        tracing::info!(storage.schema = migration.version, "the database has a new schema");
    }
    transaction.commit().await?;
    Ok(())
}

async fn newest(connection: &mut AnyConnection) -> Result<i64> {
    Ok(sqlx::query(NEWEST).fetch_one(connection).await?.try_get(0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_from_one() {
        let versions: Vec<_> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=known()).collect::<Vec<_>>());
    }

    #[test]
    fn every_table_of_a_tenant_names_the_tenant() {
        let text: String = MIGRATIONS.iter().map(|migration| migration.sql).collect();
        for table in text.split("CREATE TABLE ").skip(1) {
            let name = table.split_whitespace().next().unwrap();
            let body = table.split(");").next().unwrap();
            assert_eq!(body.contains("\n    tenant TEXT NOT NULL"), name != "settings", "{name}");
        }
    }
}

//! Tenants.

use clock::Time;
use model::{Tenant, TenantId};
use sqlx::any::AnyRow;

use crate::dialect::refusal;
use crate::row::Columns;
use crate::{Result, Storage};

const SELECT: &str = "SELECT tenant, name, created_at FROM tenants ORDER BY tenant";
const SELECT_ONE: &str = "SELECT tenant, name, created_at FROM tenants WHERE tenant = $1";
const INSERT: &str = "INSERT INTO tenants (tenant, name, created_at) VALUES ($1, $2, $3)";
const ENSURE: &str =
    "INSERT INTO tenants (tenant, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (tenant) DO NOTHING";

/// Who the exchange works for.
#[derive(Clone, Copy, Debug)]
pub struct Tenants<'s>(pub(crate) &'s Storage);

impl Tenants<'_> {
    /// Adds a tenant.
    ///
    /// # Errors
    /// [`crate::Error::Duplicate`] of `name` or `tenant`.
    pub async fn insert(&self, tenant: &Tenant) -> Result<()> {
        self.write(INSERT, tenant).await
    }

    /// The tenant with this id.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn find(&self, id: TenantId) -> Result<Option<Tenant>> {
        let row =
            sqlx::query(SELECT_ONE).bind(id.to_string()).fetch_optional(&self.0.database().read).await?;
        row.as_ref().map(read).transpose()
    }

    /// All tenants, in order of id: few.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn all(&self) -> Result<Vec<Tenant>> {
        sqlx::query(SELECT).fetch_all(&self.0.database().read).await?.iter().map(read).collect()
    }

    pub(crate) async fn ensure_default(&self) -> Result<()> {
        self.write(ENSURE, &Tenant::default_tenant(Time::ZERO)).await
    }

    async fn write(&self, sql: &'static str, tenant: &Tenant) -> Result<()> {
        let query = sqlx::query(sql).bind(tenant.id.to_string()).bind(tenant.name.clone());
        let query = query.bind(tenant.created_at.as_micros());
        self.0.database().write.execute(query).await.map_err(refusal)?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<Tenant> {
    let mut columns = Columns::of("tenants", row);
    Ok(Tenant { id: columns.parsed()?, name: columns.text()?, created_at: columns.time()? })
}

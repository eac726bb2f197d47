//! Accounts, and the revision that counts their changes.

use model::{Account, AccountId, Listing, Page, Permissions, TenantId};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Connection, Row};

use crate::dialect::refusal;
use crate::query::{Conditions, containing};
use crate::row::Columns;
use crate::secret::Vault;
use crate::settings::next_revision;
use crate::{Error, Result, Storage};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, username, domain, display_name, email, external_id, extension, context, template, \
             max_contacts, max_concurrent_calls, permissions, caller_id, enabled, development_only, secrets, \
             created_at, updated_at FROM accounts",
            $rest
        )
    };
}
const SELECT: &str = select!("");
const SELECT_ALL: &str = select!(" ORDER BY id");
const SELECT_ONE: &str = select!(" WHERE tenant = $1 AND id = $2");
const INSERT: &str = "INSERT INTO accounts (id, tenant, display_name, email, external_id, extension, context, template, \
     max_contacts, max_concurrent_calls, permissions, caller_id, enabled, development_only, secrets, updated_at, \
     created_at, username, domain) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
const UPDATE: &str = "UPDATE accounts SET display_name = $3, email = $4, external_id = $5, extension = $6, context = $7, \
     template = $8, max_contacts = $9, max_concurrent_calls = $10, permissions = $11, caller_id = $12, enabled = $13, \
     development_only = $14, secrets = $15, updated_at = $16 WHERE id = $1 AND tenant = $2";
const DELETE: &str = "DELETE FROM accounts WHERE tenant = $1 AND id = $2";
const DELETE_BINDINGS: &str = "DELETE FROM bindings WHERE account = $1";

/// Which accounts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Part of the username, display name, extension or external id, in any case of ASCII letters.
    pub search: Option<String>,
    /// Only those that are enabled, or not.
    pub enabled: Option<bool>,
    /// Only those with a weak secret on purpose, or not.
    pub development_only: Option<bool>,
}

/// Who may register and call. Each change makes a new revision, in the same transaction.
#[derive(Clone, Copy, Debug)]
pub struct Accounts<'s>(pub(crate) &'s Storage);

impl Accounts<'_> {
    /// Adds an account; gives the new revision.
    ///
    /// # Errors
    /// [`Error::Duplicate`] of `username` or `extension`, [`Error::Orphan`] for an unknown tenant.
    pub async fn insert(&self, account: &Account) -> Result<u64> {
        let mut connection = self.0.database().write.acquire().await?;
        let mut transaction = connection.begin().await?;
        insert(&mut transaction, self.0.vault(), account).await?;
        let revision = next_revision(&mut transaction).await?;
        transaction.commit().await?;
        Ok(revision)
    }

    /// Adds many accounts in one transaction; those that are refused do not hold up the others.
    /// Gives the result of each in order, and the new revision.
    ///
    /// # Errors
    /// [`Error::Database`] when none could be added. Per account as [`Accounts::insert`].
    pub async fn insert_each(&self, accounts: &[Account]) -> Result<(Vec<Result<()>>, u64)> {
        let mut connection = self.0.database().write.acquire().await?;
        let mut transaction = connection.begin().await?;
        let mut results = Vec::with_capacity(accounts.len());
        for account in accounts {
            // A savepoint each: PostgreSQL gives up a whole transaction at the first refusal.
            let mut savepoint = transaction.begin().await?;
            match insert(&mut savepoint, self.0.vault(), account).await {
                Ok(()) => {
                    savepoint.commit().await?;
                    results.push(Ok(()));
                }
                Err(Error::Database(failed)) => return Err(failed.into()),
                Err(refused) => {
                    savepoint.rollback().await?;
                    results.push(Err(refused));
                }
            }
        }
        let revision = next_revision(&mut transaction).await?;
        transaction.commit().await?;
        Ok((results, revision))
    }

    /// Changes an account, all but its AOR; gives the new revision, or `None` when its tenant has no such account.
    ///
    /// # Errors
    /// [`Error::Duplicate`] of `extension`.
    pub async fn update(&self, account: &Account) -> Result<Option<u64>> {
        let query = changeable(sqlx::query(UPDATE), self.0.vault(), account)?;
        let mut connection = self.0.database().write.acquire().await?;
        let mut transaction = connection.begin().await?;
        let done = query.execute(&mut *transaction).await.map_err(refusal)?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        let revision = next_revision(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Some(revision))
    }

    /// Removes an account and its bindings; gives the new revision, or `None` when the tenant has no such account.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn delete(&self, tenant: TenantId, id: AccountId) -> Result<Option<u64>> {
        let mut connection = self.0.database().write.acquire().await?;
        let mut transaction = connection.begin().await?;
        let delete = sqlx::query(DELETE).bind(tenant.to_string()).bind(id.to_string());
        if delete.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(None);
        }
        sqlx::query(DELETE_BINDINGS).bind(id.to_string()).execute(&mut *transaction).await?;
        let revision = next_revision(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Some(revision))
    }

    /// The account with this id in the tenant.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the key is not the one its secrets were sealed with.
    pub async fn find(&self, tenant: TenantId, id: AccountId) -> Result<Option<Account>> {
        let query = sqlx::query(SELECT_ONE).bind(tenant.to_string()).bind(id.to_string());
        let row = query.fetch_optional(&self.0.database().read).await?;
        row.map(|row| read(&row, self.0.vault())).transpose()
    }

    /// The accounts of a tenant that pass the filter, by username.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the key is not the one the secrets were sealed with.
    pub async fn list(
        &self,
        tenant: TenantId,
        filter: &AccountFilter,
        page: Page,
    ) -> Result<Listing<Account>> {
        let conditions = conditions(tenant, filter);
        let pool = &self.0.database().read;
        let total: i64 = conditions.count("accounts")?.query().fetch_one(pool).await?.try_get(0)?;
        let rows = conditions.page(SELECT, "username, domain", page)?.query().fetch_all(pool).await?;
        let items = rows.iter().map(|row| read(row, self.0.vault())).collect::<Result<_>>()?;
        Ok(Listing::new(items, total.unsigned_abs(), page))
    }

    /// All accounts of all tenants in order of id: what the directory is made from at the start.
    ///
    /// # Errors
    /// [`Error::Sealed`] when the key is not the one the secrets were sealed with.
    pub async fn all(&self) -> Result<Vec<Account>> {
        let rows = sqlx::query(SELECT_ALL).fetch_all(&self.0.database().read).await?;
        rows.iter().map(|row| read(row, self.0.vault())).collect()
    }
}

async fn insert(connection: &mut AnyConnection, vault: &Vault, account: &Account) -> Result<()> {
    let query = changeable(sqlx::query(INSERT), vault, account)?
        .bind(account.created_at.as_micros())
        .bind(account.username().to_owned())
        .bind(account.domain().to_owned());
    query.execute(connection).await.map_err(refusal)?;
    Ok(())
}

type Query = sqlx::query::Query<'static, sqlx::Any, AnyArguments>;

/// Binds `$1` to `$16`: id, tenant, and the columns that a change may touch.
fn changeable(query: Query, vault: &Vault, account: &Account) -> Result<Query> {
    Ok(query
        .bind(account.id.to_string())
        .bind(account.tenant.to_string())
        .bind(account.display_name.clone())
        .bind(account.email.clone())
        .bind(account.external_id.clone())
        .bind(account.extension.clone())
        .bind(account.context.clone())
        .bind(account.template.as_str())
        .bind(i64::from(account.max_contacts))
        .bind(i64::from(account.max_concurrent_calls))
        .bind(i64::from(account.permissions.bits()))
        .bind(account.caller_id.clone())
        .bind(i64::from(account.enabled))
        .bind(i64::from(account.development_only))
        .bind(vault.seal(account.id, &account.secrets)?)
        .bind(account.updated_at.as_micros()))
}

fn conditions(tenant: TenantId, filter: &AccountFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.text("tenant = ?", &tenant.to_string());
    if let Some(search) = &filter.search {
        conditions.text(
            "(LOWER(username) LIKE ? ESCAPE '!' OR LOWER(display_name) LIKE ? ESCAPE '!' \
             OR extension LIKE ? ESCAPE '!' OR LOWER(external_id) LIKE ? ESCAPE '!')",
            &containing(&search.to_ascii_lowercase()),
        );
    }
    if let Some(enabled) = filter.enabled {
        conditions.number("enabled = ?", i64::from(enabled));
    }
    if let Some(development_only) = filter.development_only {
        conditions.number("development_only = ?", i64::from(development_only));
    }
    conditions
}

fn read(row: &AnyRow, vault: &Vault) -> Result<Account> {
    let mut columns = Columns::of("accounts", row);
    let id = columns.parsed()?;
    let tenant = columns.parsed()?;
    let (username, domain) = (columns.text()?, columns.text()?);
    Ok(Account {
        id,
        tenant,
        aor: uri::Aor::new(&username, &domain).map_err(|_| columns.damaged())?,
        display_name: columns.text()?,
        email: columns.optional_text()?,
        external_id: columns.optional_text()?,
        extension: columns.optional_text()?,
        context: columns.text()?,
        template: columns.parsed()?,
        max_contacts: columns.number()?,
        max_concurrent_calls: columns.number()?,
        permissions: Permissions::from_bits(columns.number()?),
        caller_id: columns.optional_text()?,
        enabled: columns.flag()?,
        development_only: columns.flag()?,
        secrets: vault.open(id, &columns.text()?)?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

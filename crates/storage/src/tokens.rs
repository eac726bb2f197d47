//! Keys of programs.

use clock::Time;
use model::{ApiToken, Listing, Page, TenantId, TokenId};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::dialect::refusal;
use crate::query::Conditions;
use crate::row::Columns;
use crate::{Result, Storage};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, name, hash, hint, scopes, created_by, created_at, expires_at, last_used_at FROM tokens",
            $rest
        )
    };
}
const SELECT: &str = select!("");
const SELECT_HASH: &str = select!(" WHERE hash = $1");
const INSERT: &str = "INSERT INTO tokens (id, tenant, name, hash, hint, scopes, created_by, created_at, expires_at, last_used_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const DELETE: &str = "DELETE FROM tokens WHERE tenant = $1 AND id = $2";
const TOUCH: &str = "UPDATE tokens SET last_used_at = $2 WHERE id = $1";

/// Keys of programs, by the hash of the key.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'s>(pub(crate) &'s Storage);

impl Tokens<'_> {
    /// Adds a token.
    ///
    /// # Errors
    /// [`crate::Error::Duplicate`] of `name` (within the tenant) or `hash`, [`crate::Error::Orphan`] for an unknown tenant.
    pub async fn insert(&self, token: &ApiToken) -> Result<()> {
        let query = sqlx::query(INSERT)
            .bind(token.id.to_string())
            .bind(token.tenant.to_string())
            .bind(token.name.clone())
            .bind(token.hash.clone())
            .bind(token.hint.clone())
            .bind(token.scopes.join(" "))
            .bind(token.created_by.map(|user| user.to_string()))
            .bind(token.created_at.as_micros())
            .bind(token.expires_at.map(Time::as_micros))
            .bind(token.last_used_at.map(Time::as_micros));
        self.0.database().write.execute(query).await.map_err(refusal)?;
        Ok(())
    }

    /// Removes a token; `false` when there is no such token in the tenant.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn delete(&self, tenant: TenantId, id: TokenId) -> Result<bool> {
        let query = sqlx::query(DELETE).bind(tenant.to_string()).bind(id.to_string());
        Ok(self.0.database().write.execute(query).await?.rows_affected() > 0)
    }

    /// The token whose key has this hash. Whether it is still live is for the caller to see.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn find_by_hash(&self, hash: &str) -> Result<Option<ApiToken>> {
        let query = sqlx::query(SELECT_HASH).bind(hash.to_owned());
        query.fetch_optional(&self.0.database().read).await?.as_ref().map(read).transpose()
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn touch(&self, id: TokenId, now: Time) -> Result<()> {
        let query = sqlx::query(TOUCH).bind(id.to_string()).bind(now.as_micros());
        self.0.database().write.execute(query).await?;
        Ok(())
    }

    /// The tokens of a tenant, oldest first.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn list(&self, tenant: TenantId, page: Page) -> Result<Listing<ApiToken>> {
        let mut conditions = Conditions::default();
        conditions.text("tenant = ?", &tenant.to_string());
        let pool = &self.0.database().read;
        let total: i64 = conditions.count("tokens")?.query().fetch_one(pool).await?.try_get(0)?;
        let rows = conditions.page(SELECT, "id", page)?.query().fetch_all(pool).await?;
        let items = rows.iter().map(read).collect::<Result<_>>()?;
        Ok(Listing::new(items, total.unsigned_abs(), page))
    }
}

fn read(row: &AnyRow) -> Result<ApiToken> {
    let mut columns = Columns::of("tokens", row);
    Ok(ApiToken {
        id: columns.parsed()?,
        tenant: columns.parsed()?,
        name: columns.text()?,
        hash: columns.text()?,
        hint: columns.text()?,
        scopes: columns.text()?.split_whitespace().map(str::to_owned).collect(),
        created_by: columns.optional_parsed()?,
        created_at: columns.time()?,
        expires_at: columns.optional_time()?,
        last_used_at: columns.optional_time()?,
    })
}

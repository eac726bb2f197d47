//! People who log in.

use model::{Listing, Page, TenantId, User, UserId};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::dialect::refusal;
use crate::query::Conditions;
use crate::row::Columns;
use crate::{Result, Storage};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, tenant, username, password_hash, role, created_at, updated_at FROM users", $rest)
    };
}
const SELECT: &str = select!("");
const SELECT_ONE: &str = select!(" WHERE tenant = $1 AND id = $2");
const SELECT_NAMED: &str = select!(" WHERE username = $1");
const INSERT: &str = "INSERT INTO users (id, tenant, username, password_hash, role, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const UPDATE: &str = "UPDATE users SET username = $3, password_hash = $4, role = $5, updated_at = $6 WHERE id = $1 AND tenant = $2";
const DELETE: &str = "DELETE FROM users WHERE tenant = $1 AND id = $2";

/// People who use the API and the console.
#[derive(Clone, Copy, Debug)]
pub struct Users<'s>(pub(crate) &'s Storage);

impl Users<'_> {
    /// Adds a person.
    ///
    /// # Errors
    /// [`crate::Error::Duplicate`] of `username`, [`crate::Error::Orphan`] for an unknown tenant.
    pub async fn insert(&self, user: &User) -> Result<()> {
        let query = changeable(sqlx::query(INSERT), user).bind(user.created_at.as_micros());
        let query = query.bind(user.updated_at.as_micros());
        self.0.database().write.execute(query).await.map_err(refusal)?;
        Ok(())
    }

    /// Changes a person; `false` when there is no such person in the tenant.
    ///
    /// # Errors
    /// [`crate::Error::Duplicate`] of `username`.
    pub async fn update(&self, user: &User) -> Result<bool> {
        let query = changeable(sqlx::query(UPDATE), user).bind(user.updated_at.as_micros());
        let done = self.0.database().write.execute(query).await.map_err(refusal)?;
        Ok(done.rows_affected() > 0)
    }

    /// Removes a person; `false` when there is no such person in the tenant.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn delete(&self, tenant: TenantId, id: UserId) -> Result<bool> {
        let query = sqlx::query(DELETE).bind(tenant.to_string()).bind(id.to_string());
        Ok(self.0.database().write.execute(query).await?.rows_affected() > 0)
    }

    /// The person with this id in the tenant.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn find(&self, tenant: TenantId, id: UserId) -> Result<Option<User>> {
        let query = sqlx::query(SELECT_ONE).bind(tenant.to_string()).bind(id.to_string());
        query.fetch_optional(&self.0.database().read).await?.as_ref().map(read).transpose()
    }

    /// The person with this login name, in whatever tenant: names are unique in the whole exchange.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn find_by_username(&self, username: &str) -> Result<Option<User>> {
        let query = sqlx::query(SELECT_NAMED).bind(username.to_owned());
        query.fetch_optional(&self.0.database().read).await?.as_ref().map(read).transpose()
    }

    /// The people of a tenant, by name.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn list(&self, tenant: TenantId, page: Page) -> Result<Listing<User>> {
        let mut conditions = Conditions::default();
        conditions.text("tenant = ?", &tenant.to_string());
        let pool = &self.0.database().read;
        let total: i64 = conditions.count("users")?.query().fetch_one(pool).await?.try_get(0)?;
        let rows = conditions.page(SELECT, "username", page)?.query().fetch_all(pool).await?;
        let items = rows.iter().map(read).collect::<Result<_>>()?;
        Ok(Listing::new(items, total.unsigned_abs(), page))
    }
}

type Query = sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments>;

fn changeable(query: Query, user: &User) -> Query {
    let query = query.bind(user.id.to_string()).bind(user.tenant.to_string()).bind(user.username.clone());
    query.bind(user.password_hash.clone()).bind(user.role.as_str())
}

fn read(row: &AnyRow) -> Result<User> {
    let mut columns = Columns::of("users", row);
    Ok(User {
        id: columns.parsed()?,
        tenant: columns.parsed()?,
        username: columns.text()?,
        password_hash: columns.text()?,
        role: columns.parsed()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

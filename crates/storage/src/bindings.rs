//! Bindings: written in sets by the writer, read at the start.

use clock::Time;
use model::{AccountId, Binding, BindingKey, TenantId};
use serde::ser::SerializeSeq;
use sqlx::any::AnyRow;

use crate::dialect::{Both, over_rows};
use crate::row::{self, Columns, SetRow};
use crate::{Result, Storage};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT b.account, b.id, b.tenant, b.aor, b.contact, b.instance, b.reg_id, b.transport, b.local, b.remote, \
             b.path, b.user_agent, b.call_id, b.cseq, b.q_milli, b.expires_at, b.registered_at \
             FROM bindings b JOIN accounts a ON a.id = b.account AND a.tenant = b.tenant ",
            $rest
        )
    };
}
const SELECT_LIVE: &str = select!("WHERE b.expires_at > $1 ORDER BY b.account, b.id");
const SELECT_ACCOUNT: &str = select!("WHERE b.tenant = $1 AND b.account = $2 ORDER BY b.id");
const DELETE_EXPIRED: &str = "DELETE FROM bindings WHERE expires_at <= $1";

/// One row per binding: those that are new are added, the others changed.
pub(crate) const PUT: Both = over_rows!(
    "INSERT INTO bindings (account, id, tenant, aor, contact, instance, reg_id, transport, local, remote, path, \
     user_agent, call_id, cseq, q_milli, expires_at, registered_at) \
     SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, CAST(value->>6 AS BIGINT), value->>7, \
     value->>8, value->>9, value->>10, value->>11, value->>12, CAST(value->>13 AS BIGINT), \
     CAST(value->>14 AS BIGINT), CAST(value->>15 AS BIGINT), CAST(value->>16 AS BIGINT) FROM",
    "WHERE true ON CONFLICT (account, id) DO UPDATE SET tenant = excluded.tenant, aor = excluded.aor, \
     contact = excluded.contact, instance = excluded.instance, reg_id = excluded.reg_id, \
     transport = excluded.transport, local = excluded.local, remote = excluded.remote, path = excluded.path, \
     user_agent = excluded.user_agent, call_id = excluded.call_id, cseq = excluded.cseq, q_milli = excluded.q_milli, \
     expires_at = excluded.expires_at, registered_at = excluded.registered_at"
);

/// One row per binding that is gone.
pub(crate) const REMOVE: Both =
    over_rows!("DELETE FROM bindings WHERE (account, id) IN (SELECT value->>0, value->>1 FROM", ")");

/// Where accounts can be reached. Written through [`crate::Writer`].
#[derive(Clone, Copy, Debug)]
pub struct Bindings<'s>(pub(crate) &'s Storage);

impl Bindings<'_> {
    /// All bindings of existing accounts that are not expired, ordered by account: what the location table is
    /// filled with at the start. Connections are gone: `connection` is `None` in each.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`], [`crate::Error::Database`].
    pub async fn live(&self, now: Time) -> Result<Vec<Binding>> {
        let query = sqlx::query(SELECT_LIVE).bind(now.as_micros());
        query.fetch_all(&self.0.database().read).await?.iter().map(read).collect()
    }

    /// The bindings of one account as stored, expired ones included.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`], [`crate::Error::Database`].
    pub async fn of_account(&self, tenant: TenantId, account: AccountId) -> Result<Vec<Binding>> {
        let query = sqlx::query(SELECT_ACCOUNT).bind(tenant.to_string()).bind(account.to_string());
        query.fetch_all(&self.0.database().read).await?.iter().map(read).collect()
    }

    /// Forgets what expired before `now`; gives how many.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn remove_expired(&self, now: Time) -> Result<u64> {
        let query = sqlx::query(DELETE_EXPIRED).bind(now.as_micros());
        Ok(self.0.database().write.execute(query).await?.rows_affected())
    }
}

impl SetRow for Binding {
    const COLUMNS: usize = 17;

    fn columns<S: SerializeSeq>(&self, row: &mut S) -> std::result::Result<(), S::Error> {
        row.serialize_element(&self.account)?;
        row::text(row, self.id.as_str())?;
        row.serialize_element(&self.tenant)?;
        row.serialize_element(&self.aor)?;
        row::text(row, &self.contact)?;
        row::optional_text(row, self.instance.as_deref())?;
        row.serialize_element(&self.reg_id)?;
        row::text(row, &self.transport)?;
        row.serialize_element(&self.local)?;
        row.serialize_element(&self.remote)?;
        row::json(row, &self.path)?;
        row::optional_text(row, self.user_agent.as_deref())?;
        row::text(row, &self.call_id)?;
        row.serialize_element(&self.cseq)?;
        row.serialize_element(&self.q_milli)?;
        row::micros(row, self.expires_at)?;
        row::micros(row, self.registered_at)
    }
}

impl SetRow for (AccountId, BindingKey) {
    const COLUMNS: usize = 2;

    fn columns<S: SerializeSeq>(&self, row: &mut S) -> std::result::Result<(), S::Error> {
        row.serialize_element(&self.0)?;
        row::text(row, self.1.as_str())
    }
}

fn read(row: &AnyRow) -> Result<Binding> {
    let mut columns = Columns::of("bindings", row);
    let account = columns.parsed()?;
    Ok(Binding {
        id: BindingKey::from_text(columns.text()?),
        account,
        tenant: columns.parsed()?,
        aor: columns.parsed()?,
        contact: columns.text()?,
        instance: columns.optional_text()?,
        reg_id: columns.optional_number()?,
        transport: columns.text()?,
        local: columns.parsed()?,
        remote: columns.parsed()?,
        connection: None,
        path: columns.json()?,
        user_agent: columns.optional_text()?,
        call_id: columns.text()?,
        cseq: columns.number()?,
        q_milli: columns.number()?,
        expires_at: columns.time()?,
        registered_at: columns.time()?,
    })
}

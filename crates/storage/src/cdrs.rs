//! Call records: written in sets by the writer, listed by the API.

use std::time::Duration;

use clock::Time;
use model::{AccountId, CallUid, Cdr, CdrState, Fault, HangupCause, Listing, Page, TenantId, Termination};
use serde::ser::SerializeSeq;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::dialect::{Both, over_rows};
use crate::query::Conditions;
use crate::row::{self, Columns, SetRow};
use crate::{Result, Storage};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT uid, tenant, node, epoch, account, callee_account, external_id, from_number, to_number, direction, \
             sip_call_id, started_at, ringing_at, answered_at, ended_at, state, fault, cause, reason, sip_status, \
             codec, legs FROM cdrs",
            $rest
        )
    };
}
const SELECT: &str = select!("");
const SELECT_ONE: &str = select!(" WHERE tenant = $1 AND uid = $2");
const CLOSE_LOST: &str = "UPDATE cdrs SET state = 'closed', ended_at = $3, fault = $4, cause = $5, reason = $6 \
     WHERE node = $1 AND epoch <> $2 AND state = 'open'";
const TOTALS: &str = "SELECT COUNT(*), COUNT(answered_at), CAST(COALESCE(SUM(ended_at - answered_at), 0) AS BIGINT), \
     MAX(started_at) FROM cdrs WHERE tenant = $1 AND state = 'closed' AND (account = $2 OR callee_account = $2)";

/// One row per call: those that are new are added, the others changed. What a call begins with never changes, so that
/// the indexes stay as they are; and a record that was closed is never opened again.
pub(crate) const PUT: Both = over_rows!(
    "INSERT INTO cdrs (uid, tenant, node, epoch, account, callee_account, external_id, from_number, to_number, \
     direction, sip_call_id, started_at, ringing_at, answered_at, ended_at, state, fault, cause, reason, sip_status, \
     codec, legs) \
     SELECT value->>0, value->>1, CAST(value->>2 AS BIGINT), CAST(value->>3 AS BIGINT), value->>4, value->>5, \
     value->>6, value->>7, value->>8, value->>9, value->>10, CAST(value->>11 AS BIGINT), CAST(value->>12 AS BIGINT), \
     CAST(value->>13 AS BIGINT), CAST(value->>14 AS BIGINT), value->>15, value->>16, CAST(value->>17 AS BIGINT), \
     value->>18, CAST(value->>19 AS BIGINT), value->>20, value->>21 FROM",
    "WHERE true ON CONFLICT (uid) DO UPDATE SET callee_account = excluded.callee_account, \
     ringing_at = excluded.ringing_at, answered_at = excluded.answered_at, ended_at = excluded.ended_at, \
     state = excluded.state, fault = excluded.fault, cause = excluded.cause, reason = excluded.reason, \
     sip_status = excluded.sip_status, codec = excluded.codec, legs = excluded.legs \
     WHERE cdrs.state = 'open' OR excluded.state = 'closed'"
);

/// Which records to list. Everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CdrFilter {
    /// The calling number, exactly.
    pub from_number: Option<String>,
    /// The number dialled, exactly.
    pub to_number: Option<String>,
    /// The account on either side.
    pub account: Option<AccountId>,
    /// Open or closed.
    pub state: Option<CdrState>,
    /// Started at this time or later.
    pub since: Option<Time>,
    /// Started before this time.
    pub until: Option<Time>,
}

/// What the closed records of one account add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CdrTotals {
    /// How many there are.
    pub calls: u64,
    /// How many were answered.
    pub answered: u64,
    /// From answer to end, all together.
    pub talk: Duration,
    /// When the last one started.
    pub last_started_at: Option<Time>,
}

/// Call records. Written through [`crate::Writer`].
#[derive(Clone, Copy, Debug)]
pub struct Cdrs<'s>(pub(crate) &'s Storage);

impl Cdrs<'_> {
    /// The record of a call of the tenant.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`], [`crate::Error::Database`].
    pub async fn find(&self, tenant: TenantId, uid: CallUid) -> Result<Option<Cdr>> {
        let query = sqlx::query(SELECT_ONE).bind(tenant.to_string()).bind(uid.to_string());
        query.fetch_optional(&self.0.database().read).await?.as_ref().map(read).transpose()
    }

    /// The records of a tenant that pass the filter, newest first.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`], [`crate::Error::Database`].
    pub async fn list(&self, tenant: TenantId, filter: &CdrFilter, page: Page) -> Result<Listing<Cdr>> {
        let conditions = conditions(tenant, filter);
        let pool = &self.0.database().read;
        let total: i64 = conditions.count("cdrs")?.query().fetch_one(pool).await?.try_get(0)?;
        let rows =
            conditions.page(SELECT, "started_at DESC, uid DESC", page)?.query().fetch_all(pool).await?;
        let items = rows.iter().map(read).collect::<Result<_>>()?;
        Ok(Listing::new(items, total.unsigned_abs(), page))
    }

    /// What the closed records of an account, on either side, add up to.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`], [`crate::Error::Database`].
    pub async fn totals(&self, tenant: TenantId, account: AccountId) -> Result<CdrTotals> {
        let query = sqlx::query(TOTALS).bind(tenant.to_string()).bind(account.to_string());
        let row = query.fetch_one(&self.0.database().read).await?;
        let mut columns = Columns::of("cdrs", &row);
        Ok(CdrTotals {
            calls: columns.number()?,
            answered: columns.number()?,
            talk: Duration::from_micros(columns.number()?),
            last_started_at: columns.optional_time()?,
        })
    }

    /// Closes the records that earlier epochs of `node` left open: fault of the server, cause 41, reason `node_lost`,
    /// ended `now`. Gives how many. To be called at the start, before the first call.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn close_lost(&self, node: u16, epoch: u16, now: Time) -> Result<u64> {
        let lost = Termination::node_lost();
        let query = sqlx::query(CLOSE_LOST)
            .bind(i64::from(node))
            .bind(i64::from(epoch))
            .bind(now.as_micros())
            .bind(lost.fault.as_str())
            .bind(i64::from(lost.cause.0))
            .bind(lost.reason);
        Ok(self.0.database().write.execute(query).await?.rows_affected())
    }
}

fn conditions(tenant: TenantId, filter: &CdrFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.text("tenant = ?", &tenant.to_string());
    if let Some(number) = &filter.from_number {
        conditions.text("from_number = ?", number);
    }
    if let Some(number) = &filter.to_number {
        conditions.text("to_number = ?", number);
    }
    if let Some(account) = filter.account {
        conditions.text("(account = ? OR callee_account = ?)", &account.to_string());
    }
    if let Some(state) = filter.state {
        conditions.text("state = ?", state.as_str());
    }
    if let Some(since) = filter.since {
        conditions.number("started_at >= ?", since.as_micros());
    }
    if let Some(until) = filter.until {
        conditions.number("started_at < ?", until.as_micros());
    }
    conditions
}

impl SetRow for Cdr {
    const COLUMNS: usize = 22;

    fn columns<S: SerializeSeq>(&self, row: &mut S) -> std::result::Result<(), S::Error> {
        row.serialize_element(&self.uid)?;
        row.serialize_element(&self.tenant)?;
        row.serialize_element(&self.node)?;
        row.serialize_element(&self.epoch)?;
        row.serialize_element(&self.account)?;
        row.serialize_element(&self.callee_account)?;
        row::optional_text(row, self.external_id.as_deref())?;
        row::text(row, &self.from_number)?;
        row::text(row, &self.to_number)?;
        row.serialize_element(&self.direction)?;
        row::text(row, &self.sip_call_id)?;
        row::micros(row, self.started_at)?;
        row::optional_micros(row, self.ringing_at)?;
        row::optional_micros(row, self.answered_at)?;
        row::optional_micros(row, self.ended_at)?;
        row.serialize_element(&self.state)?;
        let end = self.termination.as_ref();
        row.serialize_element(&end.map(|end| end.fault))?;
        row.serialize_element(&end.map(|end| end.cause))?;
        row::optional_text(row, end.map(|end| end.reason.as_str()))?;
        row.serialize_element(&self.sip_status)?;
        row::optional_text(row, self.codec.as_deref())?;
        row::json(row, &self.legs)
    }
}

fn read(row: &AnyRow) -> Result<Cdr> {
    let mut columns = Columns::of("cdrs", row);
    Ok(Cdr {
        uid: columns.parsed()?,
        tenant: columns.parsed()?,
        node: columns.number()?,
        epoch: columns.number()?,
        account: columns.optional_parsed()?,
        callee_account: columns.optional_parsed()?,
        external_id: columns.optional_text()?,
        from_number: columns.text()?,
        to_number: columns.text()?,
        direction: columns.parsed()?,
        sip_call_id: columns.text()?,
        started_at: columns.time()?,
        ringing_at: columns.optional_time()?,
        answered_at: columns.optional_time()?,
        ended_at: columns.optional_time()?,
        state: columns.parsed()?,
        termination: termination(&mut columns)?,
        sip_status: columns.optional_number()?,
        codec: columns.optional_text()?,
        legs: columns.json()?,
    })
}

fn termination(columns: &mut Columns<'_>) -> Result<Option<Termination>> {
    let fault: Option<Fault> = columns.optional_parsed()?;
    let cause = columns.optional_number()?.map(HangupCause);
    let reason = columns.optional_text()?;
    Ok(match (fault, cause, reason) {
        (Some(fault), Some(cause), Some(reason)) => Some(Termination { fault, cause, reason }),
        _ => None,
    })
}

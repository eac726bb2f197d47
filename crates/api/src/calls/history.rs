//! `GET /api/calls/`

use axum::Json;
use axum::extract::State;
use model::{AccountId, CdrState};
use serde::Deserialize;
use storage::CdrFilter;
use utoipa::{IntoParams, ToSchema};

use super::CallRecord;
use crate::auth::{CallsRead, Permit};
use crate::extract::Filters;
use crate::list::{self, List};
use crate::moment::Moment;
use crate::openapi::{BadQuery, Guarded};
use crate::problem::Answer;
use crate::state::App;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// From 1.
    #[param(minimum = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 500)]
    per_page: Option<u32>,
    /// The calling number, exactly.
    from_number: Option<String>,
    /// The number dialled, exactly.
    to_number: Option<String>,
    /// Of this SIP user, on either side.
    #[param(value_type = Option<String>)]
    account_id: Option<AccountId>,
    /// Only these.
    #[param(inline)]
    state: Option<RecordState>,
    /// Started at this time or later.
    since: Option<Moment>,
    /// Started before this time.
    until: Option<Moment>,
}

/// Whether a call of the history is over.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordState {
    /// It goes on.
    Answered,
    /// It is over.
    Ended,
}

/// History of calls
///
/// Every call that was answered or has ended, newest first.
#[utoipa::path(
    get, path = "/api/calls/", tag = "calls", operation_id = "list_calls", params(Query),
    responses((status = 200, description = "A page of call records", body = List<CallRecord>), Guarded, BadQuery)
)]
pub(crate) async fn history(
    State(app): State<App>,
    permit: Permit<CallsRead>,
    Filters(query): Filters<Query>,
) -> Answer<Json<List<CallRecord>>> {
    let page = list::page(query.page, query.per_page)?;
    let filter = CdrFilter {
        from_number: query.from_number,
        to_number: query.to_number,
        account: query.account_id,
        state: query.state.map(|state| match state {
            RecordState::Answered => CdrState::Open,
            RecordState::Ended => CdrState::Closed,
        }),
        since: query.since.map(|Moment(time)| time),
        until: query.until.map(|Moment(time)| time),
    };
    let found = app.storage.cdrs().list(permit.tenant(), &filter, page).await?;
    Ok(Json(List::of(found, CallRecord::of)))
}

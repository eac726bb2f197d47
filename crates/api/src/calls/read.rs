//! `GET /api/calls/{id}`

use axum::Json;
use axum::extract::State;
use model::CallUid;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ActiveCall, CallRecord, NOUN};
use crate::auth::{CallsRead, Permit};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A call: running, or as the history knows it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "lives for one answer")]
pub(crate) enum Call {
    /// It runs.
    Running(ActiveCall),
    /// It is over.
    Recorded(CallRecord),
}

/// One call
///
/// While it runs as in `GET /api/calls/active`, afterwards as in `GET /api/calls/`.
#[utoipa::path(
    get, path = "/api/calls/{id}", tag = "calls", operation_id = "read_call", params(("id" = String, Path)),
    responses((status = 200, description = "The call", body = Call), Guarded, Missing)
)]
pub(crate) async fn read(
    State(app): State<App>,
    permit: Permit<CallsRead>,
    Id(id): Id<CallUid>,
) -> Answer<Json<Call>> {
    let running = app.exchange.call(id).await.filter(|call| call.tenant == permit.tenant());
    if let Some(call) = running {
        return Ok(Json(Call::Running(ActiveCall::of(call))));
    }
    let recorded = app.storage.cdrs().find(permit.tenant(), id).await?;
    let cdr = recorded.ok_or_else(|| Problem::not_found(NOUN))?;
    Ok(Json(Call::Recorded(CallRecord::of(cdr))))
}

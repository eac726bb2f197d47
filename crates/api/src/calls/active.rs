//! `GET /api/calls/active`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ActiveCall;
use crate::auth::{CallsRead, Permit};
use crate::openapi::Guarded;
use crate::state::App;

/// The running calls, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActiveCalls {
    total: usize,
    calls: Vec<ActiveCall>,
}

/// Running calls
#[utoipa::path(
    get, path = "/api/calls/active", tag = "calls", operation_id = "list_active_calls",
    responses((status = 200, description = "All calls that are not over", body = ActiveCalls), Guarded)
)]
pub(crate) async fn active(State(app): State<App>, permit: Permit<CallsRead>) -> Json<ActiveCalls> {
    let running = app.exchange.active_calls().await;
    let calls: Vec<ActiveCall> =
        running.into_iter().filter(|call| call.tenant == permit.tenant()).map(ActiveCall::of).collect();
    Json(ActiveCalls { total: calls.len(), calls })
}

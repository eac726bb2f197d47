//! `GET /health/ready`

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::App;

/// A database that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the server takes work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready` or `not_ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// `ok` or `failed`.
    #[schema(example = "ok")]
    database: &'static str,
    /// `ok`, `starting`, or `draining`: no new calls, those in progress go on.
    #[schema(example = "ok")]
    exchange: &'static str,
}

/// Whether the server takes work
///
/// For load balancers: 503 while the server starts, while it drains, and while the database does not answer.
#[utoipa::path(
    get, path = "/health/ready", tag = "system", operation_id = "ready", security(()),
    responses(
        (status = 200, description = "It takes work", body = Ready),
        (status = 503, description = "It does not", body = Ready)
    )
)]
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let answered = matches!(tokio::time::timeout(PATIENCE, app.storage.ping()).await, Ok(Ok(())));
    let exchange = match (app.started.load(Ordering::Acquire), app.exchange.draining()) {
        (false, _) => "starting",
        (true, true) => "draining",
        (true, false) => "ok",
    };
    let (code, status) = match answered && exchange == "ok" {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
    };
    let database = if answered { "ok" } else { "failed" };
    (code, Json(Ready { status, database, exchange }))
}

//! `GET /health`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::App;

/// That the server lives.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    version: &'static str,
    uptime_s: u64,
}

/// Whether the server lives
///
/// Says nothing about what it depends on: that is `GET /health/ready`.
#[utoipa::path(
    get, path = "/health", tag = "system", operation_id = "health", security(()),
    responses((status = 200, description = "It lives", body = Health))
)]
pub(crate) async fn health(State(app): State<App>) -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: app.clock.now().since(app.started_at).as_secs(),
    })
}

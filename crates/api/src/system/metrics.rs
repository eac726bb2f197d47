//! `GET /metrics`

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};

use crate::state::App;

/// Metrics
///
/// In the text form of Prometheus, without anything about persons.
#[utoipa::path(
    get, path = "/metrics", tag = "system", operation_id = "metrics", security(()),
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.metrics)())
}

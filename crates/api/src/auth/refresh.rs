//! `POST /api/auth/refresh`

use std::fmt;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::caller::owner;
use super::jwt::Purpose;
use super::session::{self, Session};
use crate::extract::JsonBody;
use crate::openapi::{BadBody, Unauthenticated};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The refresh token of a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    refresh_token: String,
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refresh(…)")
    }
}

/// Renew a session
///
/// Refused when the person is gone or has another password since.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "auth", operation_id = "refresh", security(()),
    request_body = Refresh,
    responses((status = 200, description = "A new session", body = Session), BadBody, Unauthenticated)
)]
pub(crate) async fn refresh(
    State(app): State<App>,
    JsonBody(Refresh { refresh_token }): JsonBody<Refresh>,
) -> Answer<Json<Session>> {
    let refused = || Problem::unauthorized("invalid-refresh-token", "The refresh token is not good, or no longer.");
    match app.tokens.read(&refresh_token, app.clock.now()) {
        Ok((Purpose::Refresh, claims)) => {
            let user = owner(&app, &claims).await.map_err(|problem| {
                if problem.status() == axum::http::StatusCode::UNAUTHORIZED { refused() } else { problem }
            })?;
            session::begin(&app, &user).map(Json)
        }
        _ => Err(refused()),
    }
}

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
    let refused =
        || Problem::unauthorized("invalid-refresh-token", "The refresh token is not good, or no longer.");
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{Role, TenantId, User};
    use serde_json::{Value, json};

    use crate::testing::{Api, As, Reply, SECRET, signed};

    async fn refresh(api: &Api, token: &Value) -> Reply {
        api.post(&As::Nobody, "/api/auth/refresh", json!({"refresh_token": token})).await
    }

    #[tokio::test]
    async fn a_refresh_token_gives_a_new_session() {
        let api = Api::start().await;
        let session = api.login("admin").await;
        let next = refresh(&api, &session["refresh_token"]).await.expect(200);
        let access = As::Bearer(next["access_token"].as_str().unwrap().into());
        api.get(&access, "/api/calls/active").await.expect(200);
        assert!(next["sip_admin_token"].is_string());
        refresh(&api, &next["refresh_token"]).await.expect(200);
    }

    #[tokio::test]
    async fn other_tokens_are_no_refresh_tokens() {
        let api = Api::start().await;
        let session = api.login("admin").await;
        for token in [&session["access_token"], &session["sip_admin_token"], &json!("cp_abc"), &json!("")] {
            assert_eq!(refresh(&api, token).await.refusal(), (401, "invalid-refresh-token", ""));
        }
    }

    #[tokio::test]
    async fn a_refresh_token_opens_nothing_else() {
        let api = Api::start().await;
        let token = As::Bearer(api.login("admin").await["refresh_token"].as_str().unwrap().into());
        assert_eq!(api.get(&token, "/api/calls/active").await.refusal(), (401, "unauthenticated", ""));
        assert_eq!(api.get(&token, "/api/sip-users/").await.refusal(), (401, "unauthenticated", ""));
    }

    #[tokio::test]
    async fn an_expired_one_is_refused() {
        let api = Api::start().await;
        let user = api.storage.users().find_by_username("admin").await.unwrap().unwrap();
        let claims = |exp: u64| json!({"sub": user.id, "tenant": user.tenant, "use": "refresh", "iat": api.clock.now().as_secs(), "exp": exp});
        let token = |exp| match signed(SECRET, &claims(exp)) {
            As::Bearer(token) => json!(token),
            _ => Value::Null,
        };
        refresh(&api, &token(api.clock.now().as_secs() + 5)).await.expect(200);
        assert_eq!(refresh(&api, &token(1)).await.refusal(), (401, "invalid-refresh-token", ""));
    }

    #[tokio::test]
    async fn tokens_are_void_once_their_owner_is_changed_or_gone() {
        let api = Api::start().await;
        let session = api.login("viewer").await;
        let access = As::Bearer(session["access_token"].as_str().unwrap().into());
        let user = api.storage.users().find_by_username("viewer").await.unwrap().unwrap();
        let changed =
            User { role: Role::Viewer, updated_at: api.clock.now() + Duration::from_secs(2), ..user.clone() };
        assert!(api.storage.users().update(&changed).await.unwrap());
        assert_eq!(refresh(&api, &session["refresh_token"]).await.status, 401);
        assert_eq!(api.get(&access, "/api/calls/active").await.refusal(), (401, "unauthenticated", ""));

        let session = api.login("operator").await;
        let access = As::Bearer(session["access_token"].as_str().unwrap().into());
        api.get(&access, "/api/calls/active").await.expect(200);
        let user = api.storage.users().find_by_username("operator").await.unwrap().unwrap();
        assert!(api.storage.users().delete(TenantId::DEFAULT, user.id).await.unwrap());
        assert_eq!(refresh(&api, &session["refresh_token"]).await.status, 401);
        assert_eq!(api.get(&access, "/api/calls/active").await.status, 401);
    }
}

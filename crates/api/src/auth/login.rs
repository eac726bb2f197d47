//! `POST /api/auth/login`

use std::fmt;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::limiter::source_of;
use super::session::{self, Session};
use crate::extract::{JsonBody, Source};
use crate::openapi::{BadBody, TooMany, Unauthenticated};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A longer name or password is nobody's: Argon2 must not be fed megabytes.
const MAX_CHARS: usize = 256;

/// Name and password of a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    #[schema(example = "admin", max_length = 256)]
    username: String,
    #[schema(format = Password, max_length = 256)]
    password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// Log in
///
/// Wrong names and wrong passwords are answered alike and take equally long. Too many wrong tries from one source or
/// to one name are refused for a while, with `Retry-After`.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth", operation_id = "login", security(()),
    request_body = Login,
    responses((status = 200, description = "Logged in", body = Session), BadBody, Unauthenticated, TooMany)
)]
pub(crate) async fn login(
    State(app): State<App>,
    Source(source): Source,
    JsonBody(Login { username, password }): JsonBody<Login>,
) -> Answer<Json<Session>> {
    let tries = Tries::take(&app, source, &username)?;
    let sane = username.len().max(password.len()) <= MAX_CHARS && !username.contains('\0');
    let known = if sane { app.storage.users().find_by_username(&username).await? } else { None };
    let password = if password.len() <= MAX_CHARS { password } else { String::new() };
    let stored = known.as_ref().map(|user| user.password_hash.clone());
    match (app.passwords.check(password, stored).await?, known) {
        (true, Some(user)) => {
            tries.give_back(&app);
            tracing::info!(user.id = %user.id, "login");
            session::begin(&app, &user).map(Json)
        }
        _ => Err(Problem::unauthorized("invalid-credentials", "The username or the password is wrong.")),
    }
}

/// The tries this login takes from its source and its name.
struct Tries {
    source: Option<std::net::IpAddr>,
    name: String,
}

impl Tries {
    fn take(app: &App, source: std::net::IpAddr, username: &str) -> Answer<Tries> {
        let now = app.clock.now();
        let name: String = username.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect();
        let source = Some(source_of(source)).filter(|_| !(app.settings.trusted)(source));
        if let Some(source) = &source {
            app.tries_by_source.take(source, now).map_err(Problem::too_many)?;
            app.tries_by_name.take(&name, now).map_err(Problem::too_many)?;
        }
        Ok(Tries { source, name })
    }

    fn give_back(&self, app: &App) {
        if let Some(source) = &self.source {
            app.tries_by_source.give_back(source);
            app.tries_by_name.give_back(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use serde_json::json;

    use crate::testing::{Api, As, PASSWORD, Reply, json_request};

    async fn try_from(api: &Api, source: &str, username: &str, password: &str) -> Reply {
        let body = json!({"username": username, "password": password});
        let request = json_request("POST", &As::Nobody, "/api/auth/login", &body);
        api.send_from(source.parse::<IpAddr>().unwrap(), request).await
    }

    #[tokio::test]
    async fn an_administrator_gets_all_tokens() {
        let api = Api::start().await;
        let session = api.login("admin").await;
        assert_eq!(session["token_type"], "bearer");
        assert_eq!(session["expires_in"], 3600);
        for name in ["access_token", "refresh_token", "sip_admin_token"] {
            assert_eq!(session[name].as_str().unwrap().split('.').count(), 3, "{name}");
        }
        let access = As::Bearer(session["access_token"].as_str().unwrap().into());
        api.get(&access, "/api/calls/active").await.expect(200);
    }

    #[tokio::test]
    async fn only_those_with_the_right_get_the_token_for_sip_users() {
        let api = Api::start().await;
        assert!(api.login("operator").await.get("sip_admin_token").is_none());
        assert!(api.login("viewer").await.get("sip_admin_token").is_none());
    }

    #[tokio::test]
    async fn a_wrong_name_and_a_wrong_password_are_answered_alike() {
        let api = Api::start().await;
        let wrong = try_from(&api, "192.0.2.1", "admin", "wrong").await;
        let unknown = try_from(&api, "192.0.2.2", "nobody", PASSWORD).await;
        let odd = try_from(&api, "192.0.2.3", "admin\0", PASSWORD).await;
        let long = try_from(&api, "192.0.2.4", "admin", &"x".repeat(1_000)).await;
        assert_eq!(wrong.refusal(), (401, "invalid-credentials", ""));
        for other in [unknown, odd, long] {
            assert_eq!((other.status, &other.text), (wrong.status, &wrong.text));
        }
        assert_eq!(wrong.headers["www-authenticate"], "Bearer");
    }

    #[tokio::test]
    async fn one_source_has_so_many_tries_and_another_is_not_touched() {
        let api = Api::start().await;
        for n in 0..5 {
            let reply = try_from(&api, "192.0.2.1", &format!("name{n}"), "wrong").await;
            assert_eq!(reply.status, 401);
        }
        let refused = try_from(&api, "192.0.2.1", "admin", PASSWORD).await;
        assert_eq!(refused.refusal(), (429, "too-many-attempts", ""));
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(try_from(&api, "192.0.2.9", "admin", PASSWORD).await.status, 200);
    }

    #[tokio::test]
    async fn one_name_has_so_many_tries_from_all_sources() {
        let api = Api::start().await;
        for n in 0..8 {
            assert_eq!(try_from(&api, &format!("192.0.2.{n}"), "Admin", "wrong").await.status, 401);
        }
        assert_eq!(try_from(&api, "198.51.100.1", "admin", PASSWORD).await.status, 429);
        assert_eq!(try_from(&api, "198.51.100.1", "viewer", PASSWORD).await.status, 200);
    }

    #[tokio::test]
    async fn good_logins_do_not_count() {
        let api = Api::start().await;
        for _ in 0..12 {
            assert_eq!(try_from(&api, "192.0.2.1", "viewer", PASSWORD).await.status, 200);
        }
    }

    #[tokio::test]
    async fn fields_that_are_wrong_are_named() {
        let api = Api::start().await;
        for (body, code, field) in [
            (json!({"username": "admin"}), "invalid-field", "password"),
            (json!({"username": 1, "password": "x"}), "invalid-field", "username"),
            (json!({"username": "a", "password": "x", "otp": "1"}), "unknown-field", "otp"),
        ] {
            let reply = api.post(&As::Nobody, "/api/auth/login", body).await;
            assert_eq!(reply.refusal(), (422, code, field));
        }
    }
}

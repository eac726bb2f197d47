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
    let known = if sane {
        app.storage.users().find_by_username(&username).await?
    } else {
        None
    };
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

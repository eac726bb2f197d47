//! `POST /api/tokens`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::{ApiToken, Uids};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Token;
use crate::auth::{Caller, KeysManage, Permit, Scope, key};
use crate::extract::JsonBody;
use crate::moment::Moment;
use crate::openapi::{BadBody, Guarded, Taken};
use crate::problem::{Answer, FieldError, Problem};
use crate::state::App;

/// Names are shown in lists.
const MAX_NAME_CHARS: usize = 128;

/// An API key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// What you call it: 1 to 128 characters.
    #[schema(example = "crm", min_length = 1, max_length = 128)]
    name: String,
    /// What it may do: no more than you may.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// When it ends; left out: never.
    expires_at: Option<Moment>,
}

/// An API key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    token: Token,
    /// The key: shown here and never again.
    #[schema(example = "cp_Ab12Cd…")]
    key: String,
}

/// Make an API key
#[utoipa::path(
    post, path = "/api/tokens", tag = "tokens", operation_id = "create_token", request_body = NewToken,
    responses((status = 201, description = "Made", body = CreatedToken), BadBody, Guarded, Taken)
)]
pub(crate) async fn create(
    State(app): State<App>,
    permit: Permit<KeysManage>,
    JsonBody(new): JsonBody<NewToken>,
) -> Answer<(StatusCode, Json<CreatedToken>)> {
    let now = app.clock.now();
    check(&new, now)?;
    let scopes = granted(permit.caller(), new.scopes)?;
    let key = key::generate()?;
    let identity = &app.exchange.settings().identity;
    let random = clock::Random::from_system().map_err(|error| Problem::internal(&error))?;
    let token = ApiToken {
        id: Uids::new(identity.node, identity.epoch, random).next(now),
        tenant: permit.tenant(),
        name: new.name.trim().to_owned(),
        hash: key::hash(&key),
        hint: key::hint(&key),
        scopes: scopes.iter().map(Scope::to_string).collect(),
        created_by: permit.caller().user,
        created_at: now,
        expires_at: new.expires_at.map(|Moment(time)| time),
        last_used_at: None,
    };
    app.storage.tokens().insert(&token).await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { token: Token::of(token), key })))
}

fn check(new: &NewToken, now: clock::Time) -> Answer<()> {
    let mut errors = Vec::new();
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        errors.push(FieldError::new(
            "name",
            "invalid",
            "must have 1 to 128 characters, none of them a control character",
        ));
    }
    if new.scopes.is_empty() {
        errors.push(FieldError::new("scopes", "invalid", "must have at least one scope"));
    }
    if new.expires_at.is_some_and(|Moment(time)| time <= now) {
        errors.push(FieldError::new("expires_at", "invalid", "must be in the future"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
}

/// The scopes asked for, once each and in order, when the maker has them all.
fn granted(maker: &Caller, mut scopes: Vec<Scope>) -> Answer<Vec<Scope>> {
    scopes.sort_unstable();
    scopes.dedup();
    match scopes.iter().find(|scope| !maker.may(**scope)) {
        None => Ok(scopes),
        Some(scope) => Err(Problem::forbidden(
            "missing-right",
            format!("You cannot give `{scope}`, as you do not have it."),
        )),
    }
}

//! `POST /api/sip-users/{id}/credentials/reset`

use axum::Json;
use axum::extract::State;
use model::{AccountChange, AccountId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{find, secret};
use crate::auth::{Permit, SipUsers};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::Answer;
use crate::state::App;

/// A new password, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewPassword {
    #[schema(value_type = String)]
    id: AccountId,
    username: String,
    domain: String,
    /// Shown here and never again.
    password: String,
}

/// Make a new password
///
/// The old one opens nothing from now on, and the contacts registered with it are gone; calls in progress go on.
#[utoipa::path(
    post, path = "/api/sip-users/{id}/credentials/reset", tag = "sip-users", operation_id = "reset_sip_user_password",
    security(("sip_admin" = []), ("api_key" = [])), params(("id" = String, Path)),
    responses((status = 200, description = "The new password", body = NewPassword), Guarded, Missing)
)]
pub(crate) async fn reset(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    Id(id): Id<AccountId>,
) -> Answer<Json<NewPassword>> {
    find(&app, permit.tenant(), id)?;
    let password = secret::generate()?;
    // What is generated is strong: the mark of a weak secret goes.
    let change = AccountChange {
        password: Some(password.clone()),
        development_only: Some(false),
        ..AccountChange::default()
    };
    let account = app.exchange.accounts().update(permit.tenant(), id, change).await?;
    Ok(Json(NewPassword {
        id,
        username: account.username().to_owned(),
        domain: account.domain().to_owned(),
        password,
    }))
}

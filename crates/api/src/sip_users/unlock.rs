//! `POST /api/sip-users/{id}/unlock`

use axum::Json;
use axum::extract::State;
use model::{AccountChange, AccountId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{SipUser, find};
use crate::auth::{Permit, SipUsers};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::Answer;
use crate::state::App;

/// A SIP user that is open again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Unlocked {
    #[serde(flatten)]
    user: SipUser,
    /// Whether it was shut before.
    was_locked: bool,
}

/// Unlock a SIP user
///
/// Lets it register and call again after it was shut (`enabled` is false). Does nothing to one that is open, and says so in
/// `was_locked`.
#[utoipa::path(
    post, path = "/api/sip-users/{id}/unlock", tag = "sip-users", operation_id = "unlock_sip_user",
    security(("sip_admin" = []), ("api_key" = [])), params(("id" = String, Path)),
    responses((status = 200, description = "It is open", body = Unlocked), Guarded, Missing)
)]
pub(crate) async fn unlock(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    Id(id): Id<AccountId>,
) -> Answer<Json<Unlocked>> {
    let was = find(&app, permit.tenant(), id)?;
    let account = if was.enabled {
        was.clone()
    } else {
        let change = AccountChange { enabled: Some(true), ..AccountChange::default() };
        app.exchange.accounts().update(permit.tenant(), id, change).await?
    };
    Ok(Json(Unlocked { user: SipUser::of(&account, &app), was_locked: !was.enabled }))
}

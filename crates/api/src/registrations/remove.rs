//! `DELETE /api/registrations/{id}`

use axum::Json;
use axum::extract::State;
use model::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Permit, RegistrationsRemove};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// What was removed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Removed {
    /// Contacts that were registered.
    removed: usize,
}

/// Remove the contacts of a SIP user
///
/// `id` is the SIP user's (`account_id` of the list). Calls reach it again when its phones register anew.
#[utoipa::path(
    delete, path = "/api/registrations/{id}", tag = "registrations", operation_id = "remove_registration",
    params(("id" = String, Path)),
    responses((status = 200, description = "Removed", body = Removed), Guarded, Missing)
)]
pub(crate) async fn remove(
    State(app): State<App>,
    permit: Permit<RegistrationsRemove>,
    Id(id): Id<AccountId>,
) -> Answer<Json<Removed>> {
    let known = app.exchange.accounts().find(permit.tenant(), id);
    known.ok_or_else(|| Problem::not_found("registration"))?;
    let removed = app.exchange.remove_registration(id).await?;
    Ok(Json(Removed { removed }))
}

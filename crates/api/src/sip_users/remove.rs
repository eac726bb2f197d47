//! `DELETE /api/sip-users/{id}`

use axum::extract::State;
use axum::http::StatusCode;
use model::AccountId;

use crate::auth::{Permit, SipUsers};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::Answer;
use crate::state::App;

/// Remove a SIP user
///
/// Its registrations go with it; calls in progress go on, and its call records stay.
#[utoipa::path(
    delete, path = "/api/sip-users/{id}", tag = "sip-users", operation_id = "remove_sip_user",
    security(("sip_admin" = []), ("api_key" = [])), params(("id" = String, Path)),
    responses((status = 204, description = "Removed"), Guarded, Missing)
)]
pub(crate) async fn remove(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    Id(id): Id<AccountId>,
) -> Answer<StatusCode> {
    app.exchange.accounts().delete(permit.tenant(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

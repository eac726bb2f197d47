//! `DELETE /api/tokens/{id}`

use axum::extract::State;
use axum::http::StatusCode;
use model::TokenId;

use crate::auth::{KeysManage, Permit};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// Remove an API key
///
/// It opens nothing from now on.
#[utoipa::path(
    delete, path = "/api/tokens/{id}", tag = "tokens", operation_id = "remove_token",
    params(("id" = String, Path)),
    responses((status = 204, description = "Removed"), Guarded, Missing)
)]
pub(crate) async fn remove(
    State(app): State<App>,
    permit: Permit<KeysManage>,
    Id(id): Id<TokenId>,
) -> Answer<StatusCode> {
    if app.storage.tokens().delete(permit.tenant(), id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("API key"))
    }
}

//! `GET /api/sip-users/{id}`

use axum::Json;
use axum::extract::State;
use model::AccountId;

use super::{SipUser, find};
use crate::auth::{Permit, SipUsers};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::Answer;
use crate::state::App;

/// One SIP user
#[utoipa::path(
    get, path = "/api/sip-users/{id}", tag = "sip-users", operation_id = "read_sip_user",
    security(("sip_admin" = []), ("api_key" = [])), params(("id" = String, Path)),
    responses((status = 200, description = "The SIP user", body = SipUser), Guarded, Missing)
)]
pub(crate) async fn read(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    Id(id): Id<AccountId>,
) -> Answer<Json<SipUser>> {
    let account = find(&app, permit.tenant(), id)?;
    Ok(Json(SipUser::of(&account, &app)))
}

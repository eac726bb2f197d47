//! `GET /api/sip-users/{id}/stats`

use axum::Json;
use axum::extract::State;
use model::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::auth::{Permit, SipUsers};
use crate::extract::Id;
use crate::moment::Moment;
use crate::openapi::{Guarded, Missing};
use crate::problem::Answer;
use crate::state::App;

/// What a SIP user does and did.
#[derive(Serialize, ToSchema)]
pub(crate) struct SipUserStats {
    #[schema(value_type = String)]
    id: AccountId,
    username: String,
    /// Contacts registered now.
    registrations: usize,
    /// When the latest of them was registered first.
    registered_at: Option<Moment>,
    /// Running calls it placed.
    active_calls: usize,
    /// Calls in the history, on either side.
    calls_total: u64,
    /// Of these, answered.
    calls_answered: u64,
    /// From answer to end, all together, seconds.
    talk_s: f64,
    /// When the last call of the history started.
    last_call_at: Option<Moment>,
}

/// What a SIP user does and did
#[utoipa::path(
    get, path = "/api/sip-users/{id}/stats", tag = "sip-users", operation_id = "read_sip_user_stats",
    security(("sip_admin" = []), ("api_key" = [])), params(("id" = String, Path)),
    responses((status = 200, description = "The figures", body = SipUserStats), Guarded, Missing)
)]
pub(crate) async fn stats(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    Id(id): Id<AccountId>,
) -> Answer<Json<SipUserStats>> {
    let account = find(&app, permit.tenant(), id)?;
    let contacts = app.exchange.registrations(Some(&account.aor));
    let running = app.exchange.active_calls().await;
    let totals = app.storage.cdrs().totals(permit.tenant(), id).await?;
    Ok(Json(SipUserStats {
        id,
        username: account.username().to_owned(),
        registrations: contacts.len(),
        registered_at: contacts.iter().map(|contact| contact.registered_at).max().map(Moment),
        active_calls: running.iter().filter(|call| call.account == Some(id)).count(),
        calls_total: totals.calls,
        calls_answered: totals.answered,
        talk_s: totals.talk.as_secs_f64(),
        last_call_at: totals.last_started_at.map(Moment),
    }))
}

//! `POST /api/calls/{id}/hangup`

use axum::Json;
use axum::extract::State;
use model::CallUid;
use serde::Serialize;
use utoipa::ToSchema;

use super::NOUN;
use crate::auth::{CallsControl, Permit};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A call that is being ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct HangupStarted {
    #[schema(value_type = String)]
    call_id: CallUid,
    /// Always `ending`: the phones have been told, their answers are awaited.
    #[schema(example = "ending")]
    state: &'static str,
}

/// End a call
///
/// The record of the call names the operator as the one who ended it. 404 for a call that is over.
#[utoipa::path(
    post, path = "/api/calls/{id}/hangup", tag = "calls", operation_id = "hang_up_call",
    params(("id" = String, Path)),
    responses((status = 200, description = "It is being ended", body = HangupStarted), Guarded, Missing)
)]
pub(crate) async fn hangup(
    State(app): State<App>,
    permit: Permit<CallsControl>,
    Id(call_id): Id<CallUid>,
) -> Answer<Json<HangupStarted>> {
    let call = app.exchange.call(call_id).await;
    call.filter(|call| call.tenant == permit.tenant()).ok_or_else(|| Problem::not_found(NOUN))?;
    app.exchange.hangup(call_id).await?;
    Ok(Json(HangupStarted { call_id, state: "ending" }))
}

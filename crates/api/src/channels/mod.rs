//! `GET /api/channels`: the media of every leg of the running calls.

pub(crate) mod mos;

use axum::Json;
use axum::extract::State;
use model::CallUid;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{CallsRead, Permit};
use crate::calls::Leg;
use crate::extract::Filters;
use crate::list::{self, List};
use crate::openapi::{BadQuery, Guarded};
use crate::problem::Answer;
use crate::state::App;

/// One leg and its call.
#[derive(Serialize, ToSchema)]
pub(crate) struct Channel {
    #[schema(value_type = String)]
    call_id: CallUid,
    #[serde(flatten)]
    leg: Leg,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// From 1.
    #[param(minimum = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 500)]
    per_page: Option<u32>,
}

/// Media of running calls
///
/// Codec, loss, jitter, round trip and estimated quality of each leg, oldest call first.
#[utoipa::path(
    get, path = "/api/channels", tag = "channels", operation_id = "list_channels", params(Query),
    responses((status = 200, description = "A page of legs", body = List<Channel>), Guarded, BadQuery)
)]
pub(crate) async fn list(
    State(app): State<App>,
    permit: Permit<CallsRead>,
    Filters(query): Filters<Query>,
) -> Answer<Json<List<Channel>>> {
    let page = list::page(query.page, query.per_page)?;
    let running = app.exchange.active_calls().await.into_iter().filter(|call| call.tenant == permit.tenant());
    let legs = running.flat_map(|call| {
        let call_id = call.uid;
        call.legs.into_iter().map(move |leg| Channel { call_id, leg: Leg::of_running(leg) })
    });
    Ok(Json(List::cut(legs.collect(), page)))
}

//! `GET /api/tokens`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Token;
use crate::auth::{KeysManage, Permit};
use crate::extract::Filters;
use crate::list::{self, List};
use crate::openapi::{BadQuery, Guarded};
use crate::problem::Answer;
use crate::state::App;

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

/// List API keys
///
/// Without the keys themselves: they are not kept.
#[utoipa::path(
    get, path = "/api/tokens", tag = "tokens", operation_id = "list_tokens", params(Query),
    responses((status = 200, description = "A page of API keys", body = List<Token>), Guarded, BadQuery)
)]
pub(crate) async fn list(
    State(app): State<App>,
    permit: Permit<KeysManage>,
    Filters(query): Filters<Query>,
) -> Answer<Json<List<Token>>> {
    let page = list::page(query.page, query.per_page)?;
    let found = app.storage.tokens().list(permit.tenant(), page).await?;
    Ok(Json(List::of(found, Token::of)))
}

//! `GET /api/sip-users/`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use switch::AccountFilter;
use utoipa::IntoParams;

use super::SipUser;
use crate::auth::{Permit, SipUsers};
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
    /// In username, display name or extension, without regard to case.
    search: Option<String>,
}

/// List SIP users
#[utoipa::path(
    get, path = "/api/sip-users/", tag = "sip-users", operation_id = "list_sip_users",
    security(("sip_admin" = []), ("api_key" = [])), params(Query),
    responses((status = 200, description = "A page of SIP users", body = List<SipUser>), Guarded, BadQuery)
)]
pub(crate) async fn list(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    Filters(query): Filters<Query>,
) -> Answer<Json<List<SipUser>>> {
    let page = list::page(query.page, query.per_page)?;
    let filter =
        AccountFilter { tenant: Some(permit.tenant()), search: query.search.filter(|s| !s.is_empty()) };
    let found = app.exchange.accounts().list(&filter, page);
    Ok(Json(List::of(found, |account| SipUser::of(&account, &app))))
}

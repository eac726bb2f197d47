//! `GET /api/registrations`

use axum::Json;
use axum::extract::State;
use model::{AccountId, Binding};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Permit, RegistrationsRead};
use crate::extract::Filters;
use crate::list::{self, List};
use crate::moment::Moment;
use crate::openapi::{BadQuery, Guarded};
use crate::problem::Answer;
use crate::state::App;

/// One contact of a SIP user.
#[derive(Serialize, ToSchema)]
pub(crate) struct Registration {
    /// The SIP user; also what `DELETE /api/registrations/{id}` takes.
    #[schema(value_type = String)]
    account_id: AccountId,
    #[schema(example = "6001")]
    username: String,
    /// The address of record.
    #[schema(example = "sip:6001@pbx.example")]
    aor: String,
    /// The address the phone gave.
    #[schema(example = "sip:6001@10.0.0.7:5060;ob")]
    contact: String,
    #[schema(example = "udp")]
    transport: String,
    /// Where it registered from; calls go there.
    #[schema(example = "192.0.2.7:5060")]
    remote: String,
    user_agent: Option<String>,
    /// The device, when it says which (RFC 5626).
    instance: Option<String>,
    /// Its preference among the contacts, 0 to 1.
    #[schema(example = 1.0)]
    q: f64,
    registered_at: Moment,
    expires_at: Moment,
}

impl Registration {
    fn of(binding: Binding) -> Registration {
        Registration {
            account_id: binding.account,
            aor: binding.aor.to_string(),
            username: binding.aor.user().to_owned(),
            contact: binding.contact,
            transport: binding.transport.to_ascii_lowercase(),
            remote: binding.remote.to_string(),
            user_agent: binding.user_agent,
            instance: binding.instance,
            q: f64::from(binding.q_milli) / 1_000.0,
            registered_at: Moment(binding.registered_at),
            expires_at: Moment(binding.expires_at),
        }
    }
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
    /// Of this SIP user only: its username.
    username: Option<String>,
}

/// Registered contacts
///
/// Ordered by address of record.
#[utoipa::path(
    get, path = "/api/registrations", tag = "registrations", operation_id = "list_registrations", params(Query),
    responses((status = 200, description = "A page of contacts", body = List<Registration>), Guarded, BadQuery)
)]
pub(crate) async fn list(
    State(app): State<App>,
    permit: Permit<RegistrationsRead>,
    Filters(query): Filters<Query>,
) -> Answer<Json<List<Registration>>> {
    let page = list::page(query.page, query.per_page)?;
    let wanted = |binding: &Binding| {
        binding.tenant == permit.tenant()
            && query.username.as_ref().is_none_or(|name| name == binding.aor.user())
    };
    let found = app.exchange.registrations(None).into_iter().filter(wanted).collect();
    let List { items, total, page, per_page } = List::cut(found, page);
    let items = items.into_iter().map(Registration::of).collect();
    Ok(Json(List { items, total, page, per_page }))
}

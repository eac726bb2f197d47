//! `PUT /api/sip-users/{id}`

use std::fmt;

use axum::Json;
use axum::extract::State;
use model::{AccountChange, AccountId, Permissions, Template};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{SipUser, find, permissions_schema, secret, template_schema};
use crate::auth::{Permit, SipUsers};
use crate::extract::{Id, JsonBody};
use crate::openapi::{BadBody, Guarded, Missing, Taken};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// What to change: a field left out stays as it is, `null` empties one that may be empty.
/// The username stays for ever, as the secret hangs on it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SipUserChange {
    /// A new password: at least 8 characters, not to be guessed.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = Password, max_length = 128)]
    password: Option<String>,
    /// What a called phone shows.
    #[serde(default, deserialize_with = "given")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    /// The application's own id of its user.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    external_id: Option<Option<String>>,
    /// The short number others dial.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    extension: Option<Option<String>>,
    /// The set of routes it may dial.
    #[serde(default, deserialize_with = "given")]
    context: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(schema_with = template_schema)]
    template: Option<Template>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 100)]
    max_contacts: Option<u32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 10_000)]
    max_concurrent_calls: Option<u32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(schema_with = permissions_schema)]
    permissions: Option<Permissions>,
    /// The number shown on calls that leave the exchange.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    caller_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    enabled: Option<bool>,
    /// Accepts a weak password; cleared only together with a new one that is not weak.
    #[serde(default, deserialize_with = "given")]
    development_only: Option<bool>,
}

impl fmt::Debug for SipUserChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SipUserChange(…)")
    }
}

/// What is there is given: `null` means something only to a type that can be empty.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Change a SIP user
///
/// Calls in progress keep what they began with. A new password and `enabled: false` remove the registered contacts.
#[utoipa::path(
    put, path = "/api/sip-users/{id}", tag = "sip-users", operation_id = "update_sip_user",
    security(("sip_admin" = []), ("api_key" = [])), params(("id" = String, Path)),
    request_body = SipUserChange,
    responses((status = 200, description = "As it is now", body = SipUser), BadBody, Guarded, Missing, Taken)
)]
pub(crate) async fn update(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    Id(id): Id<AccountId>,
    JsonBody(change): JsonBody<SipUserChange>,
) -> Answer<Json<SipUser>> {
    let was = find(&app, permit.tenant(), id)?;
    let development_only = change.development_only.unwrap_or(was.development_only);
    let weakness = change.password.as_deref().and_then(|password| secret::weakness(password, was.username()));
    if let Some(weakness) = weakness.filter(|_| !development_only) {
        return Err(Problem::fields(vec![weakness]));
    }
    let change = AccountChange {
        password: change.password,
        display_name: change.display_name,
        email: change.email,
        external_id: change.external_id,
        extension: change.extension,
        context: change.context,
        template: change.template,
        max_contacts: change.max_contacts,
        max_concurrent_calls: change.max_concurrent_calls,
        permissions: change.permissions,
        caller_id: change.caller_id,
        enabled: change.enabled,
        development_only: change.development_only,
    };
    let account = app.exchange.accounts().update(permit.tenant(), id, change).await?;
    Ok(Json(SipUser::of(&account, &app)))
}

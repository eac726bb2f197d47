//! `POST /api/sip-users/`

use std::fmt;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use model::{Account, NewAccount, Permissions, Template, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SipUser, permissions_schema, secret, template_schema};
use crate::auth::{Permit, SipUsers};
use crate::extract::JsonBody;
use crate::openapi::{BadBody, Guarded, Taken};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A SIP user to be made; all but `username` can be left out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSipUser {
    /// 1 to 64 letters, digits and `- _ . +`.
    #[schema(example = "6001", min_length = 1, max_length = 64)]
    username: String,
    /// At least 8 characters, not to be guessed; left out: one is made and shown once.
    #[schema(format = Password, max_length = 128)]
    password: Option<String>,
    /// The SIP domain; left out: the server's.
    domain: Option<String>,
    /// What a called phone shows; left out: the username.
    display_name: Option<String>,
    email: Option<String>,
    /// The application's own id of its user.
    external_id: Option<String>,
    /// The short number others dial: 1 to 15 digits.
    extension: Option<String>,
    /// The set of routes it may dial.
    context: Option<String>,
    #[schema(schema_with = template_schema)]
    template: Option<Template>,
    /// 1 to 100; left out: 5.
    #[schema(minimum = 1, maximum = 100)]
    max_contacts: Option<u32>,
    /// 1 to 10000; left out: 3.
    #[schema(minimum = 1, maximum = 10_000)]
    max_concurrent_calls: Option<u32>,
    #[schema(schema_with = permissions_schema)]
    permissions: Option<Permissions>,
    /// The number shown on calls that leave the exchange.
    caller_id: Option<String>,
    /// Left out: true.
    enabled: Option<bool>,
    /// Accepts a weak password and marks the SIP user.
    development_only: Option<bool>,
}

impl fmt::Debug for NewSipUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSipUser(…)")
    }
}

/// A SIP user that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedSipUser {
    #[serde(flatten)]
    user: SipUser,
    /// The password made for it: shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Make a SIP user
///
/// It can register and call as soon as this is answered.
#[utoipa::path(
    post, path = "/api/sip-users/", tag = "sip-users", operation_id = "create_sip_user",
    security(("sip_admin" = []), ("api_key" = [])),
    request_body = NewSipUser,
    responses(
        (status = 201, description = "Made", body = CreatedSipUser, headers(("location" = String, description = "Its address"))),
        BadBody, Guarded, Taken
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    JsonBody(new): JsonBody<NewSipUser>,
) -> Answer<Response> {
    let created = make(&app, permit.tenant(), new).await?;
    let location = format!("/api/sip-users/{}", created.user.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(created)).into_response())
}

/// Makes one SIP user of `tenant`.
async fn make(app: &App, tenant: TenantId, new: NewSipUser) -> Answer<CreatedSipUser> {
    let Prepared { account, generated } = prepare(tenant, new)?;
    let account = app.exchange.accounts().create(account).await?;
    Ok(CreatedSipUser::of(&account, generated, app))
}

/// What the exchange is asked to make, and the password that was made for it, if it brought none.
pub(super) struct Prepared {
    pub(super) account: NewAccount,
    pub(super) generated: Option<String>,
}

/// Fills in what was left out. A weak password is refused here; the other rules are the exchange's.
pub(super) fn prepare(tenant: TenantId, new: NewSipUser) -> Answer<Prepared> {
    let development_only = new.development_only.unwrap_or(false);
    let generated = if new.password.is_none() { Some(secret::generate()?) } else { None };
    let password = new.password.or_else(|| generated.clone()).unwrap_or_default();
    if let Some(weakness) = secret::weakness(&password, &new.username).filter(|_| !development_only) {
        return Err(Problem::fields(vec![weakness]));
    }
    let usual = NewAccount::new(tenant, &new.username, &new.domain.unwrap_or_default(), &password);
    let account = NewAccount {
        display_name: new.display_name.unwrap_or(usual.display_name),
        email: new.email,
        external_id: new.external_id,
        extension: new.extension,
        context: new.context.unwrap_or(usual.context),
        template: new.template.unwrap_or(usual.template),
        max_contacts: new.max_contacts.unwrap_or(usual.max_contacts),
        max_concurrent_calls: new.max_concurrent_calls.unwrap_or(usual.max_concurrent_calls),
        permissions: new.permissions.unwrap_or(usual.permissions),
        caller_id: new.caller_id,
        enabled: new.enabled.unwrap_or(usual.enabled),
        development_only,
        ..usual
    };
    Ok(Prepared { account, generated })
}

impl CreatedSipUser {
    pub(super) fn of(account: &Account, generated: Option<String>, app: &App) -> CreatedSipUser {
        CreatedSipUser { user: SipUser::of(account, app), password: generated }
    }
}

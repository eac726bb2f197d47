//! `/api/sip-users`: the accounts that register and call. One file per endpoint.

pub(crate) mod bulk_create;
pub(crate) mod create;
pub(crate) mod credentials;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod reset;
mod secret;
pub(crate) mod stats;
#[cfg(test)]
mod tests;
pub(crate) mod unlock;
pub(crate) mod update;

use std::sync::Arc;

use model::{Account, AccountId, Permission, Permissions, Template, TenantId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::moment::Moment;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// What a SIP user is called in refusals.
const NOUN: &str = "SIP user";

/// A SIP user: who may register and call. Its password is never shown, as it is not kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct SipUser {
    #[schema(value_type = String, example = "019aa54c6a920007abcdffffffffffff")]
    id: AccountId,
    /// The user part of its address, and its name in digest authentication.
    #[schema(example = "6001")]
    username: String,
    /// The host part of its address.
    #[schema(example = "pbx.example")]
    domain: String,
    /// What a called phone shows.
    display_name: String,
    email: Option<String>,
    /// The application's own id of its user, repeated in call records.
    external_id: Option<String>,
    /// The short number others dial.
    #[schema(example = "6001")]
    extension: Option<String>,
    /// The set of routes it may dial.
    context: String,
    #[schema(schema_with = template_schema)]
    template: Template,
    /// Contacts that may be registered at once.
    max_contacts: u32,
    /// Calls that may exist at once.
    max_concurrent_calls: u32,
    #[schema(schema_with = permissions_schema)]
    permissions: Permissions,
    /// The number shown on calls that leave the exchange.
    caller_id: Option<String>,
    /// Whether it may register and call at all.
    enabled: bool,
    /// Made with a weak secret on purpose.
    development_only: bool,
    /// Contacts registered now.
    registrations: usize,
    created_at: Moment,
    updated_at: Moment,
}

impl SipUser {
    fn of(account: &Account, app: &App) -> SipUser {
        let account = account.clone();
        SipUser {
            registrations: app.exchange.registrations(Some(&account.aor)).len(),
            id: account.id,
            username: account.username().to_owned(),
            domain: account.domain().to_owned(),
            display_name: account.display_name,
            email: account.email,
            external_id: account.external_id,
            extension: account.extension,
            context: account.context,
            template: account.template,
            max_contacts: account.max_contacts,
            max_concurrent_calls: account.max_concurrent_calls,
            permissions: account.permissions,
            caller_id: account.caller_id,
            enabled: account.enabled,
            development_only: account.development_only,
            created_at: Moment(account.created_at),
            updated_at: Moment(account.updated_at),
        }
    }
}

/// The account of this tenant, or 404.
fn find(app: &App, tenant: TenantId, id: AccountId) -> Answer<Arc<Account>> {
    app.exchange.accounts().find(tenant, id).ok_or_else(|| Problem::not_found(NOUN))
}

fn words(description: &str, words: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description))
        .enum_values(Some(words))
        .build()
}

/// The kinds of device.
fn template_schema() -> RefOr<Schema> {
    words("The kind of device: decides transport and media.", Template::ALL.iter().map(|t| t.as_str())).into()
}

/// A list of what a SIP user may do.
fn permissions_schema() -> RefOr<Schema> {
    let item = words("One thing a SIP user may do.", Permission::ALL.iter().map(|p| p.as_str()));
    ArrayBuilder::new().items(item).description(Some("What it may do.")).into()
}

//! What a login and a refresh give.

use model::User;
use serde::Serialize;
use utoipa::ToSchema;

use super::Scope;
use super::caller::scopes_of;
use super::jwt::Purpose;
use crate::problem::Answer;
use crate::state::App;

/// The tokens of one login.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// Opens the API: `Authorization: Bearer …`.
    access_token: String,
    /// Gives the next session at `POST /api/auth/refresh`.
    refresh_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// How long `access_token` and `sip_admin_token` are good, seconds.
    #[schema(example = 3600)]
    expires_in: u64,
    /// Opens `/api/sip-users`; only for those who may administer SIP users.
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_admin_token: Option<String>,
}

/// New tokens for `user`.
pub(super) fn begin(app: &App, user: &User) -> Answer<Session> {
    let (now, auth) = (app.clock.now(), &app.settings.auth);
    let (sub, tenant) = (user.id.to_string(), user.tenant.to_string());
    let issue = |purpose, lifetime| app.tokens.issue(purpose, (&sub, &tenant), now, lifetime);
    let administers = scopes_of(user.role).contains(&Scope::SipUsers);
    Ok(Session {
        access_token: issue(Purpose::Access, auth.access_lifetime)?,
        refresh_token: issue(Purpose::Refresh, auth.refresh_lifetime)?,
        token_type: "bearer",
        expires_in: auth.access_lifetime.as_secs(),
        sip_admin_token: administers.then(|| issue(Purpose::SipAdmin, auth.access_lifetime)).transpose()?,
    })
}

//! The proof that a handler may run: [`Permit`] cannot be had without the right it names.

use std::marker::PhantomData;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use model::{ApiToken, Role, TenantId, User, UserId};

use super::jwt::{Claims, Fault, Purpose};
use super::{Scope, key};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// When a key was last used is noted as rarely as this: a write per request would cost more than the request.
const TOUCH_AFTER: Duration = Duration::from_secs(60);
/// A longer token or key is refused unread.
const MAX_CREDENTIAL: usize = 4_096;

/// Who is calling.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Whose things the caller sees.
    pub(crate) tenant: TenantId,
    /// The person, when it is one; for a key the one who made it.
    pub(crate) user: Option<UserId>,
    scopes: Vec<Scope>,
}

impl Caller {
    /// Whether the caller has this right.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// A caller that has the right `N`.
pub(crate) struct Permit<N> {
    caller: Caller,
    right: PhantomData<N>,
}

impl<N> Permit<N> {
    /// Whose things the caller sees.
    pub(crate) fn tenant(&self) -> TenantId {
        self.caller.tenant
    }

    /// Who is calling.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// A right as a type.
pub(crate) trait Needs: Send {
    /// The right.
    const SCOPE: Scope;
    /// Which token of a login carries it.
    const PURPOSE: Purpose = Purpose::Access;
}

macro_rules! rights {
    ($($name:ident),+) => {$(
        #[doc = concat!("The right [`Scope::", stringify!($name), "`].")]
        pub(crate) struct $name;

        impl Needs for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )+};
}

rights!(CallsRead, CallsControl, RegistrationsRead, RegistrationsRemove, ConfigRead, KeysManage);

/// The right [`Scope::SipUsers`]; of a person, only by the token that is signed with the secret for it.
pub(crate) struct SipUsers;

impl Needs for SipUsers {
    const SCOPE: Scope = Scope::SipUsers;
    const PURPOSE: Purpose = Purpose::SipAdmin;
}

impl<N: Needs> FromRequestParts<App> for Permit<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let caller = match credential(&parts.headers)? {
            Credential::Key(text) => by_key(app, &text).await?,
            Credential::Token(text) => by_token(app, &text, N::PURPOSE).await?,
        };
        if caller.may(N::SCOPE) {
            return Ok(Permit { caller, right: PhantomData });
        }
        Err(Problem::forbidden("missing-right", format!("This needs the right `{}`.", N::SCOPE)))
    }
}

enum Credential {
    Token(String),
    Key(String),
}

fn unauthenticated() -> Problem {
    Problem::unauthorized("unauthenticated", "This needs a valid token or API key.")
}

/// `X-API-Key: cp_…`, `Authorization: Bearer cp_…` or `Authorization: Bearer <token>`.
fn credential(headers: &HeaderMap) -> Answer<Credential> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(text) = text("x-api-key") {
        return bounded(text).map(Credential::Key);
    }
    let (scheme, text) =
        text(AUTHORIZATION.as_str()).and_then(|v| v.split_once(' ')).ok_or_else(unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthenticated());
    }
    let text = bounded(text.trim())?;
    Ok(if text.starts_with(key::PREFIX) { Credential::Key(text) } else { Credential::Token(text) })
}

fn bounded(text: &str) -> Answer<String> {
    if text.len() <= MAX_CREDENTIAL { Ok(text.to_owned()) } else { Err(unauthenticated()) }
}

async fn by_key(app: &App, text: &str) -> Answer<Caller> {
    let found = app.storage.tokens().find_by_hash(&key::hash(text)).await?;
    let now = app.clock.now();
    let ApiToken { id, tenant, scopes, created_by, last_used_at, .. } =
        found.filter(|token| token.is_live(now)).ok_or_else(unauthenticated)?;
    if last_used_at.is_none_or(|last| now.since(last) >= TOUCH_AFTER) {
        app.storage.tokens().touch(id, now).await?;
    }
    // A scope that a newer or older version knows is no right here.
    let scopes = scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
    Ok(Caller { tenant, user: created_by, scopes })
}

async fn by_token(app: &App, text: &str, needed: Purpose) -> Answer<Caller> {
    let (purpose, claims) = app.tokens.read(text, app.clock.now()).map_err(|fault| match fault {
        Fault::Expired => Problem::unauthorized("token-expired", "The token has expired."),
        Fault::Invalid => unauthenticated(),
    })?;
    match (purpose, needed) {
        (Purpose::Access, Purpose::Access) => {
            let user = owner(app, &claims).await?;
            Ok(Caller { tenant: user.tenant, user: Some(user.id), scopes: scopes_of(user.role) })
        }
        (Purpose::SipAdmin, Purpose::SipAdmin) => sip_administrator(app, &claims).await,
        (Purpose::Access, _) => Err(Problem::forbidden(
            "sip-admin-token-required",
            "SIP-user administration needs the `sip_admin_token` of the login, or an API key with the scope `sip-users`.",
        )),
        (Purpose::SipAdmin, _) => Err(Problem::forbidden(
            "access-token-required",
            "The SIP-administration token opens /api/sip-users only; use the `access_token` here.",
        )),
        (Purpose::Refresh, _) => Err(unauthenticated()),
    }
}

/// The person a token of ours was given to, as long as they exist and their password has not changed since.
pub(super) async fn owner(app: &App, claims: &Claims) -> Answer<User> {
    let id: UserId = claims.sub.parse().map_err(|_| unauthenticated())?;
    let tenant: TenantId =
        claims.tenant.as_deref().and_then(|text| text.parse().ok()).ok_or_else(unauthenticated)?;
    let user = app.storage.users().find(tenant, id).await?;
    user.filter(|user| claims.iat >= user.updated_at.as_secs()).ok_or_else(unauthenticated)
}

/// A person by our own token, or an application that shares the secret and signs its own: it may do nothing else.
async fn sip_administrator(app: &App, claims: &Claims) -> Answer<Caller> {
    if claims.purpose.is_some() {
        let user = owner(app, claims).await?;
        return Ok(Caller { tenant: user.tenant, user: Some(user.id), scopes: scopes_of(user.role) });
    }
    let tenant = match claims.tenant.as_deref() {
        None => TenantId::DEFAULT,
        Some(text) => text.parse().map_err(|_| unauthenticated())?,
    };
    Ok(Caller { tenant, user: None, scopes: vec![Scope::SipUsers] })
}

/// What people may do by their role.
pub(super) fn scopes_of(role: Role) -> Vec<Scope> {
    let read = [Scope::CallsRead, Scope::RegistrationsRead, Scope::ConfigRead];
    match role {
        Role::Viewer => read.to_vec(),
        Role::Operator => read.into_iter().chain([Scope::CallsControl, Scope::RegistrationsRemove]).collect(),
        Role::Admin => Scope::ALL.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn keys_and_tokens_are_told_apart() {
        assert!(matches!(credential(&headers("x-api-key", "cp_a")), Ok(Credential::Key(k)) if k == "cp_a"));
        assert!(matches!(credential(&headers("authorization", "Bearer cp_a")), Ok(Credential::Key(_))));
        assert!(matches!(credential(&headers("authorization", "bearer ey.a.b")), Ok(Credential::Token(_))));
        for (name, value) in [("authorization", "Basic YTpi"), ("authorization", "Bearer"), ("cookie", "a=b")]
        {
            assert!(credential(&headers(name, value)).is_err(), "{name}: {value}");
        }
        assert!(credential(&headers("x-api-key", &"x".repeat(MAX_CREDENTIAL + 1))).is_err());
    }

    #[test]
    fn roles_have_rights() {
        assert!(!scopes_of(Role::Viewer).contains(&Scope::CallsControl));
        assert!(!scopes_of(Role::Operator).contains(&Scope::SipUsers));
        assert_eq!(scopes_of(Role::Admin), Scope::ALL);
    }
}

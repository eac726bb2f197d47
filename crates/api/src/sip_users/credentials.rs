//! `GET /api/sip-users/{id}/credentials`

use axum::Json;
use axum::extract::State;
use model::{AccountId, Template};
use serde::Serialize;
use utoipa::ToSchema;

use super::{find, template_schema};
use crate::auth::{Permit, SipUsers};
use crate::extract::Id;
use crate::openapi::{Guarded, Missing};
use crate::problem::Answer;
use crate::state::App;

/// What a SIP client is configured with; all but the password, which is not kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct Credentials {
    #[schema(value_type = String)]
    id: AccountId,
    /// The name to authenticate with.
    #[schema(example = "6001")]
    username: String,
    /// The domain to register at.
    #[schema(example = "pbx.example")]
    domain: String,
    /// The realm of the digest challenge.
    realm: String,
    /// The address of record.
    #[schema(example = "sip:6001@pbx.example")]
    aor: String,
    display_name: String,
    extension: Option<String>,
    #[schema(schema_with = template_schema)]
    template: Template,
    /// Seconds a registration is made for.
    register_expires_s: u64,
    /// Where to connect, as the template allows; the first is the best.
    servers: Vec<SipEndpoint>,
}

/// An address to connect to.
#[derive(Serialize, ToSchema)]
pub(crate) struct SipEndpoint {
    #[schema(example = "udp")]
    transport: String,
    host: String,
    port: u16,
    /// The same as a SIP URI, or as a WebSocket address.
    #[schema(example = "sip:192.0.2.1:5060;transport=udp")]
    uri: String,
}

/// Client configuration of a SIP user
///
/// Everything but the password, which is never stored; `POST …/credentials/reset` makes a new one.
#[utoipa::path(
    get, path = "/api/sip-users/{id}/credentials", tag = "sip-users", operation_id = "read_sip_user_credentials",
    security(("sip_admin" = []), ("api_key" = [])), params(("id" = String, Path)),
    responses((status = 200, description = "The configuration", body = Credentials), Guarded, Missing)
)]
pub(crate) async fn credentials(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    Id(id): Id<AccountId>,
) -> Answer<Json<Credentials>> {
    let account = find(&app, permit.tenant(), id)?;
    let exchange = app.exchange.settings();
    // Each domain is its own realm but the server's, whose realm was fixed at the first start.
    let own = account.domain() == exchange.identity.domain;
    let realm = if own { exchange.identity.realm.clone() } else { account.domain().to_owned() };
    Ok(Json(Credentials {
        id,
        username: account.username().to_owned(),
        domain: account.domain().to_owned(),
        realm,
        aor: account.aor.to_string(),
        display_name: account.display_name.clone(),
        extension: account.extension.clone(),
        template: account.template,
        register_expires_s: exchange.registrar.default_expires.as_secs(),
        servers: servers(&app, account.template),
    }))
}

/// The listeners that a template may use, best first.
fn servers(app: &App, template: Template) -> Vec<SipEndpoint> {
    let order: &[&str] = match template {
        Template::Webrtc => &["wss", "ws"],
        Template::Softphone | Template::Custom => &["udp", "tcp", "tls"],
        Template::SecureSoftphone => &["tls"],
    };
    let of = |transport: &'static str| {
        app.settings.sip_servers.iter().filter(move |server| server.transport == transport).map(|server| {
            SipEndpoint {
                transport: server.transport.clone(),
                uri: uri(&server.transport, &server.host, server.port),
                host: server.host.clone(),
                port: server.port,
            }
        })
    };
    order.iter().flat_map(|transport| of(transport)).collect()
}

fn uri(transport: &str, host: &str, port: u16) -> String {
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    match transport {
        "ws" | "wss" => format!("{transport}://{host}:{port}/ws"),
        // A sips URI would ask for TLS on every hop, RFC 5630 §3.1.3; one hop is meant.
        _ => format!("sip:{host}:{port};transport={transport}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_of_every_transport() {
        assert_eq!(uri("udp", "192.0.2.1", 5060), "sip:192.0.2.1:5060;transport=udp");
        assert_eq!(uri("tls", "2001:db8::1", 5061), "sip:[2001:db8::1]:5061;transport=tls");
        assert_eq!(uri("wss", "pbx.example", 8089), "wss://pbx.example:8089/ws");
    }
}

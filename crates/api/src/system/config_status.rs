//! `GET /api/config/status`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{ConfigRead, Permit};
use crate::moment::Moment;
use crate::openapi::Guarded;
use crate::state::App;

/// How the server is set up, without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConfigStatus {
    /// The configuration file; null when the server runs on its defaults and the environment.
    pub file: Option<String>,
    /// Where the server keeps its data.
    pub data_dir: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// The addresses it listens at.
    pub listeners: Vec<ListenerStatus>,
    /// The address that peers outside are told.
    pub external_address: Option<String>,
    /// The RTP ports: `10000-20000`.
    pub media_ports: String,
    /// What the operator should look at; empty when all is well.
    pub warnings: Vec<String>,
}

/// An address the server listens at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListenerStatus {
    /// `sip` or `http`.
    pub kind: String,
    /// As configured, with the port that was bound: `udp://0.0.0.0:5060`.
    pub url: String,
}

/// The running server.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerStatus {
    version: &'static str,
    started_at: Moment,
    uptime_s: u64,
    /// The number of this node.
    node: u16,
    /// The SIP domain.
    #[schema(example = "pbx.example")]
    domain: String,
    /// The digest realm of that domain, fixed at the first start.
    realm: String,
    /// Whether it takes no new work and waits for its calls to end.
    draining: bool,
    #[serde(flatten)]
    config: ConfigStatus,
}

/// How the server is set up
#[utoipa::path(
    get, path = "/api/config/status", tag = "system", operation_id = "read_config_status",
    responses((status = 200, description = "The set-up, without secrets", body = ServerStatus), Guarded)
)]
pub(crate) async fn config_status(State(app): State<App>, _: Permit<ConfigRead>) -> Json<ServerStatus> {
    let identity = &app.exchange.settings().identity;
    Json(ServerStatus {
        version: env!("CARGO_PKG_VERSION"),
        started_at: Moment(app.started_at),
        uptime_s: app.clock.now().since(app.started_at).as_secs(),
        node: identity.node,
        domain: identity.domain.clone(),
        realm: identity.realm.clone(),
        draining: app.exchange.draining(),
        config: app.settings.config.clone(),
    })
}

//! What the API stands on, and what can be set about it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clock::{SystemClock, Time};

use crate::auth::{Checker, Limiter, Rate, Tokens};
use crate::system::ConfigStatus;

/// Renders the metrics of the process in the text form of Prometheus.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything the router needs.
#[derive(Clone)]
pub struct State {
    /// The running exchange.
    pub exchange: switch::Exchange,
    /// The database.
    pub storage: storage::Storage,
    /// What an operator can set.
    pub settings: Settings,
    /// The clock of the process.
    pub clock: SystemClock,
    /// When the process started.
    pub started_at: Time,
    /// What `GET /metrics` answers.
    pub metrics: RenderMetrics,
    /// Set once everything stands: until then `GET /health/ready` says that the server is starting.
    pub started: Arc<AtomicBool>,
}

/// What an operator can set about the API.
#[derive(Clone)]
pub struct Settings {
    /// Signs access and refresh tokens.
    pub secret: Secret,
    /// Signs the tokens of SIP-user administration; other than `secret`.
    pub sip_secret: Secret,
    /// Bounds of tokens and logins.
    pub auth: AuthSettings,
    /// A larger request body is refused with 413, bytes.
    pub max_body_bytes: usize,
    /// A request that takes longer is ended with 503.
    pub request_timeout: Duration,
    /// Sources without a login limit (`[security] trusted_nets`).
    pub trusted: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Where SIP clients reach this server, for `GET /api/sip-users/{id}/credentials`.
    pub sip_servers: Vec<SipServer>,
    /// How the server is set up, for `GET /api/config/status`.
    pub config: ConfigStatus,
}

impl Settings {
    /// The defaults, with these secrets.
    #[must_use]
    pub fn new(secret: Secret, sip_secret: Secret) -> Settings {
        Settings {
            secret,
            sip_secret,
            auth: AuthSettings::default(),
            max_body_bytes: 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            trusted: Arc::new(|_| false),
            sip_servers: Vec::new(),
            config: ConfigStatus::default(),
        }
    }
}

/// Bounds of tokens and logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthSettings {
    /// How long an access token and a SIP-administration token are good.
    pub access_lifetime: Duration,
    /// How long a refresh token is good.
    pub refresh_lifetime: Duration,
    /// Logins of one source; good ones do not count.
    pub per_source: Rate,
    /// Logins to one name from all sources; good ones do not count. Refills fast, so that its owner is not shut out.
    pub per_name: Rate,
}

impl Default for AuthSettings {
    fn default() -> AuthSettings {
        AuthSettings {
            access_lifetime: Duration::from_secs(3_600),
            refresh_lifetime: Duration::from_secs(30 * 86_400),
            per_source: Rate { burst: 10, refill: Duration::from_secs(15) },
            per_name: Rate { burst: 20, refill: Duration::from_secs(3) },
        }
    }
}

/// A secret that signs tokens; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the bytes of a secret.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Secret {
        Secret(bytes.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// An address at which SIP clients reach this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipServer {
    /// `udp`, `tcp`, `tls`, `ws` or `wss`.
    pub transport: String,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// The state of the handlers.
pub(crate) type App = Arc<Inner>;

/// [`State`] with what is made from it once.
pub(crate) struct Inner {
    pub(crate) exchange: switch::Exchange,
    pub(crate) storage: storage::Storage,
    pub(crate) settings: Settings,
    pub(crate) clock: SystemClock,
    pub(crate) started_at: Time,
    pub(crate) metrics: RenderMetrics,
    pub(crate) started: Arc<AtomicBool>,
    pub(crate) tokens: Tokens,
    pub(crate) passwords: Checker,
    pub(crate) tries_by_source: Limiter<IpAddr>,
    pub(crate) tries_by_name: Limiter<String>,
}

impl Inner {
    pub(crate) fn new(state: State) -> App {
        let State { exchange, storage, settings, clock, started_at, metrics, started } = state;
        Arc::new(Inner {
            tokens: Tokens::new(settings.secret.bytes(), settings.sip_secret.bytes()),
            passwords: Checker::new(),
            tries_by_source: Limiter::new(settings.auth.per_source),
            tries_by_name: Limiter::new(settings.auth.per_name),
            exchange,
            storage,
            settings,
            clock,
            started_at,
            metrics,
            started,
        })
    }
}

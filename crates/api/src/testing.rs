//! The real router over a real exchange and a real database (SQLite in a directory of its own), for the tests of
//! every endpoint.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use clock::{Random, SystemClock, Time};
use model::{Role, Tenant, TenantId, Uids, User};
use serde_json::{Value, json};
use storage::Storage;
use tower::ServiceExt;

use crate::{AuthSettings, ConfigStatus, Rate, Secret, Settings, SipServer, State};

pub(crate) const DOMAIN: &str = "pbx.example";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const SECRET: &str = "the secret of ordinary tokens";
pub(crate) const SIP_SECRET: &str = "the secret of SIP-administration tokens";
/// Bodies above this are refused here.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// A running API.
pub(crate) struct Api {
    pub(crate) storage: Storage,
    pub(crate) exchange: switch::Exchange,
    pub(crate) router: Router,
    pub(crate) clock: SystemClock,
    pub(crate) _data_dir: tempfile::TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    /// Status, `code` and `field` of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str, &str) {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default();
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status.as_u16());
        (self.status.as_u16(), text("code"), text("field"))
    }

    /// The body of an answer that must have this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }
}

/// How a request says who sends it.
#[derive(Clone, Debug)]
pub(crate) enum As {
    Nobody,
    Bearer(String),
    Key(String),
}

impl Api {
    /// An exchange for `pbx.example` with the people `admin`, `operator` and `viewer` of the tenant `default`, and
    /// `stranger`, who administers another tenant. All have [`PASSWORD`].
    pub(crate) async fn start() -> Api {
        Api::start_after(async |_| {}).await
    }

    /// The same, after `before` has filled the database.
    pub(crate) async fn start_after(before: impl AsyncFnOnce(&Storage)) -> Api {
        let data_dir = tempfile::tempdir().unwrap();
        let storage =
            Storage::open(storage::Settings::new(data_dir.path().to_owned(), [7; 32])).await.unwrap();
        let clock = SystemClock::new();
        let mut uids = Uids::new(1, 1, Random::from_system().unwrap());
        people(&storage, &mut uids, clock.now()).await;
        before(&storage).await;
        let handle = tokio::runtime::Handle::current();
        let exchange = switch::Exchange::start(exchange_settings(), storage.clone(), handle).await.unwrap();
        let router = Router::new();
        let api = Api { storage, exchange, router, clock, _data_dir: data_dir };
        Api { router: crate::router(api.state()), ..api }
    }

    /// What the router is made from.
    pub(crate) fn state(&self) -> State {
        State {
            exchange: self.exchange.clone(),
            storage: self.storage.clone(),
            settings: settings(),
            clock: self.clock,
            started_at: self.clock.now(),
            metrics: Arc::new(|| "crosspoint_calls_active 0\n".to_owned()),
            started: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Sends a request from 127.0.0.1.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        self.send_from(IpAddr::V4(Ipv4Addr::LOCALHOST), request).await
    }

    pub(crate) async fn send_from(&self, source: IpAddr, mut request: Request<Body>) -> Reply {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(source, 40_000)));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: parts.status, headers: parts.headers, text, body }
    }

    pub(crate) async fn get(&self, who: &As, path: &str) -> Reply {
        self.send(request("GET", who, path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn delete(&self, who: &As, path: &str) -> Reply {
        self.send(request("DELETE", who, path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, who: &As, path: &str, body: Value) -> Reply {
        self.send(json_request("POST", who, path, &body)).await
    }

    pub(crate) async fn put(&self, who: &As, path: &str, body: Value) -> Reply {
        self.send(json_request("PUT", who, path, &body)).await
    }

    /// The tokens of a login.
    pub(crate) async fn login(&self, username: &str) -> Value {
        let body = json!({"username": username, "password": PASSWORD});
        self.post(&As::Nobody, "/api/auth/login", body).await.expect(200)
    }

    /// The ordinary token of this person.
    pub(crate) async fn access(&self, username: &str) -> As {
        As::Bearer(self.login(username).await["access_token"].as_str().unwrap().to_owned())
    }

    /// The token for SIP users of this person.
    pub(crate) async fn sip_admin(&self, username: &str) -> As {
        As::Bearer(self.login(username).await["sip_admin_token"].as_str().unwrap().to_owned())
    }

    /// An API key of `admin` with these scopes.
    pub(crate) async fn key(&self, scopes: &[&str]) -> As {
        let admin = self.access("admin").await;
        let name = format!("key {}", scopes.join(" "));
        let made =
            self.post(&admin, "/api/tokens", json!({"name": name, "scopes": scopes})).await.expect(201);
        As::Key(made["key"].as_str().unwrap().to_owned())
    }

    /// Makes a SIP user; its answer.
    pub(crate) async fn sip_user(&self, who: &As, username: &str) -> Value {
        self.post(who, "/api/sip-users/", json!({"username": username})).await.expect(201)
    }
}

pub(crate) fn request(method: &str, who: &As, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match who {
        As::Nobody => request,
        As::Bearer(token) => request.header("authorization", format!("Bearer {token}")),
        As::Key(key) => request.header("x-api-key", key),
    }
}

pub(crate) fn json_request(method: &str, who: &As, path: &str, body: &Value) -> Request<Body> {
    request(method, who, path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// The tenant of `stranger`.
pub(crate) async fn other_tenant(storage: &Storage) -> TenantId {
    let all = storage.tenants().all().await.unwrap();
    all.iter().find(|tenant| tenant.name == "other").unwrap().id
}

/// Writes to the database as the exchange does.
pub(crate) async fn write(storage: &Storage, writes: impl IntoIterator<Item = storage::Write>) {
    let writer = storage::Writer::start(storage.clone(), Arc::new(()));
    for write in writes {
        writer.submit(write, None).unwrap();
    }
    writer.flush().await.unwrap();
}

/// An id made from a number.
pub(crate) fn id<T: From<model::Uid>>(number: u8) -> T {
    T::from(model::Uid::from_bytes([number; 16]))
}

/// A token with these claims, signed with this secret.
pub(crate) fn signed(secret: &str, claims: &Value) -> As {
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    As::Bearer(jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap())
}

async fn people(storage: &Storage, uids: &mut Uids, now: Time) {
    let hash = crate::hash_password(PASSWORD).unwrap();
    let other = Tenant::new(uids.next(now), "other", now).unwrap();
    storage.tenants().insert(&other).await.unwrap();
    for (username, tenant, role) in [
        ("admin", TenantId::DEFAULT, Role::Admin),
        ("operator", TenantId::DEFAULT, Role::Operator),
        ("viewer", TenantId::DEFAULT, Role::Viewer),
        ("stranger", other.id, Role::Admin),
    ] {
        let user = User {
            id: uids.next(now),
            tenant,
            username: username.to_owned(),
            password_hash: hash.clone(),
            role,
            created_at: now,
            updated_at: now,
        };
        storage.users().insert(&user).await.unwrap();
    }
}

fn settings() -> Settings {
    let server =
        |transport: &str, port| SipServer { transport: transport.into(), host: "192.0.2.1".into(), port };
    Settings {
        max_body_bytes: MAX_BODY,
        auth: AuthSettings {
            per_source: Rate { burst: 5, refill: Duration::from_secs(60) },
            per_name: Rate { burst: 8, refill: Duration::from_secs(60) },
            ..AuthSettings::default()
        },
        sip_servers: vec![server("tcp", 5060), server("udp", 5060), server("ws", 8089)],
        config: ConfigStatus {
            database: "sqlite".into(),
            media_ports: "10000-20000".into(),
            ..ConfigStatus::default()
        },
        ..Settings::new(Secret::new(SECRET), Secret::new(SIP_SECRET))
    }
}

fn exchange_settings() -> switch::Settings {
    let local: switch::Advertise = Arc::new(|_| IpAddr::V4(Ipv4Addr::LOCALHOST));
    switch::Settings {
        identity: switch::Identity {
            domain: DOMAIN.to_owned(),
            realm: DOMAIN.to_owned(),
            local_names: Vec::new(),
            server_name: "Crosspoint".to_owned(),
            node: 1,
            epoch: 2,
        },
        signaling: signaling::Settings {
            listen: vec![signaling::Listen {
                transport: sip::Transport::Udp,
                addr: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            }],
            workers: 1,
            advertise: local.clone(),
            limits: signaling::Limits::default(),
        },
        media: media::Settings {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            workers: 1,
            ..media::Settings::default()
        },
        media_address: local,
        registrar: switch::RegistrarSettings::default(),
        calls: switch::CallSettings::default(),
        digest: switch::DigestSettings::new([3; 32]),
    }
}

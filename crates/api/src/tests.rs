//! What all routes have in common, over the real router.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::testing::{Api, As, MAX_BODY, request};

/// What the specification asks of this version.
const ROUTES: &[&str] = &[
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "GET /api/sip-users/",
    "POST /api/sip-users/",
    "POST /api/sip-users/bulk-create",
    "GET /api/sip-users/{id}",
    "PUT /api/sip-users/{id}",
    "DELETE /api/sip-users/{id}",
    "POST /api/sip-users/{id}/unlock",
    "GET /api/sip-users/{id}/credentials",
    "POST /api/sip-users/{id}/credentials/reset",
    "GET /api/sip-users/{id}/stats",
    "GET /api/calls/",
    "GET /api/calls/active",
    "GET /api/calls/{id}",
    "POST /api/calls/{id}/hangup",
    "GET /api/registrations",
    "DELETE /api/registrations/{id}",
    "GET /api/channels",
    "GET /api/tokens",
    "POST /api/tokens",
    "DELETE /api/tokens/{id}",
    "GET /api/config/status",
    "GET /health",
    "GET /health/ready",
    "GET /metrics",
    "GET /api/openapi.json",
];
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

/// Method, path and operation of everything documented.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            if let Some(operation) = item.get(method.to_lowercase()) {
                all.push((method.to_owned(), path.clone(), operation.clone()));
            }
        }
    }
    all
}

fn document() -> Value {
    serde_json::from_str(&crate::openapi_json()).unwrap()
}

#[test]
fn the_document_has_the_routes_of_the_specification_and_no_others() {
    let mut documented: Vec<String> =
        operations(&document()).into_iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let mut wanted: Vec<String> = ROUTES.iter().map(|route| (*route).to_owned()).collect();
    documented.sort();
    wanted.sort();
    assert_eq!(documented, wanted);
}

#[test]
fn every_route_documents_what_it_answers() {
    let document = document();
    let mut ids = std::collections::BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name} has no good answer");
        assert!(
            operation["summary"].is_string() && operation["tags"].is_array(),
            "{name} has no summary or tag"
        );
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{name} has no id of its own"
        );
        let open = operation["security"] == json!([{}]);
        assert_eq!(responses.contains_key("403"), !open, "{name}: open or guarded");
        assert_eq!(responses.contains_key("415"), operation.get("requestBody").is_some(), "{name}: body");
        assert_eq!(responses.contains_key("404"), path.contains("{id}"), "{name}: one thing");
        for (status, response) in responses {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{name} {status}");
            if status.starts_with('4') {
                assert!(response["content"].get("application/problem+json").is_some(), "{name} {status}");
            }
        }
    }
}

#[test]
fn every_schema_that_is_named_is_there() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_committed_document_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == crate::openapi_json(), "docs/openapi.json is not current; refresh it: make docs");
}

#[tokio::test]
async fn every_documented_route_is_served_with_and_without_a_slash_at_its_end() {
    let api = Api::start().await;
    for (method, path, operation) in operations(&document()) {
        let open = operation["security"] == json!([{}]);
        let path = path.replace("{id}", "019aa54c6a920007abcdffffffffffff");
        let bare = path.trim_end_matches('/').to_owned();
        for path in [bare.clone(), format!("{bare}/")] {
            let sent = request(&method, &As::Nobody, &path).header("content-type", "application/json");
            let reply = api.send(sent.body(Body::from("{}")).unwrap()).await;
            let status = reply.status.as_u16();
            assert!(
                if open { matches!(status, 200 | 422) } else { status == 401 },
                "{method} {path}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_served() {
    let api = Api::start().await;
    let served = api.get(&As::Nobody, "/api/openapi.json").await.expect(200);
    assert_eq!(served, document());
    let page = api.get(&As::Nobody, "/api/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("'self'"));
    let moved = api.get(&As::Nobody, "/api/docs").await;
    assert_eq!((moved.status.as_u16(), &moved.headers["location"]), (303, &"/api/docs/".parse().unwrap()));
    let script = api.get(&As::Nobody, "/api/docs/swagger-initializer.js").await;
    assert!(script.text.contains("/api/openapi.json"), "{}", script.text);
    assert_eq!(api.get(&As::Nobody, "/api/docs/swagger-ui-bundle.js").await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_allowed_is_said() {
    let api = Api::start().await;
    for path in ["/", "/api", "/api/nothing", "/api/sip-users/1/2/3", "/api//calls"] {
        assert_eq!(api.get(&As::Nobody, path).await.refusal(), (404, "no-such-route", ""), "{path}");
    }
    let reply = api.delete(&As::Nobody, "/api/sip-users").await;
    assert_eq!(reply.refusal(), (405, "method-not-allowed", ""));
    let mut allowed: Vec<&str> = reply.headers["allow"].to_str().unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    let odd = api.send(request("BREW", &As::Nobody, "/health").body(Body::empty()).unwrap()).await;
    assert_eq!(odd.refusal(), (405, "method-not-allowed", ""));
}

#[tokio::test]
async fn a_body_must_be_json_and_of_bounded_size() {
    let api = Api::start().await;
    let sip = api.sip_admin("admin").await;
    let post = |content_type: &str, body: Vec<u8>| {
        request("POST", &sip, "/api/sip-users/")
            .header("content-type", content_type)
            .body(Body::from(body))
            .unwrap()
    };
    let form = api.send(post("application/x-www-form-urlencoded", b"username=6001".to_vec())).await;
    assert_eq!(form.refusal(), (415, "unsupported-media-type", ""));
    let untyped = request("POST", &sip, "/api/sip-users/").body(Body::from("{}")).unwrap();
    assert_eq!(api.send(untyped).await.refusal(), (415, "unsupported-media-type", ""));
    let broken = api.send(post("application/json", b"{\"username\":".to_vec())).await;
    assert_eq!(broken.refusal(), (400, "malformed-json", ""));
    let binary = api.send(post("application/json", vec![0xff, 0xfe])).await;
    assert_eq!(binary.refusal(), (400, "malformed-json", ""));
    let deep = api.send(post("application/json", b"[".repeat(10_000))).await;
    assert_eq!(deep.status.as_u16(), 422, "an array is no SIP user: {}", deep.text);
    let huge = api.send(post("application/json", vec![b' '; MAX_BODY + 1])).await;
    assert_eq!(huge.refusal(), (413, "body-too-large", ""));
    let user = json!({"username": "6001"}).to_string();
    let padded = user.clone() + &" ".repeat(MAX_BODY - user.len());
    assert_eq!(api.send(post("application/json; charset=utf-8", padded.into_bytes())).await.status, 201);
}

#[tokio::test]
async fn every_answer_keeps_browsers_safe_and_has_an_id() {
    let api = Api::start().await;
    for path in ["/health", "/nothing", "/api/tokens"] {
        let reply = api.get(&As::Nobody, path).await;
        let header = |name: &str| reply.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(header("x-request-id").len(), 32);
    }
    let named = request("GET", &As::Nobody, "/health")
        .header("x-request-id", "order-66")
        .body(Body::empty())
        .unwrap();
    assert_eq!(api.send(named).await.headers["x-request-id"], "order-66");
}

#[tokio::test]
async fn a_panic_ends_its_request_only() {
    let api = Api::start().await;
    let mut state = api.state();
    state.metrics = Arc::new(|| panic!("a number that identifies a person: 4930123456"));
    let api = Api { router: crate::router(state), ..api };
    let reply = api.get(&As::Nobody, "/metrics").await;
    assert_eq!(reply.refusal(), (500, "internal", ""));
    assert!(!reply.text.contains("4930"), "{}", reply.text);
    api.get(&As::Nobody, "/health").await.expect(200);
}

#[tokio::test]
async fn a_request_has_a_bound_of_time() {
    let api = Api::start().await;
    let mut state = api.state();
    state.settings.request_timeout = Duration::from_millis(1);
    let api = Api { router: crate::router(state), ..api };
    let body = json!({"username": "admin", "password": "checking it takes longer"});
    let reply = api.post(&As::Nobody, "/api/auth/login", body).await;
    assert_eq!(reply.refusal(), (503, "timeout", ""));
    assert!(reply.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_request_is_one_log_line_without_anything_about_persons() {
    let api = Api::start().await;
    let sip = api.sip_admin("admin").await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let path = "/api/sip-users/?search=4930123456";
    api.send(request("GET", &sip, path).header("x-request-id", "r-1").body(Body::empty()).unwrap())
        .await
        .expect(200);
    drop(guard);
    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines: Vec<&Value> = lines.iter().filter(|line| line["target"] == "crosspoint::http").collect();
    let [line] = lines.as_slice() else { panic!("one line: {text}") };
    let fields = &line["fields"];
    assert_eq!((&fields["http.method"], &fields["http.status"]), (&json!("GET"), &json!(200)));
    assert_eq!(
        (&fields["http.route"], &fields["http.request_id"]),
        (&json!("/api/sip-users/"), &json!("r-1"))
    );
    assert!(fields["elapsed_ms"].as_f64().unwrap() > 0.0);
    assert!(!text.contains("4930123456") && !text.contains("Bearer"), "{text}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

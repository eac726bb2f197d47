//! What happens to every request: an id, a bound, one log line, two metrics, and the headers that keep browsers safe.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;
use crate::state::App;

/// The header that carries the request's id, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer id from outside is replaced by one of ours.
const MAX_REQUEST_ID: usize = 64;
/// Answers are data: a browser must not run, frame or load anything from them.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The API's page needs its own script, its own style and inline styles.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);
/// Told to callers whose request took too long.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The middleware around every route.
pub(crate) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = app.clock.now();
    let id = request_id(request.headers());
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let page = request.uri().path().starts_with("/api/docs");
    let bound = app.settings.request_timeout;
    // A task of its own: what a request began is carried through even when its caller goes away or is sent away,
    // and a panic ends this request only.
    let mut response = match tokio::time::timeout(bound, tokio::spawn(next.run(request))).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Problem::internal(&panic).into_response(),
        Err(_) => Problem::unavailable("timeout", "The request took too long.", RETRY_AFTER).into_response(),
    };
    harden(response.headers_mut(), &id, page);
    let status = response.status().as_u16();
    let elapsed = app.clock.now().since(began);
    tracing::info!(
        target: "crosspoint::http",
        {
            http.request_id = %id,
            http.method = %method,
            http.route = %route,
            http.status = status,
            elapsed_ms = elapsed.as_secs_f64() * 1_000.0
        },
        "request"
    );
    metrics::counter!(
        "crosspoint_http_requests_total",
        "method" => known(method.as_str()), "route" => route.clone(), "status" => status.to_string()
    )
    .increment(1);
    metrics::histogram!("crosspoint_http_request_seconds", "route" => route).record(elapsed.as_secs_f64());
    response
}

/// Methods are chosen by callers: only known ones become a label.
fn known(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

/// The id that came with the request when it is a plain word, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain);
    given.map_or_else(fresh_id, str::to_owned)
}

fn fresh_id() -> String {
    let mut bytes = [0; 16];
    if let Ok(mut random) = clock::Random::from_system() {
        random.fill(&mut bytes);
    }
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn harden(headers: &mut HeaderMap, id: &str, page: bool) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, if page { PAGE_POLICY } else { DATA_POLICY });
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(given).unwrap());
        request_id(&headers)
    }

    #[test]
    fn a_plain_id_is_kept_and_others_are_replaced() {
        assert_eq!(id_for("abc-1.2_3"), "abc-1.2_3");
        for odd in ["", "a b", "a\"b", &"x".repeat(65)] {
            let id = id_for(odd);
            assert_ne!(id, odd);
            assert_eq!(id.len(), 32);
        }
    }

    #[test]
    fn methods_of_others_are_one_label() {
        assert_eq!((known("GET"), known("BREW")), ("GET", "other"));
    }
}

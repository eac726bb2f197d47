//! The server itself: health, metrics, configuration, the documentation of the API. One file per endpoint.

pub(crate) mod config_status;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod openapi_json;
pub(crate) mod ready;

pub use config_status::{ConfigStatus, ListenerStatus};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::testing::{Api, As};

    #[tokio::test]
    async fn health_is_open_to_all() {
        let api = Api::start().await;
        let health = api.get(&As::Nobody, "/health").await.expect(200);
        assert_eq!(
            (&health["status"], &health["version"]),
            (&json!("ok"), &json!(env!("CARGO_PKG_VERSION")))
        );
        let ready = api.get(&As::Nobody, "/health/ready").await.expect(200);
        assert_eq!(ready, json!({"status": "ready", "database": "ok", "exchange": "ok"}));
    }

    #[tokio::test]
    async fn a_server_that_is_starting_is_not_ready() {
        let api = Api::start().await;
        let started = Arc::new(AtomicBool::new(false));
        let state = crate::State { started: Arc::clone(&started), ..api.state() };
        let api = Api { router: crate::router(state), ..api };
        let ready = api.get(&As::Nobody, "/health/ready").await.expect(503);
        assert_eq!(ready, json!({"status": "not_ready", "database": "ok", "exchange": "starting"}));
        started.store(true, Ordering::Release);
        api.get(&As::Nobody, "/health/ready").await.expect(200);
    }

    #[tokio::test]
    async fn a_draining_exchange_is_not_ready_but_lives() {
        let api = Api::start().await;
        api.exchange.drain();
        let ready = api.get(&As::Nobody, "/health/ready").await.expect(503);
        assert_eq!(ready, json!({"status": "not_ready", "database": "ok", "exchange": "draining"}));
        api.get(&As::Nobody, "/health").await.expect(200);
    }

    #[tokio::test]
    async fn a_database_that_is_away_is_not_ready() {
        let api = Api::start().await;
        api.storage.close().await;
        let ready = api.get(&As::Nobody, "/health/ready").await.expect(503);
        assert_eq!(ready, json!({"status": "not_ready", "database": "failed", "exchange": "ok"}));
        let reply =
            api.post(&As::Nobody, "/api/auth/login", json!({"username": "admin", "password": "x"})).await;
        assert_eq!(reply.refusal(), (500, "internal", ""));
        assert!(!reply.text.contains("pool"), "the cause stays in the log: {}", reply.text);
    }

    #[tokio::test]
    async fn metrics_are_text() {
        let api = Api::start().await;
        let reply = api.get(&As::Nobody, "/metrics").await;
        assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(reply.text, "crosspoint_calls_active 0\n");
    }

    #[tokio::test]
    async fn the_set_up_is_shown_without_secrets() {
        let api = Api::start().await;
        let viewer = api.access("viewer").await;
        let reply = api.get(&viewer, "/api/config/status").await;
        assert!(!reply.text.contains("secret"));
        let status = reply.expect(200);
        assert_eq!((&status["domain"], &status["realm"]), (&json!("pbx.example"), &json!("pbx.example")));
        assert_eq!((&status["database"], &status["draining"]), (&json!("sqlite"), &json!(false)));
    }
}

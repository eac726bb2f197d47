//! The HTTP API as an application uses it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::Account;

/// A client of one server, logged in as `admin` where it needs to be.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    agent: Agent,
    token: Option<String>,
    sip_token: Option<String>,
}

impl Api {
    /// A client that is not logged in.
    #[must_use]
    pub fn new(server: SocketAddr) -> Api {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Api { base: format!("http://{server}"), agent: config.into(), token: None, sip_token: None }
    }

    /// Logs in.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn login(&mut self, username: &str, password: &str) {
        let (status, answer) =
            self.call("POST", "/api/auth/login", Some(&json!({"username": username, "password": password})));
        assert_eq!(status, 200, "login: {answer}");
        self.token = answer["access_token"].as_str().map(str::to_owned);
        self.sip_token = answer["sip_admin_token"].as_str().map(str::to_owned);
        assert!(self.token.is_some() && self.sip_token.is_some(), "login gives both tokens: {answer}");
    }

    /// GET; the status and the body as JSON (a string where it is none).
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, None)
    }

    /// POST with a JSON body.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("POST", path, Some(body))
    }

    /// PUT with a JSON body.
    #[must_use]
    pub fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("PUT", path, Some(body))
    }

    /// DELETE.
    #[must_use]
    pub fn delete(&self, path: &str) -> (u16, Value) {
        self.call("DELETE", path, None)
    }

    /// A body that must come with 200.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn need(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// Makes an account by API; gives its credentials.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn account(&self, username: &str, more: &Value) -> Account {
        let password = format!("Geheim-{username}-74f1");
        let mut body = json!({"username": username, "password": password, "template": "softphone"});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let (status, made) = self.post("/api/sip-users/", &body);
        assert_eq!(status, 201, "account {username}: {made}");
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        Account { id: text("id"), username: username.to_owned(), password, domain: text("domain") }
    }

    /// Makes accounts `first`, `first + 1`, … in one request.
    ///
    /// # Panics
    /// When one is refused.
    #[must_use]
    pub fn accounts(&self, first: u32, count: u32) -> Vec<Account> {
        let password = |name: &str| format!("Geheim-{name}-74f1");
        let names: Vec<String> = (first..first + count).map(|n| n.to_string()).collect();
        let mut accounts = Vec::new();
        for some in names.chunks(500) {
            let users: Vec<Value> = some
                .iter()
                .map(|n| json!({"username": n, "password": password(n), "template": "softphone"}))
                .collect();
            let (status, made) = self.post("/api/sip-users/bulk-create", &json!({"users": users}));
            assert!((200..300).contains(&status), "bulk-create: {made}");
            accounts.extend(some.iter().cloned());
        }
        let one = self.need(&format!("/api/sip-users/?search={first}&per_page=1"));
        let domain = one["items"][0]["domain"].as_str().expect("the domain of an account").to_owned();
        let account = |name: String| Account {
            id: String::new(),
            password: password(&name),
            username: name,
            domain: domain.clone(),
        };
        accounts.into_iter().map(account).collect()
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let token = if path.starts_with("/api/sip-users") { &self.sip_token } else { &self.token };
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.header("Content-Type", "application/json");
        let text = body.map(Value::to_string).unwrap_or_default();
        let answer = match body {
            Some(_) => self.agent.run(request.body(text).expect("a request")),
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

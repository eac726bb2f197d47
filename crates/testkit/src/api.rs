//! The HTTP API as an application uses it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::{Account, Algorithm, Bound, PATIENCE};

/// Between two looks at what is written behind.
const AGAIN: Duration = Duration::from_millis(50);

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

    /// Uses an API key instead of tokens.
    pub fn use_key(&mut self, key: &str) {
        self.token = Some(key.to_owned());
        self.sip_token.clone_from(&self.token);
    }

    /// Uses the ordinary token for the administration of SIP users too, as a client that does not know better.
    pub fn use_ordinary_token_everywhere(&mut self) {
        self.sip_token.clone_from(&self.token);
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

    /// A value of `/metrics`, by name and labels; 0 when it is not there.
    #[must_use]
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics");
        let lines = text.as_str().unwrap_or_default().lines();
        let value =
            lines.filter_map(|line| line.strip_prefix(name)).find_map(|rest| rest.trim().parse().ok());
        value.unwrap_or(0.0)
    }

    /// Asks again until the body fits; for what the server writes behind.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`]; the message has the last body.
    pub fn wait(&self, path: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let bound = Bound::within(PATIENCE);
        loop {
            let body = self.need(path);
            if fits(&body) {
                return body;
            }
            assert!(!bound.is_over(), "GET {path} does not show {what}: {body:#}");
            std::thread::park_timeout(AGAIN);
        }
    }

    /// Waits for the record of the newest call from a number; gives it when the call is over.
    ///
    /// # Panics
    /// As [`Api::wait`].
    #[must_use]
    pub fn ended_call(&self, from: &str) -> Value {
        let path = format!("/api/calls/?from_number={from}");
        let list = self.wait(&path, "an ended call", |list| list["items"][0]["state"] == "ended");
        list["items"][0].clone()
    }

    /// Makes an account by API; gives its credentials.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn account(&self, username: &str, more: &Value) -> Account {
        let (status, made) = self.post("/api/sip-users/", &new_user(username, more));
        assert_eq!(status, 201, "account {username}: {made}");
        account_of(&made)
    }

    /// Makes accounts `first`, `first + 1`, … in few requests.
    ///
    /// # Panics
    /// When one is refused.
    #[must_use]
    pub fn accounts(&self, first: u32, count: u32) -> Vec<Account> {
        let users: Vec<Value> =
            (first..first + count).map(|n| new_user(&n.to_string(), &json!({}))).collect();
        let mut accounts = Vec::new();
        for some in users.chunks(500) {
            let (status, made) = self.post("/api/sip-users/bulk-create", &json!({"users": some}));
            assert_eq!((status, &made["failed"]), (200, &json!(0)), "bulk-create: {made}");
            let results = made["results"].as_array().expect("a result for each");
            accounts.extend(results.iter().map(|result| account_of(&result["user"])));
        }
        accounts
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

fn new_user(username: &str, more: &Value) -> Value {
    let mut user = json!({"username": username, "password": password_of(username), "template": "softphone"});
    if let (Some(user), Some(more)) = (user.as_object_mut(), more.as_object()) {
        user.extend(more.clone());
    }
    user
}

fn account_of(user: &Value) -> Account {
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    let username = text("username");
    Account { id: text("id"), password: password_of(&username), username, domain: text("domain") }
}

/// A password for each account of its own, good enough for the rules of the server.
fn password_of(username: &str) -> String {
    let hash = Algorithm::Md5.hex(username);
    let letters: String = hash.bytes().take(12).map(|digit| char::from(b'a' + digit % 23)).collect();
    format!("W{letters}7")
}

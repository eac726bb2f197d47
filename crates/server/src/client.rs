//! The command line's way to the running server: its HTTP API, with a key that `serve` leaves in the data directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The file that `serve` leaves for the command line.
const ACCESS_FILE: &str = "cli.json";
/// A server that does not answer within this time is in trouble.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the running server answers, and the key that opens it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    /// `http://127.0.0.1:8080`.
    pub(crate) url: String,
    /// An API key with all rights, good while the server runs.
    pub(crate) token: String,
    /// The process, for messages.
    pub(crate) pid: u32,
}

impl Access {
    /// Its file in a data directory.
    pub(crate) fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(ACCESS_FILE)
    }

    /// What the last server that used this data directory left, if anything.
    pub(crate) fn read(data_dir: &Path) -> anyhow::Result<Option<Access>> {
        let path = Access::path(data_dir);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let access = serde_json::from_slice(&bytes);
                access
                    .map(Some)
                    .with_context(|| format!("{} is damaged; start the server again", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// Talks to the running server.
pub(crate) struct Client {
    agent: ureq::Agent,
    access: Access,
    data_dir: PathBuf,
}

impl Client {
    /// # Errors
    /// When no server uses this data directory, with how to start it.
    pub(crate) fn new(data_dir: &Path) -> anyhow::Result<Client> {
        let access = Access::read(data_dir)?.ok_or_else(|| not_running(data_dir))?;
        let settings = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Ok(Client { agent: settings.new_agent(), access, data_dir: data_dir.to_owned() })
    }

    /// `GET`; a body that is JSON.
    pub(crate) fn fetch(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.agent.get(self.url(path)).header("authorization", self.bearer());
        self.answer(request.call())
    }

    /// `POST` of JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.agent.post(self.url(path)).header("authorization", self.bearer());
        self.answer(request.send_json(body))
    }

    /// `PUT` of JSON.
    pub(crate) fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.agent.put(self.url(path)).header("authorization", self.bearer());
        self.answer(request.send_json(body))
    }

    /// `DELETE`.
    pub(crate) fn delete(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.agent.delete(self.url(path)).header("authorization", self.bearer());
        self.answer(request.call())
    }

    /// All items of a list, page by page.
    pub(crate) fn all(&self, path: &str, query: &str) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        for page in 1.. {
            let answer = self.fetch(&format!("{path}?page={page}&per_page={PER_PAGE}{query}"))?;
            let total = answer.get("total").and_then(Value::as_u64).unwrap_or_default();
            let found = answer.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            let last = found.is_empty();
            items.extend(found);
            if last || u64::try_from(items.len()).unwrap_or(u64::MAX) >= total {
                break;
            }
        }
        Ok(items)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.access.url)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.access.token)
    }

    fn answer(
        &self,
        outcome: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<Value> {
        let mut response = match outcome {
            Ok(response) => response,
            Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                return Err(not_running(&self.data_dir));
            }
            Err(error) => return Err(anyhow!(error).context(format!("no answer from {}", self.access.url))),
        };
        let status = response.status();
        let text = response.body_mut().read_to_string().context("the answer broke off")?;
        if status.is_success() {
            return if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) };
        }
        bail!("{}", refusal(status.as_u16(), &text))
    }
}

/// Items per request of a list.
const PER_PAGE: u32 = 100;

fn not_running(data_dir: &Path) -> anyhow::Error {
    anyhow!(
        "the server is not running (nothing answers for the data directory {}); start it with: crosspoint serve --data-dir {}",
        data_dir.display(),
        data_dir.display()
    )
}

/// The words of a problem document, or what came instead of one.
fn refusal(status: u16, text: &str) -> String {
    let Ok(problem) = serde_json::from_str::<Value>(text) else {
        return format!("the server answered {status}: {}", text.trim());
    };
    let word = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let detail = Some(word("detail")).filter(|detail| !detail.is_empty()).unwrap_or_else(|| word("title"));
    let fields: Vec<String> = problem
        .get("errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|error| {
            let part = |name: &str| error.get(name).and_then(Value::as_str);
            Some(format!("{}: {}", part("field")?, part("detail").or_else(|| part("message"))?))
        })
        .collect();
    // A single field is in the detail already.
    if fields.len() < 2 { detail } else { format!("{detail} ({})", fields.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_server_the_remedy_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let message = Client::new(dir.path()).err().unwrap().to_string();
        assert!(message.contains("is not running") && message.contains("crosspoint serve"), "{message}");
    }

    #[test]
    fn a_server_that_is_gone_is_said_to_be_so() {
        let dir = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let access = Access { url: format!("http://{free}"), token: "t".to_owned(), pid: 1 };
        std::fs::write(Access::path(dir.path()), serde_json::to_vec(&access).unwrap()).unwrap();
        let message = Client::new(dir.path()).unwrap().fetch("/health").unwrap_err().to_string();
        assert!(message.contains("is not running"), "{message}");
    }

    #[test]
    fn a_refusal_is_said_in_its_own_words() {
        let text = r#"{"title":"Conflict","status":409,"code":"taken","detail":"The username is taken."}"#;
        assert_eq!(refusal(409, text), "The username is taken.");
        let text = r#"{"detail":"2 fields are wrong.","errors":[{"field":"a","detail":"is required"},{"field":"b","detail":"is odd"}]}"#;
        assert_eq!(refusal(422, text), "2 fields are wrong. (a: is required; b: is odd)");
        assert_eq!(refusal(404, r#"{"title":"Not Found"}"#), "Not Found");
        assert_eq!(refusal(502, "bad gateway\n"), "the server answered 502: bad gateway");
    }
}

//! `token add`, `list`, `remove`.

use std::time::Duration;

use anyhow::anyhow;
use clock::SystemClock;
use serde_json::{Value, json};

use crate::cli::TokenCommand;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, text};

const TOKENS: &str = "/api/tokens";
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn run(client: &Client, command: &TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Add { name, scopes, expires_in_days } => add(client, name, scopes, *expires_in_days),
        TokenCommand::List { json } => list(client, *json),
        TokenCommand::Remove { token } => remove(client, token),
    }
}

fn add(client: &Client, name: &str, scopes: &[String], days: Option<u32>) -> Result<(), Failure> {
    let scopes = if scopes.is_empty() { api::all_scopes() } else { scopes.to_vec() };
    let mut body = json!({"name": name, "scopes": scopes});
    if let (Some(days), Some(fields)) = (days, body.as_object_mut()) {
        let end = SystemClock::new().now() + DAY.saturating_mul(days);
        fields.insert("expires_at".to_owned(), json!(end.to_rfc3339()));
    }
    let made = client.post(TOKENS, &body)?;
    output::line(&format!("key {}   (shown once; send it as `Authorization: Bearer …`)", text(&made, "key")));
    Ok(())
}

fn list(client: &Client, json: bool) -> Result<(), Failure> {
    let tokens = client.all(TOKENS, "")?;
    if json {
        output::json(&Value::Array(tokens));
        return Ok(());
    }
    let row = |token: &Value| {
        let scopes = token.get("scopes").and_then(Value::as_array).into_iter().flatten();
        let scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
        let mut row: Vec<String> = ["id", "name", "hint"].iter().map(|field| text(token, field)).collect();
        row.push(scopes.join(","));
        row.extend(["expires_at", "last_used_at"].iter().map(|field| text(token, field)));
        row
    };
    let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
    output::line(&output::table(&["ID", "NAME", "BEGINS", "SCOPES", "EXPIRES", "LAST USED"], &rows));
    Ok(())
}

fn remove(client: &Client, wanted: &str) -> Result<(), Failure> {
    let tokens = client.all(TOKENS, "")?;
    let named: Vec<&Value> =
        tokens.iter().filter(|token| text(token, "id") == wanted || text(token, "name") == wanted).collect();
    match named.as_slice() {
        [token] => {
            client.delete(&format!("{TOKENS}/{}", text(token, "id")))?;
            output::line(&format!("key {wanted} removed"));
            Ok(())
        }
        [] => Err(anyhow!("there is no key {wanted}; `crosspoint token list` shows those there are").into()),
        _ => {
            Err(anyhow!("several keys are called {wanted}; name one by its id (`crosspoint token list`)")
                .into())
        }
    }
}

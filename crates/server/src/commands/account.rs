//! `account add`, `list`, `set`, `remove`.

use anyhow::anyhow;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::cli::{AccountCommand, AccountFields};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, text};

const USERS: &str = "/api/sip-users/";

pub(crate) fn run(client: &Client, command: &AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::Add { username, fields, json } => add(client, username, fields, *json),
        AccountCommand::List { search, json } => list(client, search.as_deref(), *json),
        AccountCommand::Set { username, fields, enabled, new_password } => {
            set(client, username, &changes(fields, *enabled), *new_password)
        }
        AccountCommand::Remove { username } => remove(client, username),
    }
}

fn add(client: &Client, username: &str, fields: &AccountFields, json: bool) -> Result<(), Failure> {
    let mut body = changes(fields, None);
    body.insert("username".to_owned(), json!(username));
    let made = client.post(USERS, &Value::Object(body))?;
    if json {
        output::json(&made);
        return Ok(());
    }
    output::line(&format!("account {}@{} added", text(&made, "username"), text(&made, "domain")));
    say_password(&made);
    Ok(())
}

fn list(client: &Client, search: Option<&str>, json: bool) -> Result<(), Failure> {
    let query = search.map(|search| format!("&search={}", encoded(search))).unwrap_or_default();
    let accounts = client.all(USERS, &query)?;
    if json {
        output::json(&Value::Array(accounts));
        return Ok(());
    }
    let columns = ["username", "domain", "display_name", "extension", "template", "enabled", "registrations"];
    let rows: Vec<Vec<String>> =
        accounts.iter().map(|account| columns.iter().map(|column| text(account, column)).collect()).collect();
    let head = ["USERNAME", "DOMAIN", "NAME", "EXTENSION", "TEMPLATE", "ENABLED", "REGISTERED"];
    output::line(&output::table(&head, &rows));
    Ok(())
}

fn set(
    client: &Client,
    username: &str,
    changes: &Map<String, Value>,
    new_password: bool,
) -> Result<(), Failure> {
    if changes.is_empty() && !new_password {
        return Err(Failure::Usage(
            "account set: say what to change; see crosspoint account set --help".to_owned(),
        ));
    }
    let id = find(client, username)?;
    if !changes.is_empty() {
        client.put(&format!("{USERS}{id}"), &Value::Object(changes.clone()))?;
        output::line(&format!("account {username} changed"));
    }
    if new_password {
        let reset = client.post(&format!("{USERS}{id}/credentials/reset"), &json!({}))?;
        say_password(&reset);
    }
    Ok(())
}

fn remove(client: &Client, username: &str) -> Result<(), Failure> {
    let id = find(client, username)?;
    client.delete(&format!("{USERS}{id}"))?;
    output::line(&format!("account {username} removed"));
    Ok(())
}

fn say_password(answer: &Value) {
    if let Some(password) = answer.get("password").and_then(Value::as_str) {
        output::line(&format!("password {password}   (shown once)"));
    }
}

/// The id of the account with this username.
fn find(client: &Client, username: &str) -> anyhow::Result<String> {
    let found = client.all(USERS, &format!("&search={}", encoded(username)))?;
    let exact = found.iter().find(|account| text(account, "username") == username);
    exact.map(|account| text(account, "id")).ok_or_else(|| {
        anyhow!("there is no account {username}; `crosspoint account list` shows those there are")
    })
}

/// What was said on the command line, as the fields of the API.
fn changes(fields: &AccountFields, enabled: Option<bool>) -> Map<String, Value> {
    let template = fields.template.and_then(|template| template.to_possible_value());
    let said = [
        ("password", fields.password.as_ref().map(|value| json!(value))),
        ("template", template.map(|value| json!(value.get_name()))),
        ("display_name", fields.display_name.as_ref().map(|value| json!(value))),
        ("extension", fields.extension.as_ref().map(|value| json!(value))),
        ("email", fields.email.as_ref().map(|value| json!(value))),
        ("external_id", fields.external_id.as_ref().map(|value| json!(value))),
        ("max_contacts", fields.max_contacts.map(|value| json!(value))),
        ("max_concurrent_calls", fields.max_concurrent_calls.map(|value| json!(value))),
        ("enabled", enabled.map(|value| json!(value))),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A text in a query, percent-encoded (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Template;

    #[test]
    fn only_what_was_said_is_sent() {
        let fields = AccountFields {
            template: Some(Template::SecureSoftphone),
            max_contacts: Some(2),
            ..AccountFields::default()
        };
        let sent = Value::Object(changes(&fields, Some(false)));
        assert_eq!(sent, json!({"template": "secure-softphone", "max_contacts": 2, "enabled": false}));
        assert!(changes(&AccountFields::default(), None).is_empty());
    }

    #[test]
    fn templates_are_the_words_of_the_model() {
        for template in Template::value_variants() {
            let word = template.to_possible_value().unwrap();
            assert!(word.get_name().parse::<model::Template>().is_ok(), "{word:?}");
        }
    }

    #[test]
    fn a_query_is_encoded() {
        assert_eq!(encoded("a+b &é"), "a%2Bb%20%26%C3%A9");
    }
}

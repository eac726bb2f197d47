//! `show registrations`, `calls`, `channels`: the live state, once or again every second.

use std::time::Duration;

use serde_json::Value;

use crate::cli::{Show, Shown};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, text};

/// Between two looks of `--watch`.
const EVERY: Duration = Duration::from_secs(1);

pub(crate) fn run(client: &Client, show: Show) -> Result<(), Failure> {
    loop {
        let found = fetch(client, show.what)?;
        match (show.json, show.watch) {
            (true, true) => output::line(&Value::Array(found).to_string()),
            (true, false) => output::json(&Value::Array(found)),
            (false, watch) => {
                if watch {
                    output::clear();
                }
                output::line(&page(show.what, &found));
            }
        }
        if !show.watch {
            return Ok(());
        }
        wait(EVERY);
    }
}

/// A pause of the screen, not of the server.
fn wait(duration: Duration) {
    std::thread::park_timeout(duration);
}

fn fetch(client: &Client, what: Shown) -> anyhow::Result<Vec<Value>> {
    match what {
        Shown::Registrations => client.all("/api/registrations", ""),
        Shown::Calls => {
            let answer = client.fetch("/api/calls/active")?;
            Ok(answer.get("calls").and_then(Value::as_array).cloned().unwrap_or_default())
        }
        Shown::Channels => client.all("/api/channels", ""),
    }
}

fn page(what: Shown, found: &[Value]) -> String {
    let (columns, none): (&[(&str, &str)], &str) = match what {
        Shown::Registrations => (REGISTRATIONS, "nobody is registered"),
        Shown::Calls => (CALLS, "no call is in progress"),
        Shown::Channels => (CHANNELS, "no call is in progress"),
    };
    if found.is_empty() {
        return none.to_owned();
    }
    let head: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let row = |item: &Value| columns.iter().map(|(_, field)| text(item, field)).collect();
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    output::table(&head, &rows)
}

/// Column heads, and where their values are.
const REGISTRATIONS: &[(&str, &str)] = &[
    ("ACCOUNT", "aor"),
    ("CONTACT", "contact"),
    ("TRANSPORT", "transport"),
    ("FROM", "remote"),
    ("USER AGENT", "user_agent"),
    ("EXPIRES", "expires_at"),
];
const CALLS: &[(&str, &str)] = &[
    ("CALL", "call_id"),
    ("FROM", "from_number"),
    ("TO", "to_number"),
    ("STATE", "state"),
    ("STARTED", "started_at"),
    ("ANSWERED", "answered_at"),
];
const CHANNELS: &[(&str, &str)] = &[
    ("CALL", "call_id"),
    ("SIDE", "side"),
    ("NUMBER", "number"),
    ("STATE", "state"),
    ("CODEC", "codec"),
    ("RECEIVED", "packets_received"),
    ("SENT", "packets_sent"),
    ("LOSS", "loss_ratio"),
    ("JITTER", "jitter_ms"),
    ("RTT", "round_trip_ms"),
    ("MOS", "mos"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn calls_are_a_table() {
        let calls = [json!({"call_id": "c1", "from_number": "6001", "to_number": "6010", "state": "ringing",
                            "started_at": "2026-11-21T07:18:00.250Z", "answered_at": null})];
        assert_eq!(
            page(Shown::Calls, &calls),
            "CALL  FROM  TO    STATE    STARTED                   ANSWERED\n\
             c1    6001  6010  ringing  2026-11-21T07:18:00.250Z  -"
        );
        assert_eq!(page(Shown::Calls, &[]), "no call is in progress");
    }
}

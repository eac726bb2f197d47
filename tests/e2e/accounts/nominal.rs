//! Accounts by API and by command line, and what an operator sees.

use serde_json::{Value, json};
use testkit::{Account, Api, Phone, Server, Setup, Talk, on_both_databases};

on_both_databases!(an_account_is_made_changed_used_and_removed);

fn an_account_is_made_changed_used_and_removed(setup: Setup) {
    let server = Server::start_with(setup);
    let api = server.admin();
    let more =
        json!({"display_name": "Ärztin Öz", "extension": "101", "external_id": "crm-7", "max_contacts": 3});
    let account = api.account("6101", &more);
    let path = format!("/api/sip-users/{}", account.id);
    let made = api.need(&path);
    for (name, value) in more.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!((&made["username"], &made["enabled"]), (&json!("6101"), &json!(true)));
    assert!(made.get("password").is_none(), "never told again: {made}");

    let (status, changed) = api.put(&path, &json!({"display_name": "Reception", "extension": null}));
    assert_eq!(
        (status, &changed["display_name"], &changed["extension"]),
        (200, &json!("Reception"), &Value::Null)
    );
    assert_eq!(changed["external_id"], "crm-7", "what is not named stays");

    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    phone.register(600);
    assert_eq!(api.need(&path)["registrations"], 1);
    let (status, reset) = api.post(&format!("{path}/credentials/reset"), &json!({}));
    assert_eq!(status, 200, "{reset}");
    let request = phone.register_request(600);
    assert_eq!(phone.ask(&request).status(), 401, "the old password is of no use");
    let fresh = Account { password: reset["password"].as_str().unwrap().to_owned(), ..account };
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &fresh);
    phone.register(600);

    let (status, _) = api.delete(&path);
    assert_eq!(status, 204);
    assert_eq!(api.get(&path).0, 404);
    assert_eq!(api.need("/api/registrations")["total"], 0, "its registrations go with it");
    let request = phone.register_request(600);
    assert_eq!(phone.ask(&request).status(), 401);
}

#[test]
fn the_first_start_prints_what_a_newcomer_needs_and_the_second_keeps_it() {
    let mut server = Server::start_with(Setup { generate_password: true, ..Setup::sqlite() });
    let printed = server.program().wait_output(testkit::PATIENCE, "the accounts", |text| {
        text.contains("6010").then(|| text.to_owned())
    });
    let password_after = |start: &str| {
        let line =
            printed.lines().find(|line| line.trim_start().starts_with(start)).expect("a line for each");
        line.split("password ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap().to_owned()
    };
    assert!(printed.contains(&format!("http://{}", server.http)), "{printed}");
    let mut api = Api::new(server.http);
    api.login("admin", &password_after("admin"));
    let account = |username: &str| Account {
        id: String::new(),
        username: username.to_owned(),
        password: password_after(&format!("account   {username}")),
        domain: server.domain.clone(),
    };
    let phones = ["6001", "6010"].map(account);
    let mut softphone = Phone::udp(server.sip, server.peer_ip(2), &phones[1]);
    softphone.register(600);
    let echo = softphone.invite("*43", &testkit::offer(softphone.local(), testkit::Codec::Pcmu, "sendrecv"));
    let mut dialog = softphone.answered(&echo);
    softphone.bye(&mut dialog);

    assert!(server.terminate());
    server.run();
    let again = server.program().wait_output(testkit::PATIENCE, "its readiness", |text| {
        text.contains("ready").then(|| text.to_owned())
    });
    assert!(
        !again.contains(&phones[1].password) && !again.contains(&password_after("admin")),
        "shown once: {again}"
    );
    api.login("admin", &password_after("admin"));
    assert_eq!(api.need("/api/registrations?username=6010")["total"], 1);
    Phone::udp(server.sip, server.peer_ip(2), &phones[0]).register(600);
}

#[test]
fn the_command_line_does_what_the_api_does() {
    let server = Server::start();
    let (ok, text) = server.cli(&["account", "add", "6201", "--display-name", "Anna", "--extension", "201"]);
    assert!(ok, "{text}");
    let password = text.split("password ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let account = Account {
        id: String::new(),
        username: "6201".to_owned(),
        password: password.to_owned(),
        domain: server.domain.clone(),
    };
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    phone.register(600);
    let (ok, text) = server.cli(&["account", "list", "--json"]);
    assert!(ok, "{text}");
    let list: Value = serde_json::from_str(&text).unwrap();
    let anna = list.as_array().unwrap().iter().find(|item| item["username"] == "6201").unwrap();
    assert_eq!((&anna["display_name"], &anna["registrations"]), (&json!("Anna"), &json!(1)));
    let (ok, text) = server.cli(&["show", "registrations", "--json"]);
    assert!(ok && text.contains(&phone.contact()), "{text}");
    let (ok, text) = server.cli(&["account", "set", "6201", "--enabled", "false"]);
    assert!(ok, "{text}");
    let request = phone.register_request(600);
    assert_eq!(phone.ask(&request).status(), 401);
    let (ok, text) = server.cli(&["account", "remove", "6201"]);
    assert!(ok, "{text}");
    let (ok, text) = server.cli(&["account", "list", "--search", "6201", "--json"]);
    assert!(ok && serde_json::from_str::<Value>(&text).unwrap() == json!([]), "{text}");
}

#[test]
fn running_calls_are_shown_with_their_media() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let mut call = talk.call();
    talk.speak(&call);
    talk.assert_heard();
    for what in ["calls", "channels"] {
        let (ok, text) = server.cli(&["show", what, "--json"]);
        assert!(ok, "{text}");
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(text.contains("6101") && text.contains("6102"), "{what}: {text}");
    }
    let channels = talk.api.wait("/api/channels", "media on both legs", |list| {
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.len() == 2 && items.iter().all(|item| item["packets_received"].as_u64() > Some(0))
    });
    assert!(channels["items"].as_array().unwrap().iter().all(|item| item["codec"] == "PCMU"), "{channels:#}");
    talk.hang_up(&mut call);
}

#[test]
fn health_metrics_and_documents_are_there_for_everyone_who_may_see_them() {
    let server = Server::start();
    let stranger = Api::new(server.http);
    assert_eq!(stranger.need("/health")["status"], "ok");
    assert_eq!(stranger.get("/health/ready").0, 200);
    let document = stranger.need("/api/openapi.json");
    assert!(document["paths"]["/api/sip-users/"]["post"].is_object());
    assert_eq!(stranger.get("/api/docs").0, 200);
    let (ok, printed) = server.cli(&["openapi"]);
    assert!(ok);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()["paths"], document["paths"]);
    let api = server.admin();
    let status = api.need("/api/config/status");
    assert_eq!((&status["domain"], &status["database"]), (&json!("pbx.test"), &json!("sqlite")));
    let (code, metrics) = api.get("/metrics");
    assert_eq!(code, 200);
    let metrics = metrics.as_str().unwrap_or_default();
    for name in ["crosspoint_calls_active", "crosspoint_registrations_active"] {
        assert!(metrics.contains(name), "{name} in:\n{metrics}");
    }
}

#[test]
fn doctor_and_config_show_speak_about_this_server() {
    let server = Server::start();
    let (ok, text) = server.cli(&["config", "show"]);
    assert!(ok && text.contains("CROSSPOINT_SIP__LISTEN") && !text.contains("Nur-fuer-Tests"), "{text}");
    let (_, text) = server.cli(&["doctor"]);
    assert!(text.contains(&server.sip.port().to_string()), "{text}");
}

#[test]
fn an_api_key_does_what_its_scopes_allow() {
    let server = Server::start();
    let (ok, text) = server.cli(&["token", "add", "crm"]);
    assert!(ok, "{text}");
    let key = text.split_whitespace().find(|word| word.starts_with("cp_")).expect("the key is printed once");
    let mut api = Api::new(server.http);
    api.use_key(key);
    assert_eq!(api.get("/api/sip-users/").0, 200);
    let (ok, text) = server.cli(&["token", "remove", "crm"]);
    assert!(ok, "{text}");
    assert_eq!(api.get("/api/sip-users/").0, 401);
}

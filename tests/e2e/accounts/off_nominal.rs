//! Requests and files that are refused.

use serde_json::json;
use testkit::{Api, PATIENCE, Program, Server};

#[test]
fn strangers_and_ordinary_tokens_do_not_administer_accounts() {
    let server = Server::start();
    let stranger = Api::new(server.http);
    assert_eq!(stranger.get("/api/sip-users/").0, 401);
    assert_eq!(stranger.get("/api/calls/active").0, 401);
    let mut ordinary = server.admin();
    ordinary.use_ordinary_token_everywhere();
    assert_eq!(ordinary.get("/api/sip-users/").0, 403, "SIP users need the token signed with its own secret");
    assert_eq!(ordinary.get("/api/calls/active").0, 200);
}

#[test]
fn a_wrong_name_and_a_wrong_password_are_refused_alike() {
    let server = Server::start();
    let api = Api::new(server.http);
    let login =
        |name: &str| api.post("/api/auth/login", &json!({"username": name, "password": "wrong-wrong"}));
    let (known, unknown) = (login("admin"), login("nobody"));
    assert_eq!((known.0, &known.1), (401, &unknown.1));
    assert_eq!(unknown.0, 401);
}

#[test]
fn what_an_account_may_not_be_is_refused_with_the_field() {
    let server = Server::start();
    let api = server.admin();
    let _taken = api.account("6101", &json!({}));
    let try_it = |body: serde_json::Value| api.post("/api/sip-users/", &body);
    for (body, status, word) in [
        (json!({"username": "6101", "password": "Zk8-gelbe-Tonne"}), 409, "6101"),
        (json!({"username": "6102", "password": "12345678"}), 422, "password"),
        (json!({"username": "6102", "password": "6102-6102"}), 422, "password"),
        (json!({"username": "a b", "password": "Zk8-gelbe-Tonne"}), 422, "username"),
        (json!({"username": "6102", "password": "Zk8-gelbe-Tonne", "nonsense": 1}), 422, "nonsense"),
    ] {
        let (got, answer) = try_it(body.clone());
        assert_eq!(got, status, "{body}: {answer}");
        assert!(answer.to_string().contains(word), "{body}: {answer}");
    }
    assert_eq!(api.get("/api/sip-users/ffffffffffffffffffffffffffffffff").0, 404);
    assert_eq!(api.need("/api/sip-users/?search=6102")["total"], 0);
}

#[test]
fn a_wrong_key_stops_the_start_with_file_line_and_the_right_name() {
    let server = Server::start();
    let file = server.data_dir().with_file_name("wrong.toml");
    std::fs::write(&file, "domain = \"pbx.test\"\n[sip]\nlisten_on = [\"udp://0.0.0.0:5060\"]\n").unwrap();
    let mut command = server.command(&["serve", "--config"]);
    command.arg(&file);
    let mut refused = Program::start(command);
    assert!(!refused.wait(PATIENCE).expect("it stops").success());
    let text = refused.output();
    for part in ["wrong.toml:3", "listen_on", "\"listen\""] {
        assert!(text.contains(part), "{part} in: {text}");
    }
}

#[test]
fn a_wrong_variable_is_named_too() {
    let server = Server::start();
    let mut command = server.command(&["serve"]);
    command.env("CROSSPOINT_MEDIA__PORTS", "many");
    let mut refused = Program::start(command);
    assert!(!refused.wait(PATIENCE).expect("it stops").success());
    let text = refused.output();
    assert!(text.contains("CROSSPOINT_MEDIA__PORTS"), "{text}");
}

#[test]
fn a_database_that_is_not_there_is_said_and_the_server_stops() {
    let server = Server::start();
    let mut command = server.command(&["serve"]);
    command.env("CROSSPOINT_DATABASE__URL", "postgres://nobody@127.0.0.1:1/none");
    command.env("CROSSPOINT_DATA_DIR", server.data_dir().with_file_name("other"));
    let mut refused = Program::start(command);
    let status = refused.wait(PATIENCE * 2).expect("it stops");
    assert!(!status.success());
    let text = refused.output();
    assert!(text.contains("database"), "{text}");
}

//! What is kept when the server ends, in either way.

use serde_json::json;
use testkit::{PATIENCE, Program, Server, Setup, Talk, on_both_databases};

on_both_databases!(
    after_a_kill_bindings_are_there_open_records_are_closed_and_ports_are_free,
    after_an_orderly_end_everything_is_there,
);

fn after_a_kill_bindings_are_there_open_records_are_closed_and_ports_are_free(setup: Setup) {
    // Ports for one call only: the second needs those of the first.
    let mut server = Server::start_with(setup.with("CROSSPOINT_MEDIA__PORTS", "12000-12003"));
    let mut talk = Talk::prepare(&server);
    let lost = talk.call();
    let running = talk.api.need("/api/calls/active")["calls"][0].clone();
    server.kill_and_restart();

    let api = server.admin();
    let bindings = api.need("/api/registrations");
    assert_eq!(bindings["total"], 2, "{bindings:#}");
    assert_eq!(api.need("/api/calls/active")["total"], 0);
    let record = api.ended_call("6101");
    assert_eq!(record["call_id"], running["call_id"]);
    assert_eq!(record["sip_call_id"], lost.caller.call_id);
    assert_eq!(record["termination"]["reason"], "node_lost", "{record:#}");
    assert_eq!(record["termination"]["fault"], "server");
    assert!(record["answered_at"].is_string() && record["ended_at"].is_string());

    // The phones need not register again to call and to be called.
    talk.api = api;
    let mut call = talk.call();
    talk.speak(&call);
    talk.assert_heard();
    talk.hang_up(&mut call);
}

fn after_an_orderly_end_everything_is_there(setup: Setup) {
    let mut server = Server::start_with(setup);
    let mut talk = Talk::prepare(&server);
    let mut call = talk.call();
    talk.hang_up(&mut call);
    let record = talk.api.ended_call("6101");
    // A refresh is written behind: the end of the server must not come before it.
    talk.callee.register(1_200);
    let before = talk.api.need("/api/registrations?username=6102")["items"][0]["expires_at"].clone();
    assert!(server.terminate(), "SIGTERM ends it with success");
    server.run();
    let api = server.admin();
    let after = api.need("/api/registrations?username=6102");
    assert_eq!((&after["total"], &after["items"][0]["expires_at"]), (&json!(1), &before));
    assert_eq!(api.ended_call("6101"), record);
    assert_eq!(api.need("/api/sip-users/?search=610")["total"], 2);
}

#[test]
fn a_second_server_on_the_same_data_directory_says_so_and_stops() {
    let server = Server::start();
    let ip = server.peer_ip(9);
    let mut command = server.command(&["serve"]);
    command.env("CROSSPOINT_SIP__LISTEN", format!(r#"["udp://{ip}:15060"]"#));
    command.env("CROSSPOINT_HTTP__LISTEN", format!(r#"["http://{ip}:18080"]"#));
    let mut second = Program::start(command);
    let status = second.wait(PATIENCE).expect("the second server stops");
    assert!(!status.success());
    let text = second.output();
    assert!(text.contains(&*server.data_dir().to_string_lossy()), "names the directory: {text}");
    assert_eq!(server.admin().need("/health")["status"], "ok", "the first goes on");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let server = Server::start();
    let elsewhere = server.data_dir().with_file_name("other");
    let mut command = server.command(&["serve"]);
    command.env("CROSSPOINT_DATA_DIR", elsewhere);
    let mut second = Program::start(command);
    let status = second.wait(PATIENCE).expect("the second server stops");
    assert!(!status.success());
    let port = server.sip.port().to_string();
    let http = server.http.port().to_string();
    let text = second.output();
    assert!(text.contains(&port) || text.contains(&http), "{text}");
}

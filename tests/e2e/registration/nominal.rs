//! Phones that do as they should.

use serde_json::{Value, json};
use testkit::{Algorithm, Phone, Server, Setup, on_both_databases};

on_both_databases!(
    a_phone_registers_is_seen_and_unregisters,
    a_binding_is_there_after_a_kill_and_gone_after_its_removal,
    several_contacts_live_side_by_side,
);

fn contacts(api: &testkit::Api, username: &str) -> Vec<Value> {
    let list = api.need(&format!("/api/registrations?username={username}"));
    list["items"].as_array().expect("a list of registrations").clone()
}

fn a_phone_registers_is_seen_and_unregisters(setup: Setup) {
    let server = Server::start_with(setup);
    let api = server.admin();
    let account = api.account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    let answer = phone.register(600);
    assert!(answer.need("Contact").contains(&phone.contact()), "{answer:#?}");
    assert!(answer.need("Contact").contains("expires=600"), "{answer:#?}");
    let seen = contacts(&api, "6101");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["contact"], phone.contact());
    assert_eq!(seen[0]["remote"], phone.local().to_string());
    assert_eq!((&seen[0]["transport"], &seen[0]["user_agent"]), (&json!("udp"), &json!("testkit")));
    let answer = phone.register(0);
    assert_eq!(answer.header("Contact"), None, "{answer:#?}");
    assert_eq!(contacts(&api, "6101").len(), 0);
}

fn a_binding_is_there_after_a_kill_and_gone_after_its_removal(setup: Setup) {
    let mut server = Server::start_with(setup);
    let api = server.admin();
    let account = api.account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    phone.register(600);
    server.kill_and_restart();
    let api = server.admin();
    let seen = contacts(&api, "6101");
    assert_eq!(seen.len(), 1, "the acknowledged binding survives kill -9");
    assert_eq!(seen[0]["contact"], phone.contact());
    // Removals are written behind: an orderly end does not come before them.
    phone.register(0);
    assert!(server.terminate());
    server.run();
    assert_eq!(contacts(&server.admin(), "6101").len(), 0);
}

fn several_contacts_live_side_by_side(setup: Setup) {
    let server = Server::start_with(setup);
    let api = server.admin();
    let account = api.account("6101", &json!({}));
    let mut desk = Phone::udp(server.sip, server.peer_ip(2), &account);
    let mut mobile = Phone::tcp(server.sip, server.peer_ip(3), &account);
    desk.register(600);
    let answer = mobile.register(600);
    let listed: Vec<&str> = answer.all("Contact").collect();
    let both = listed.join(", ");
    assert!(both.contains(&desk.contact()) && both.contains(&mobile.contact()), "{listed:?}");
    assert_eq!(contacts(&api, "6101").len(), 2);
    desk.register(0);
    let left = contacts(&api, "6101");
    assert_eq!((left.len(), &left[0]["contact"]), (1, &json!(mobile.contact())));
    desk.register(600);
    // RFC 3261 §10.2.2: `*` with Expires 0 removes all.
    let mut all = mobile.register_request(0);
    all.remove("Contact");
    let all = all.with("Contact", "*");
    assert_eq!(mobile.ask(&all).status(), 200);
    assert_eq!(contacts(&api, "6101").len(), 0);
}

#[test]
fn both_hashes_register_and_are_offered_in_the_order_of_the_configuration() {
    let strongest_first = r#"["SHA-256","MD5"]"#;
    let server =
        Server::start_with(Setup::sqlite().with("CROSSPOINT_SECURITY__DIGEST_ALGORITHMS", strongest_first));
    let account = server.admin().account("6101", &json!({}));
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
        phone.algorithm = algorithm;
        let request = phone.register_request(600);
        let challenge = phone.exchange(&request);
        let offered: Vec<&str> = challenge.all("WWW-Authenticate").collect();
        assert!(offered.len() == 2 && offered[0].contains("algorithm=SHA-256"), "{offered:?}");
        let again = phone.authorized(&request, &challenge);
        assert_eq!(phone.exchange(&again).status(), 200, "{algorithm:?}");
    }
}

#[test]
fn one_nonce_serves_many_requests_while_nc_goes_up() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    let request = phone.register_request(600);
    let challenge = phone.exchange(&request);
    let mut last = request;
    // Past the points where a count kept in 8 bits or hashed as decimal would fail.
    for count in 1..=300 {
        last = phone.authorized_nth(&last, &challenge, count);
        assert_eq!(phone.exchange(&last).status(), 200, "nc={count}");
    }
}

#[test]
fn the_answer_goes_to_where_the_request_came_from() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    let mut request = phone.register_request(600);
    // What a phone behind a NAT believes of itself.
    request.remove("Via");
    let branch = phone.fresh();
    let request = request.with("Via", format!("SIP/2.0/UDP 10.9.8.7:5060;rport;branch=z9hG4bK{branch}"));
    let via = phone.exchange(&request).need("Via").to_owned();
    let local = phone.local();
    assert!(via.contains(&format!("received={}", local.ip())), "{via}");
    assert!(via.contains(&format!("rport={}", local.port())), "{via}");
}

#[test]
fn the_expiry_is_kept_within_bounds() {
    let setup = Setup::sqlite()
        .with("CROSSPOINT_SIP__MIN_EXPIRES", "60")
        .with("CROSSPOINT_SIP__MAX_EXPIRES", "1800")
        .with("CROSSPOINT_SIP__DEFAULT_EXPIRES", "900");
    let server = Server::start_with(setup);
    let account = server.admin().account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    let brief = phone.register_request(30);
    let refused = phone.ask(&brief);
    assert_eq!((refused.status(), refused.need("Min-Expires")), (423, "60"));
    assert!(phone.register(7_200).need("Contact").contains("expires=1800"));
    let mut silent = phone.register_request(0);
    silent.remove("Expires");
    assert!(phone.ask(&silent).need("Contact").contains("expires=900"));
}

#[test]
fn a_path_is_kept_and_repeated() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    let path = "<sip:edge.example;lr;ob>";
    let request = phone.register_request(600).with("Supported", "path").with("Path", path);
    let answer = phone.ask(&request);
    assert_eq!((answer.status(), answer.header("Path")), (200, Some(path)), "{answer:#?}");
}

#[test]
fn one_device_keeps_one_binding_though_its_contact_changes() {
    let server = Server::start();
    let api = server.admin();
    let account = api.account("6101", &json!({}));
    let instance = "+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";reg-id=1";
    for host in [2, 3] {
        let mut phone = Phone::udp(server.sip, server.peer_ip(host), &account);
        let mut request = phone.register_request(600);
        request.remove("Contact");
        let request = request
            .with("Supported", "outbound")
            .with("Contact", format!("<{}>;{instance}", phone.contact()));
        assert_eq!(phone.ask(&request).status(), 200);
        let seen = contacts(&api, "6101");
        assert_eq!((seen.len(), &seen[0]["contact"]), (1, &json!(phone.contact())));
    }
}

#[test]
fn keep_alives_over_tcp_are_answered() {
    use std::io::{Read, Write};
    let server = Server::start();
    let mut stream = std::net::TcpStream::connect(server.sip).unwrap();
    stream.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
    stream.write_all(b"\r\n\r\n").unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n");
}

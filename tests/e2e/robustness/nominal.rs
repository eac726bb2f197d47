//! What the server costs and says when all is well.

use std::time::Duration;

use serde_json::json;
use testkit::{Bound, PATIENCE, Phone, Server, Talk};

#[test]
fn options_are_answered_with_what_is_understood() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    for mut phone in [
        Phone::udp(server.sip, server.peer_ip(2), &account),
        Phone::tcp(server.sip, server.peer_ip(2), &account),
    ] {
        let request = phone.request("OPTIONS", &format!("sip:{}", server.domain));
        let answer = phone.exchange(&request);
        assert_eq!(answer.status(), 200);
        let allowed = answer.need("Allow").to_owned();
        for method in ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"] {
            assert!(allowed.contains(method), "{allowed}");
        }
    }
}

/// The hash of the operator's password takes 19 MiB for a moment at the first start; freed memory goes back after some
/// seconds.
#[test]
fn an_idle_server_is_small() {
    const LIMIT: u64 = 40 * 1_024 * 1_024;
    let server = Server::start();
    let bound = Bound::within(PATIENCE);
    while server.memory_bytes() > LIMIT {
        assert!(!bound.is_over(), "{} KiB", server.memory_bytes() / 1_024);
        server.program().wait_any_output(Duration::from_millis(200));
    }
}

#[test]
fn calls_leave_no_memory_port_or_call_behind() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let mut round = |calls: usize| {
        for _ in 0..calls {
            let mut call = talk.call();
            talk.hang_up(&mut call);
        }
        assert_eq!(talk.api.need("/api/calls/active")["total"], 0);
        server.memory_bytes()
    };
    let warm = round(200);
    let after = round(500);
    // 500 finished calls, each with four transactions that are absorbed for 32 seconds.
    let grown = after.saturating_sub(warm);
    assert!(grown < 12 * 1_024 * 1_024, "{} KiB more", grown / 1_024);
}

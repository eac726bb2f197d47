//! Calls that go wrong.

use std::time::Duration;

use serde_json::json;
use testkit::{Account, Phone, SHORTLY, Server, Setup, Talk};

#[test]
fn unknown_absent_and_foreign_callees_are_refused_with_the_status_that_fits() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let _absent = talk.api.account("6103", &json!({}));
    let sdp = talk.caller_sdp("sendrecv");
    for (number, status) in [("6999", 404), ("6103", 480), ("sip:someone@elsewhere.test", 403)] {
        let invite = talk.caller.invite(number, &sdp);
        assert_eq!(talk.caller.refused(&invite).status(), status, "{number}");
    }
    assert_eq!(talk.api.need("/api/calls/active")["total"], 0);
}

#[test]
fn nobody_calls_without_the_password() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let thief = Account { password: "not the password".to_owned(), ..talk.caller.account.clone() };
    let unknown = Account { username: "6999".to_owned(), ..thief.clone() };
    for account in [thief, unknown] {
        let mut phone = Phone::udp(server.sip, server.peer_ip(5), &account);
        let sdp = talk.caller_sdp("sendrecv");
        let invite = phone.invite("6102", &sdp);
        assert!(matches!(phone.refused(&invite).status(), 401 | 403 | 407));
    }
    assert_eq!(talk.callee.find(SHORTLY, &|message| message.is_request("INVITE")), None);
}

#[test]
fn an_account_has_no_more_calls_than_it_may_have() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let (status, _) = talk
        .api
        .put(&format!("/api/sip-users/{}", talk.caller.account.id), &json!({"max_concurrent_calls": 1}));
    assert_eq!(status, 200);
    let mut call = talk.call();
    let sdp = talk.caller_sdp("sendrecv");
    let second = talk.caller.invite("6102", &sdp);
    assert_eq!(talk.caller.refused(&second).status(), 486);
    talk.hang_up(&mut call);
    let third = talk.caller.invite("6102", &sdp);
    talk.callee.incoming();
    talk.caller.ringing_or_trying(&third);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_ended_with_bye() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let (sent, received) = talk.ring();
    talk.caller.cancel(&sent);
    // The callee answers though it was told to stop.
    let sdp = talk.callee_sdp("sendrecv");
    let (answer, dialog) = talk.callee.answer_prepared(&received, &sdp);
    talk.callee.send(&answer);
    talk.callee.expect("an ACK", |message| message.is_request("ACK"));
    talk.callee.hung_up(&dialog);
    assert_eq!(talk.api.ended_call("6101")["termination"]["reason"], "cancelled");
}

#[test]
fn a_lost_ack_is_asked_for_again() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let (sent, received) = talk.ring();
    let sdp = talk.callee_sdp("sendrecv");
    let (answer, callee) = talk.callee.answer_prepared(&received, &sdp);
    talk.callee.send(&answer);
    let first = talk.caller.answered_without_ack(&sent);
    let second = talk.caller.answered_without_ack(&sent);
    assert_eq!(first, second, "the 200 is repeated until it is acknowledged");
    let mut caller = talk.caller.dialog_from(&sent, &second);
    talk.caller.acknowledge(&mut caller, "");
    // One that was under way may still come; afterwards none does.
    while talk.caller.find(Duration::from_millis(1_500), &|message| message.status() == 200).is_some() {}
    let mut call = testkit::Answered { caller, callee };
    call.callee.remote_sdp.clone_from(&received.body);
    talk.hang_up(&mut call);
}

/// RFC 3261 §13.3.1.4: after 64*T1 without an ACK the session is ended with BYE. Takes 32 seconds.
#[test]
fn an_ack_that_never_comes_ends_the_call_after_32_seconds() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let (sent, received) = talk.ring();
    let sdp = talk.callee_sdp("sendrecv");
    let (answer, callee) = talk.callee.answer_prepared(&received, &sdp);
    talk.callee.send(&answer);
    talk.caller.answered_without_ack(&sent);
    let bye = talk.caller.find(Duration::from_secs(40), &|message| message.is_request("BYE"));
    let bye = bye.expect("a BYE to the caller that never acknowledged");
    talk.caller.respond(&bye, 200, "OK");
    talk.callee.hung_up(&callee);
    assert_eq!(talk.api.ended_call("6101")["termination"]["reason"], "unacknowledged");
}

#[test]
fn requests_for_calls_that_do_not_exist_get_481() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let mut call = talk.call();
    talk.hang_up(&mut call);
    let again = talk.caller.in_dialog(&mut call.caller, "BYE");
    assert_eq!(talk.caller.exchange(&again).status(), 481);
    let target = format!("sip:6102@{}", talk.caller.account.domain);
    let cancel = talk.caller.request("CANCEL", &target);
    assert_eq!(talk.caller.exchange(&cancel).status(), 481);
}

#[test]
fn a_call_with_no_hops_left_is_refused() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let sdp = talk.caller_sdp("sendrecv");
    let mut invite = talk.caller.invite_request("6102", &sdp);
    for (name, value) in &mut invite.headers {
        if name == "Max-Forwards" {
            "0".clone_into(value);
        }
    }
    talk.caller.send(&invite);
    let mut answer = talk.caller.refused(&invite);
    if matches!(answer.status(), 401 | 407) {
        let again = talk.caller.authorized(&invite, &answer);
        talk.caller.send(&again);
        answer = talk.caller.refused(&again);
    }
    assert_eq!(answer.status(), 483);
}

#[test]
fn a_callee_whose_connection_breaks_while_it_rings_is_given_up() {
    let server = Server::start();
    let api = server.admin();
    let (one, other) = (api.account("6101", &json!({})), api.account("6102", &json!({})));
    let mut caller = Phone::udp(server.sip, server.peer_ip(2), &one);
    let mut callee = Phone::tcp(server.sip, server.peer_ip(3), &other);
    caller.register(600);
    callee.register(600);
    let sdp = testkit::offer((server.peer_ip(2), 40_000).into(), testkit::Codec::Pcmu, "sendrecv");
    let invite = caller.invite("6102", &sdp);
    callee.incoming();
    drop(callee);
    let status = caller.refused(&invite).status();
    assert!(matches!(status, 480 | 503), "{status}");
}

#[test]
fn without_a_free_media_port_the_call_is_refused_and_ports_come_back() {
    // Two pairs: one call.
    let server = Server::start_with(Setup::sqlite().with("CROSSPOINT_MEDIA__PORTS", "12000-12003"));
    let mut talk = Talk::prepare(&server);
    let mut call = talk.call();
    let sdp = talk.caller_sdp("sendrecv");
    let second = talk.caller.invite("6102", &sdp);
    assert_eq!(talk.caller.refused(&second).status(), 503);
    talk.hang_up(&mut call);
    // Ports rest a little before they are given out again.
    let bound = testkit::Bound::within(testkit::PATIENCE);
    loop {
        let invite = talk.caller.invite("6102", &sdp);
        if let Some(received) = talk.callee.find(SHORTLY, &|message| message.is_request("INVITE")) {
            talk.callee.respond(&received, 486, "Busy Here");
            talk.caller.refused(&invite);
            break;
        }
        talk.caller.refused(&invite);
        assert!(!bound.is_over(), "the ports of the first call come back");
    }
}

#[test]
fn descriptions_that_are_none_are_refused_and_nothing_rings() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    for (body, status) in [
        ("v=0\r\nthis is no description\r\n", 400..=499),
        ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", 400..=499),
    ] {
        let invite = talk.caller.invite("6102", body);
        let answer = talk.caller.refused(&invite);
        assert!(status.contains(&answer.status()), "{}", answer.start);
    }
    assert_eq!(talk.callee.find(SHORTLY, &|message| message.is_request("INVITE")), None);
    let mut call = talk.call();
    talk.hang_up(&mut call);
}

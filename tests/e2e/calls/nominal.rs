//! Calls as people make them.

use serde_json::json;
use testkit::{
    CALLEE_TONE, CALLER_TONE, Codec, PATIENCE, Phone, Server, Setup, Talk, TonePeers, caller_of,
    media_target, offer, on_both_databases,
};

on_both_databases!(a_call_is_heard_both_ways_seen_and_recorded);

fn a_call_is_heard_both_ways_seen_and_recorded(setup: Setup) {
    let server = Server::start_with(setup);
    let mut talk = Talk::prepare(&server);
    let mut call = talk.call();
    talk.speak(&call);
    talk.assert_heard();

    let active = talk.api.need("/api/calls/active");
    assert_eq!(active["total"], 1, "{active:#}");
    let running = &active["calls"][0];
    assert_eq!((&running["from_number"], &running["to_number"]), (&json!("6101"), &json!("6102")));
    assert_eq!((&running["direction"], &running["state"]), (&json!("internal"), &json!("answered")));
    assert_eq!(running["legs"].as_array().map(Vec::len), Some(2));
    let one = talk.api.need(&format!("/api/calls/{}", running["call_id"].as_str().unwrap()));
    assert_eq!(one["call_id"], running["call_id"]);

    let (from_caller, from_callee) = (talk.caller_ear.stop(), talk.callee_ear.stop());
    let at_callee = talk.callee_ear.wait_received(from_caller, PATIENCE);
    let at_caller = talk.caller_ear.wait_received(from_callee, PATIENCE);
    assert_eq!((at_callee.received, at_caller.received), (from_caller, from_callee), "no packet is lost");
    assert_eq!((at_callee.strange, at_caller.strange), (0, 0));
    talk.hang_up(&mut call);

    let record = talk.api.ended_call("6101");
    assert_eq!(record["call_id"], running["call_id"]);
    assert_eq!((&record["to_number"], &record["sip_status"]), (&json!("6102"), &json!(200)));
    assert_eq!(record["codec"], "PCMU", "{record:#}");
    let termination = json!({
        "fault": "none", "cause": 16, "cause_name": "normal_clearing", "reason": "caller_hung_up"
    });
    assert_eq!(record["termination"], termination);
    assert!(record["answered_at"].as_str() <= record["ended_at"].as_str());
    let received: Vec<u64> = record["legs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leg| leg["packets_received"].as_u64().unwrap())
        .collect();
    assert_eq!(received, [from_caller, from_callee], "{record:#}");
    assert_eq!(talk.api.need("/api/calls/active")["total"], 0);
}

#[test]
fn the_callee_sees_who_calls_and_can_hang_up() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let (sent, received) = talk.ring();
    assert_eq!(caller_of(&received), "6101");
    assert_ne!(received.need("Call-ID"), sent.need("Call-ID"), "two dialogs, one for each side");
    let sdp = talk.callee_sdp("sendrecv");
    let (answer, mut callee) = talk.callee.answer_prepared(&received, &sdp);
    talk.callee.send(&answer);
    let caller = talk.caller.answered(&sent);
    talk.callee.expect("an ACK", |message| message.is_request("ACK"));
    let bye = talk.callee.in_dialog(&mut callee, "BYE");
    talk.callee.send(&bye);
    talk.caller.hung_up(&caller);
    let record = talk.api.ended_call("6101");
    assert_eq!(record["termination"]["reason"], "callee_hung_up");
}

#[test]
fn a_caller_on_tcp_reaches_a_callee_on_udp_and_back() {
    let server = Server::start();
    let api = server.admin();
    let (one, other) = (api.account("6101", &json!({})), api.account("6102", &json!({})));
    let mut stream = Phone::tcp(server.sip, server.peer_ip(2), &one);
    let mut datagrams = Phone::udp(server.sip, server.peer_ip(3), &other);
    stream.register(600);
    datagrams.register(600);
    let sdp = |phone: &Phone| offer((phone.local().ip(), 40_000).into(), Codec::Pcma, "sendrecv");
    for (caller, callee, number) in [(true, false, "6102"), (false, true, "6101")] {
        let (a, b) =
            if caller && !callee { (&mut stream, &mut datagrams) } else { (&mut datagrams, &mut stream) };
        let invite = a.invite(number, &sdp(a));
        let received = b.incoming();
        let answer_sdp = sdp(b);
        let (answer, _) = b.answer_prepared(&received, &answer_sdp);
        b.send(&answer);
        let mut dialog = a.answered(&invite);
        b.expect("an ACK", |message| message.is_request("ACK"));
        let bye = a.in_dialog(&mut dialog, "BYE");
        a.send(&bye);
        let bye = b.expect("a BYE", |message| message.is_request("BYE"));
        b.respond(&bye, 200, "OK");
        a.expect("the answer to BYE", |message| message.answers("BYE") && message.status() == 200);
    }
}

#[test]
fn all_contacts_ring_and_the_first_to_answer_has_the_call() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let mut second = Phone::udp(server.sip, server.peer_ip(4), &talk.callee.account);
    second.register(600);
    let sdp = talk.caller_sdp("sendrecv");
    let invite = talk.caller.invite("6102", &sdp);
    let (at_first, at_second) = (talk.callee.incoming(), second.incoming());
    talk.callee.respond(&at_first, 180, "Ringing");
    second.respond(&at_second, 180, "Ringing");
    talk.caller.ringing(&invite);
    let answer = offer(talk.callee_ear.addr(), Codec::Pcmu, "sendrecv");
    let (ok, _) = second.answer_prepared(&at_second, &answer);
    second.send(&ok);
    let cancel = talk.callee.expect("a CANCEL", |message| message.is_request("CANCEL"));
    assert!(cancel.need("Reason").contains("Call completed elsewhere"), "{cancel:#?}");
    talk.callee.respond(&cancel, 200, "OK");
    talk.callee.respond(&at_first, 487, "Request Terminated");
    talk.callee.expect("an ACK", |message| message.is_request("ACK"));
    let mut dialog = talk.caller.answered(&invite);
    second.expect("an ACK", |message| message.is_request("ACK"));
    let bye = talk.caller.in_dialog(&mut dialog, "BYE");
    talk.caller.send(&bye);
    let bye = second.expect("a BYE", |message| message.is_request("BYE"));
    second.respond(&bye, 200, "OK");
    assert_eq!(talk.api.ended_call("6101")["termination"]["reason"], "caller_hung_up");
}

#[test]
fn the_call_goes_to_where_the_phone_registered_from_whatever_its_contact_says() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    talk.callee.register(0);
    let mut request = talk.callee.register_request(600);
    request.remove("Contact");
    let private = "sip:6102@10.11.12.13:5060;x=%22y%22";
    let request = request.with("Contact", format!("<{private}>"));
    assert_eq!(talk.callee.ask(&request).status(), 200);
    let sdp = talk.caller_sdp("sendrecv");
    let invite = talk.caller.invite("6102", &sdp);
    let received = talk.callee.incoming();
    assert_eq!(received.uri(), private, "byte for byte");
    talk.callee.respond(&received, 486, "Busy Here");
    assert_eq!(talk.caller.refused(&invite).status(), 486);
}

#[test]
fn early_media_is_heard_before_the_answer() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let sdp = talk.caller_sdp("sendrecv");
    let invite = talk.caller.invite("6102", &sdp);
    let received = talk.callee.incoming();
    let early = talk.callee_sdp("sendrecv");
    let progress = talk.callee.response(&received, 183, "Session Progress");
    talk.callee.send(&progress.with_body("application/sdp", early));
    let heard = talk.caller.ringing(&invite);
    assert_eq!(heard.status(), 183);
    talk.callee_ear.send_to(media_target(&received.body));
    let tone = talk.caller_ear.listen(PATIENCE);
    assert!(tone.is_tone(CALLEE_TONE.0, CALLEE_TONE.1), "{tone:?}");
    talk.callee.respond(&received, 486, "Busy Here");
    assert_eq!(talk.caller.refused(&invite).status(), 486);
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let (sent, received) = talk.ring();
    talk.caller.cancel(&sent);
    let cancel = talk.callee.expect("a CANCEL", |message| message.is_request("CANCEL"));
    talk.callee.respond(&cancel, 200, "OK");
    talk.callee.respond(&received, 487, "Request Terminated");
    talk.callee.expect("an ACK", |message| message.is_request("ACK"));
    let record = talk.api.ended_call("6101");
    assert_eq!(record["termination"]["reason"], "cancelled");
    assert_eq!((&record["sip_status"], &record["answered_at"]), (&json!(487), &json!(null)));
}

#[test]
fn a_busy_or_unwilling_callee_is_passed_on_as_it_is() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    for (status, reason, cause, word) in [(486, "Busy Here", 17, "busy"), (603, "Decline", 21, "declined")] {
        let sdp = talk.caller_sdp("sendrecv");
        let invite = talk.caller.invite("6102", &sdp);
        let received = talk.callee.incoming();
        talk.callee.respond(&received, status, reason);
        talk.callee.expect("an ACK", |message| message.is_request("ACK"));
        assert_eq!(talk.caller.refused(&invite).status(), status);
        let list = talk.api.wait("/api/calls/?from_number=6101", "the refused call", |list| {
            list["items"][0]["sip_status"] == status
        });
        assert_eq!(list["items"][0]["termination"]["cause"], cause);
        assert_eq!(list["items"][0]["termination"]["reason"], word);
    }
}

#[test]
fn nobody_answers_in_time() {
    let server = Server::start_with(Setup::sqlite().with("CROSSPOINT_SIP__RING_TIMEOUT_S", "1"));
    let mut talk = Talk::prepare(&server);
    let (sent, received) = talk.ring();
    let cancel = talk.callee.expect("a CANCEL", |message| message.is_request("CANCEL"));
    talk.callee.respond(&cancel, 200, "OK");
    talk.callee.respond(&received, 487, "Request Terminated");
    assert_eq!(talk.caller.refused(&sent).status(), 480);
    let record = talk.api.ended_call("6101");
    assert_eq!(
        (&record["termination"]["reason"], &record["termination"]["cause"]),
        (&json!("no_answer"), &json!(19))
    );
}

#[test]
fn hold_silences_without_ending_and_resume_brings_the_tones_back() {
    // Far less than the time on hold: a held side is not waited for.
    let server = Server::start_with(Setup::sqlite().with("CROSSPOINT_MEDIA__SILENCE_TIMEOUT_S", "1"));
    let mut talk = Talk::prepare(&server);
    let mut call = talk.call();
    talk.speak(&call);
    talk.assert_heard();

    let (hold, held, resume) =
        (talk.caller_sdp("sendonly"), talk.callee_sdp("recvonly"), talk.caller_sdp("sendrecv"));
    let answer = change(&mut talk, &mut call, &hold, &held);
    assert!(answer.contains("a=recvonly"), "{answer}");
    let state =
        talk.api.wait("/api/calls/active", "a held call", |active| active["calls"][0]["state"] == "held");
    assert_eq!(state["total"], 1);
    talk.caller_ear.stop();
    talk.callee_ear.stop();
    // Nothing happens for longer than the silence that would end the call.
    let ended =
        talk.caller.find(std::time::Duration::from_millis(2_500), &|message| message.is_request("BYE"));
    assert_eq!(ended, None);

    let both = talk.callee_sdp("sendrecv");
    let answer = change(&mut talk, &mut call, &resume, &both);
    assert!(answer.contains("a=sendrecv") || !answer.contains("a=recvonly"), "{answer}");
    talk.speak(&call);
    talk.assert_heard();
    talk.hang_up(&mut call);
}

/// The caller changes the session; the callee takes it; gives the answer the caller gets.
fn change(talk: &mut Talk, call: &mut testkit::Answered, offered: &str, answered: &str) -> String {
    let invite = talk.caller.in_dialog(&mut call.caller, "INVITE").with_body("application/sdp", offered);
    talk.caller.send(&invite);
    let received = talk.callee.expect("a re-INVITE", |message| message.is_request("INVITE"));
    let direction = offered.lines().rev().find(|line| line.starts_with("a=send")).unwrap();
    assert!(received.body.contains(direction), "{direction} is passed on: {}", received.body);
    call.callee.remote_sdp.clone_from(&received.body);
    let answer = talk.callee.response(&received, 200, "OK").with_body("application/sdp", answered);
    talk.callee.send(&answer);
    let answer = talk.caller.answered_without_ack(&invite);
    call.caller.remote_sdp.clone_from(&answer.body);
    talk.caller.acknowledge(&mut call.caller, "");
    talk.callee.expect("an ACK", |message| message.is_request("ACK"));
    answer.body
}

#[test]
fn the_callee_changes_the_session_too() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let mut call = talk.call();
    talk.speak(&call);
    // By then the caller's ACK has arrived too; before, the change could cross it and get 491.
    talk.assert_heard();
    let hold = talk.callee_sdp("inactive");
    let invite = talk.callee.in_dialog(&mut call.callee, "INVITE").with_body("application/sdp", hold);
    talk.callee.send(&invite);
    let held = talk.caller_sdp("inactive");
    let received = talk.caller.reinvited(&mut call.caller, &held);
    assert!(received.body.contains("a=inactive"), "{}", received.body);
    let answer = talk.callee.answered_without_ack(&invite);
    talk.callee.acknowledge(&mut call.callee, "");
    assert!(answer.body.contains("a=inactive"), "{}", answer.body);
    talk.hang_up(&mut call);
}

#[test]
fn a_call_without_an_offer_gets_the_callees() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let invite = talk.caller.invite("6102", "");
    let received = talk.callee.incoming();
    assert_eq!(received.body, "", "the offer is left to the callee");
    let sdp = talk.callee_sdp("sendrecv");
    let (answer, mut callee) = talk.callee.answer_prepared(&received, &sdp);
    talk.callee.send(&answer);
    let offered = talk.caller.answered_without_ack(&invite);
    let mut caller = talk.caller.dialog_from(&invite, &offered);
    let sdp = talk.caller_sdp("sendrecv");
    talk.caller.acknowledge(&mut caller, &sdp);
    let ack = talk.callee.expect("an ACK", |message| message.is_request("ACK"));
    callee.remote_sdp = ack.body;
    let mut call = testkit::Answered { caller, callee };
    talk.speak(&call);
    talk.assert_heard();
    talk.hang_up(&mut call);
}

#[test]
fn the_echo_test_gives_the_callers_own_tone_back() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let sdp = talk.caller_sdp("sendrecv");
    let invite = talk.caller.invite("*43", &sdp);
    let mut dialog = talk.caller.answered(&invite);
    talk.caller_ear.send_to(media_target(&dialog.remote_sdp));
    let heard = talk.caller_ear.listen(PATIENCE);
    assert!(heard.is_tone(CALLER_TONE.0, CALLER_TONE.1), "{heard:?}");
    talk.caller.bye(&mut dialog);
    assert_eq!(talk.api.ended_call("6101")["to_number"], "*43");
}

#[test]
fn silence_ends_a_call() {
    let server = Server::start_with(Setup::sqlite().with("CROSSPOINT_MEDIA__SILENCE_TIMEOUT_S", "1"));
    let mut talk = Talk::prepare(&server);
    let call = talk.call();
    talk.speak(&call);
    talk.assert_heard();
    talk.callee_ear.stop();
    talk.caller.hung_up(&call.caller);
    talk.callee.hung_up(&call.callee);
    let record = talk.api.ended_call("6101");
    assert_eq!(
        (&record["termination"]["reason"], &record["termination"]["fault"]),
        (&json!("media_silent"), &json!("network"))
    );
}

#[test]
fn an_operator_ends_a_call() {
    let server = Server::start();
    let mut talk = Talk::prepare(&server);
    let call = talk.call();
    let active = talk.api.need("/api/calls/active");
    let id = active["calls"][0]["call_id"].as_str().unwrap().to_owned();
    let (status, body) = talk.api.post(&format!("/api/calls/{id}/hangup"), &json!({}));
    assert!((200..300).contains(&status), "{status} {body}");
    talk.caller.hung_up(&call.caller);
    talk.callee.hung_up(&call.callee);
    assert_eq!(talk.api.ended_call("6101")["termination"]["fault"], "operator");
}

/// 100 calls of 20 seconds at the same time, each packet of both sides counted where it arrives.
#[test]
fn a_hundred_calls_of_twenty_seconds_lose_no_packet() {
    const CALLS: usize = 100;
    const PACKETS: u64 = 20 * 50;
    let server = Server::start();
    let api = server.admin();
    let plenty = json!({"max_concurrent_calls": CALLS});
    let [one, other] = ["6101", "6102"].map(|name| api.account(name, &plenty));
    let mut caller = Phone::udp(server.sip, server.peer_ip(2), &one);
    let mut callee = Phone::udp(server.sip, server.peer_ip(3), &other);
    caller.register(600);
    callee.register(600);
    let tones = TonePeers::start();
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let near = tones.add(server.peer_ip(2), Codec::Pcmu, CALLER_TONE.0, CALLER_TONE.1);
        let far = tones.add(server.peer_ip(3), Codec::Pcmu, CALLEE_TONE.0, CALLEE_TONE.1);
        let invite = caller.invite("6102", &offer(near.addr(), Codec::Pcmu, "sendrecv"));
        let received = callee.incoming();
        let (answer, _) = callee.answer_prepared(&received, &offer(far.addr(), Codec::Pcmu, "sendrecv"));
        callee.send(&answer);
        let dialog = caller.answered(&invite);
        callee.expect("an ACK", |message| message.is_request("ACK"));
        near.send_to(media_target(&dialog.remote_sdp));
        far.send_to(media_target(&received.body));
        calls.push((dialog, near, far));
    }
    assert_eq!(api.need("/api/calls/active")["total"], CALLS);
    let last = calls.last().unwrap();
    let counted = last.2.wait_received(PACKETS, PATIENCE * 3);
    assert!(counted.received >= PACKETS, "the last call lasts 20 s: {counted:?}");
    let (heard_near, heard_far) = (last.1.listen(PATIENCE), last.2.listen(PATIENCE));
    assert!(heard_near.is_tone(CALLEE_TONE.0, CALLEE_TONE.1), "{heard_near:?}");
    assert!(heard_far.is_tone(CALLER_TONE.0, CALLER_TONE.1), "{heard_far:?}");
    for (_, near, far) in &calls {
        let (from_near, from_far) = (near.stop(), far.stop());
        let (at_far, at_near) =
            (far.wait_received(from_near, PATIENCE), near.wait_received(from_far, PATIENCE));
        assert!(from_near >= PACKETS, "each call lasts 20 s");
        assert_eq!((at_far.received, at_near.received), (from_near, from_far));
        assert_eq!((at_far.duplicates, at_near.duplicates, at_far.strange, at_near.strange), (0, 0, 0, 0));
    }
    for (mut dialog, ..) in calls {
        let bye = caller.in_dialog(&mut dialog, "BYE");
        caller.send(&bye);
        let bye = callee.expect("a BYE", |message| message.is_request("BYE"));
        callee.respond(&bye, 200, "OK");
        caller.expect("the answer to BYE", |message| message.answers("BYE") && message.status() == 200);
    }
    let path = format!("/api/calls/?state=ended&per_page={CALLS}");
    let list = api.wait(&path, "all records", |list| list["total"] == CALLS);
    let legs = list["items"].as_array().unwrap().iter().flat_map(|call| call["legs"].as_array().unwrap());
    for leg in legs {
        assert_eq!(leg["lost"], 0, "{leg}");
        assert!(leg["packets_received"].as_u64() >= Some(PACKETS), "{leg}");
    }
}

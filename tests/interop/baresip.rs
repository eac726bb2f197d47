//! baresip calls baresip through the server; the audio is proven by the tones that arrive.
#![cfg(test)]

use serde_json::json;
use testkit::{Baresip, Heard, Manner, Phone, Server};

const LOW: u32 = 440;
const HIGH: u32 = 1_000;

fn phone(server: &Server, host: u8, manner: &Manner) -> Baresip {
    let account = server.admin().account(&format!("640{host}"), &json!({}));
    Baresip::start(server, host, &account, manner)
}

/// What the far end recorded must be what the near end sent, in frequency and level.
fn assert_same_tone(spoken: Heard, heard: Heard, hz: u32) {
    assert!(spoken.is_tone(f64::from(hz), spoken.level), "the source itself: {spoken:?}");
    assert!(heard.is_tone(f64::from(hz), spoken.level), "sent {spoken:?}, heard {heard:?}");
    assert!(spoken.level > -40.0, "loud enough to be no accident: {spoken:?}");
}

/// A call from one to the other, until each side has received audio for two seconds and more.
fn talk(server: &Server, caller: &mut Baresip, callee: &mut Baresip, number: &str) {
    caller.command("dial", number);
    callee.expect("CALL_ESTABLISHED");
    caller.expect("CALL_ESTABLISHED");
    caller.expect("CALL_RTPESTAB");
    callee.expect("CALL_RTPESTAB");
    wait_for_packets(server, 150);
}

/// Waits until the server has relayed so many packets from each side of its one call.
fn wait_for_packets(server: &Server, packets: u64) {
    server.admin().wait("/api/channels", "packets from both sides", |list| {
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        !items.is_empty() && items.iter().all(|item| item["packets_received"].as_u64() >= Some(packets))
    });
}

fn two_baresips_hear_each_other(transport: &'static str, codec: &'static str) {
    let server = Server::start();
    let mut caller = phone(&server, 2, &Manner { hz: LOW, transport, more: codec });
    let more = if codec.contains("PCMA") {
        ";answermode=auto;audio_codecs=PCMA"
    } else {
        ";answermode=auto;audio_codecs=PCMU"
    };
    let mut callee = phone(&server, 3, &Manner { hz: HIGH, transport, more });
    talk(&server, &mut caller, &mut callee, "sip:6403@pbx.test");
    caller.command("hangup", "");
    callee.expect("CALL_CLOSED");
    caller.expect("CALL_CLOSED");
    assert_same_tone(caller.spoken(), callee.heard(), LOW);
    assert_same_tone(callee.spoken(), caller.heard(), HIGH);
    let record = server.admin().ended_call("6402");
    assert_eq!(record["termination"]["reason"], "caller_hung_up", "{record:#}");
    for leg in record["legs"].as_array().unwrap() {
        assert_eq!(leg["lost"], 0, "{leg}");
    }
}

#[test]
fn two_baresips_hear_each_other_over_udp_in_pcmu() {
    two_baresips_hear_each_other("udp", ";audio_codecs=PCMU");
}

#[test]
fn two_baresips_hear_each_other_over_tcp_in_pcma() {
    two_baresips_hear_each_other("tcp", ";audio_codecs=PCMA");
}

#[test]
fn the_callee_answers_by_hand_and_hangs_up() {
    let server = Server::start();
    let mut caller = phone(&server, 2, &Manner { hz: LOW, transport: "udp", more: "" });
    let mut callee = phone(&server, 3, &Manner { hz: HIGH, transport: "tcp", more: "" });
    caller.command("dial", "sip:6403@pbx.test");
    let incoming = callee.expect("CALL_INCOMING");
    assert!(incoming.param.contains("6402"), "{incoming:?}");
    caller.expect("CALL_RINGING");
    callee.command("accept", "");
    caller.expect("CALL_ESTABLISHED");
    wait_for_packets(&server, 150);
    callee.command("hangup", "");
    caller.expect("CALL_CLOSED");
    callee.expect("CALL_CLOSED");
    assert_same_tone(caller.spoken(), callee.heard(), LOW);
    assert_same_tone(callee.spoken(), caller.heard(), HIGH);
}

#[test]
fn a_held_call_goes_on_where_it_was() {
    let server = Server::start();
    let mut caller = phone(&server, 2, &Manner { hz: LOW, transport: "udp", more: "" });
    let mut callee = phone(&server, 3, &Manner { hz: HIGH, transport: "udp", more: ";answermode=auto" });
    talk(&server, &mut caller, &mut callee, "sip:6403@pbx.test");
    let api = server.admin();
    caller.command("hold", "");
    api.wait("/api/calls/active", "a held call", |active| active["calls"][0]["state"] == "held");
    caller.command("resume", "");
    api.wait("/api/calls/active", "a call that goes on", |active| active["calls"][0]["state"] == "answered");
    let before = api.need("/api/channels")["items"][0]["packets_received"].as_u64().unwrap();
    wait_for_packets(&server, before + 150);
    caller.command("hangup", "");
    callee.expect("CALL_CLOSED");
    let record = api.ended_call("6402");
    assert_eq!(record["termination"]["reason"], "caller_hung_up", "{record:#}");
}

#[test]
fn the_echo_test_gives_baresip_its_own_tone_back() {
    let server = Server::start();
    let mut caller = phone(&server, 2, &Manner { hz: LOW, transport: "udp", more: "" });
    caller.command("dial", "sip:*43@pbx.test");
    caller.expect("CALL_ESTABLISHED");
    wait_for_packets(&server, 150);
    caller.command("hangup", "");
    caller.expect("CALL_CLOSED");
    assert_same_tone(caller.spoken(), caller.heard(), LOW);
}

#[test]
fn a_refused_call_ends_at_the_caller() {
    let server = Server::start();
    let mut caller = phone(&server, 2, &Manner { hz: LOW, transport: "udp", more: "" });
    let mut callee = phone(&server, 3, &Manner { hz: HIGH, transport: "udp", more: "" });
    caller.command("dial", "sip:6403@pbx.test");
    callee.expect("CALL_INCOMING");
    callee.command("hangup", "");
    let closed = caller.expect("CALL_CLOSED");
    assert!(closed.param.contains("486") || closed.param.contains("603"), "{closed:?}");
    caller.command("dial", "sip:6999@pbx.test");
    let closed = caller.expect("CALL_CLOSED");
    assert!(closed.param.contains("404"), "{closed:?}");
}

#[test]
fn baresip_is_called_again_after_the_server_was_killed() {
    let mut server = Server::start();
    let mut callee = phone(&server, 3, &Manner { hz: HIGH, transport: "udp", more: ";answermode=auto" });
    let account = server.admin().account("6405", &json!({}));
    server.kill_and_restart();
    let mut caller = Phone::udp(server.sip, server.peer_ip(5), &account);
    let sdp = testkit::offer((server.peer_ip(5), 40_000).into(), testkit::Codec::Pcmu, "sendrecv");
    let invite = caller.invite("6403", &sdp);
    let mut dialog = caller.answered(&invite);
    callee.expect("CALL_ESTABLISHED");
    caller.bye(&mut dialog);
    callee.expect("CALL_CLOSED");
}

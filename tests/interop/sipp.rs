//! SIPp as callers and callees, with the scenarios beside this file.
#![cfg(test)]

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Account, Api, Codec, Server, Setup, Sipp, SippRun, Statistics, coded_tone};

/// No run of these takes longer on a busy machine, but for its own pauses.
const BOUND: Duration = Duration::from_secs(120);

/// Callers, and one callee that SIPp answers for.
struct Cast {
    server: Server,
    api: Api,
    caller: Account,
    callee_at: SocketAddr,
    caller_at: SocketAddr,
    transport: &'static [&'static str],
}

impl Cast {
    /// `6101` calls `6102`, which registers from where SIPp will answer.
    fn on_udp(setup: Setup) -> Cast {
        let server = Server::start_with(setup);
        let api = server.admin();
        let plenty = json!({"max_concurrent_calls": 1_000});
        let [caller, callee] = ["6101", "6102"].map(|name| api.account(name, &plenty));
        let [caller_at, callee_at] = [2, 3].map(|host| {
            let ip = server.peer_ip(host);
            SocketAddr::new(ip, server.slot.free_port(ip, 15_080))
        });
        let transport = &["-t", "u1"];
        let cast = Cast { server, api, caller, callee_at, caller_at, transport };
        let registered = cast.sipp("register.xml", callee_at).accounts(&[callee], "").calls(1, 1).run(BOUND);
        assert_eq!((registered.successful, registered.failed), (1, 0));
        cast
    }

    fn sipp(&self, scenario: &str, local: SocketAddr) -> Sipp {
        Sipp::new(scenario, self.server.sip, local).arguments(self.transport)
    }

    /// Starts what answers; `calls` of them.
    fn callee(&self, scenario: &str, calls: usize) -> SippRun {
        let run = self
            .with_tone(self.sipp(scenario, self.callee_at))
            .arguments(&["-m", &calls.to_string()])
            .start();
        run.wait_started();
        run
    }

    fn caller(&self, scenario: &str, calls: usize, rate: usize) -> Sipp {
        self.with_tone(self.sipp(scenario, self.caller_at))
            .accounts(std::slice::from_ref(&self.caller), "6102")
            .calls(calls, rate)
    }

    fn with_tone(&self, sipp: Sipp) -> Sipp {
        sipp.file("tone.ulaw", coded_tone(Codec::Pcmu, 440.0, -12.0, 1))
    }

    /// All records, once so many calls have ended.
    fn records(&self, calls: usize) -> Vec<Value> {
        let path = "/api/calls/?state=ended&per_page=500";
        let list = self.api.wait(path, &format!("{calls} records"), |list| list["total"] == calls);
        list["items"].as_array().unwrap().clone()
    }

    fn assert_nothing_left(&self) {
        self.api.wait("/api/calls/active", "no call", |active| active["total"] == 0);
    }
}

fn assert_all(what: &str, statistics: Statistics, calls: u64) {
    assert_eq!((statistics.successful, statistics.failed), (calls, 0), "{what}: {statistics:?}");
}

#[test]
fn a_thousand_accounts_register_with_digest() {
    const COUNT: u32 = 1_000;
    let server = Server::start();
    let api = server.admin();
    let accounts = api.accounts(10_000, COUNT);
    let local = SocketAddr::new(server.peer_ip(2), 15_080);
    let run = |rate| {
        Sipp::new("register.xml", server.sip, local)
            .accounts(&accounts, "")
            .calls(accounts.len(), rate)
            .run(BOUND)
    };
    assert_all("first", run(250), COUNT.into());
    assert_eq!(api.need("/api/registrations?per_page=1")["total"], COUNT);
    // A second round refreshes the same contacts.
    assert_all("refresh", run(500), COUNT.into());
    assert_eq!(api.need("/api/registrations?per_page=1")["total"], COUNT);
}

#[test]
fn a_thousand_registrations_survive_a_kill() {
    const COUNT: u32 = 1_000;
    let mut server = Server::start();
    let accounts = server.admin().accounts(10_000, COUNT);
    let local = SocketAddr::new(server.peer_ip(2), 15_080);
    let run = Sipp::new("register.xml", server.sip, local)
        .accounts(&accounts, "")
        .calls(accounts.len(), 500)
        .run(BOUND);
    server.kill_and_restart();
    assert_all("registrations", run, COUNT.into());
    assert_eq!(server.admin().need("/api/registrations?per_page=1")["total"], COUNT);
}

#[test]
fn two_hundred_calls_are_set_up_and_ended() {
    const CALLS: usize = 200;
    let cast = Cast::on_udp(Setup::sqlite());
    let callee = cast.callee("answer.xml", CALLS);
    let caller = cast.caller("call.xml", CALLS, 50).arguments(&["-d", "300"]).run(BOUND);
    assert_all("callers", caller, CALLS as u64);
    assert_all("callees", callee.finish(BOUND), CALLS as u64);
    for record in cast.records(CALLS) {
        assert_eq!(record["termination"]["reason"], "caller_hung_up", "{record:#}");
        assert_eq!(record["sip_status"], 200);
    }
    cast.assert_nothing_left();
}

#[test]
fn calls_over_tcp_are_set_up_and_ended() {
    const CALLS: usize = 50;
    let cast = Cast { transport: &["-t", "t1"], ..Cast::on_udp(Setup::sqlite()) };
    // The callee stays on UDP: each side has its own transport.
    let udp = Cast { transport: &["-t", "u1"], ..cast };
    let callee = udp.callee("answer.xml", CALLS);
    let cast = Cast { transport: &["-t", "t1"], ..udp };
    let caller = cast.caller("call.xml", CALLS, 25).arguments(&["-d", "200"]).run(BOUND);
    assert_all("callers", caller, CALLS as u64);
    assert_all("callees", callee.finish(BOUND), CALLS as u64);
    cast.assert_nothing_left();
}

#[test]
fn cancelled_calls_stop_ringing() {
    const CALLS: usize = 50;
    let cast = Cast::on_udp(Setup::sqlite());
    let callee = cast.callee("answer_never.xml", CALLS);
    assert_all("callers", cast.caller("call_cancel.xml", CALLS, 25).run(BOUND), CALLS as u64);
    assert_all("callees", callee.finish(BOUND), CALLS as u64);
    assert!(cast.records(CALLS).iter().all(|record| record["termination"]["reason"] == "cancelled"));
    cast.assert_nothing_left();
}

#[test]
fn busy_is_passed_on() {
    const CALLS: usize = 50;
    let cast = Cast::on_udp(Setup::sqlite());
    let callee = cast.callee("answer_busy.xml", CALLS);
    assert_all("callers", cast.caller("call_busy.xml", CALLS, 25).run(BOUND), CALLS as u64);
    assert_all("callees", callee.finish(BOUND), CALLS as u64);
    assert!(cast.records(CALLS).iter().all(|record| record["termination"]["cause"] == 17));
    cast.assert_nothing_left();
}

#[test]
fn nobody_answers() {
    const CALLS: usize = 20;
    let cast = Cast::on_udp(Setup::sqlite().with("CROSSPOINT_SIP__RING_TIMEOUT_S", "1"));
    let callee = cast.callee("answer_never.xml", CALLS);
    assert_all("callers", cast.caller("call_no_answer.xml", CALLS, 20).run(BOUND), CALLS as u64);
    assert_all("callees", callee.finish(BOUND), CALLS as u64);
    assert!(cast.records(CALLS).iter().all(|record| record["termination"]["reason"] == "no_answer"));
    cast.assert_nothing_left();
}

/// The caller loses one message in ten, of those it sends and of those it receives; the callee one in five.
#[test]
fn lost_messages_are_made_up_for_by_retransmissions() {
    const CALLS: usize = 50;
    let cast = Cast::on_udp(Setup::sqlite());
    // Without a number of calls: what arrives late counts as a call for SIPp, and it would leave too early.
    let callee = cast.sipp("answer_lossy.xml", cast.callee_at).start();
    callee.wait_started();
    let lossy = ["-lost", "10", "-max_retrans", "9"];
    let caller = cast.caller("call.xml", CALLS, 25).arguments(&lossy).arguments(&["-d", "2000"]).run(BOUND);
    assert_all("callers", caller, CALLS as u64);
    assert!(caller.retransmissions > 0, "{caller:?}");
    for record in cast.records(CALLS) {
        assert_eq!(record["termination"]["reason"], "caller_hung_up", "{record:#}");
    }
    cast.assert_nothing_left();
}

#[test]
fn an_answer_is_repeated_until_its_ack_arrives() {
    const CALLS: usize = 50;
    let cast = Cast::on_udp(Setup::sqlite());
    let callee = cast.callee("answer.xml", CALLS);
    // Longer than the repetitions of an answer whose ACK is lost a few times.
    let caller = cast.caller("call_lost_ack.xml", CALLS, 25).arguments(&["-d", "6000"]).run(BOUND);
    assert_all("callers", caller, CALLS as u64);
    assert!(caller.retransmissions > 0, "ACKs were sent again: {caller:?}");
    assert_all("callees", callee.finish(BOUND), CALLS as u64);
    assert!(cast.records(CALLS).iter().all(|record| record["termination"]["reason"] == "caller_hung_up"));
    cast.assert_nothing_left();
}

#[test]
fn calls_over_the_limit_of_the_account_are_refused() {
    let cast = Cast::on_udp(Setup::sqlite());
    let path = format!("/api/sip-users/{}", cast.caller.id);
    assert_eq!(cast.api.put(&path, &json!({"max_concurrent_calls": 3})).0, 200);
    let callee = cast.callee("answer.xml", 3);
    let talking = cast.caller("call.xml", 3, 10).arguments(&["-d", "8000"]).start();
    cast.api.wait("/api/calls/active", "three calls", |active| {
        let calls = active["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        calls.len() == 3 && calls.iter().all(|call| call["state"] == "answered")
    });
    let elsewhere = SocketAddr::new(cast.server.peer_ip(4), 15_080);
    let refused = cast
        .sipp("call_over_limit.xml", elsewhere)
        .accounts(std::slice::from_ref(&cast.caller), "6102")
        .calls(5, 10)
        .run(BOUND);
    assert_all("refused", refused, 5);
    assert_all("callers", talking.finish(BOUND), 3);
    assert_all("callees", callee.finish(BOUND), 3);
    cast.assert_nothing_left();
}

/// Both sides stream RTP; what the server received on one leg it sent on the other, and nothing was missing.
#[test]
fn a_hundred_calls_at_once_with_rtp_for_twenty_seconds() {
    const CALLS: usize = 100;
    const SECONDS: u64 = 20;
    let cast = Cast::on_udp(Setup::sqlite());
    let callee = cast.callee("answer_with_rtp.xml", CALLS);
    let pause = (SECONDS * 1_000).to_string();
    let caller =
        cast.caller("call_with_rtp.xml", CALLS, 20).arguments(&["-l", "200", "-d", &pause]).run(BOUND);
    assert_all("callers", caller, CALLS as u64);
    assert_eq!(caller.peak, CALLS as u64, "all at once: {caller:?}");
    assert_all("callees", callee.finish(BOUND), CALLS as u64);
    for record in cast.records(CALLS) {
        let legs = record["legs"].as_array().unwrap();
        let count = |leg: usize, name: &str| legs[leg][name].as_u64().unwrap();
        for leg in [0, 1] {
            assert_eq!(count(leg, "lost"), 0, "{record:#}");
            assert!(count(leg, "packets_received") >= SECONDS * 50 * 9 / 10, "{record:#}");
        }
        assert_eq!(count(0, "packets_received"), count(1, "packets_sent"), "{record:#}");
        assert_eq!(count(1, "packets_received"), count(0, "packets_sent"), "{record:#}");
    }
    cast.assert_nothing_left();
}

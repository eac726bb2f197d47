//! Two endpoints and the network between them, on virtual time, with seeded faults.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use clock::{Random, Time};
use crosspoint_sip::{Counts, Endpoint, Method, Packet, Settings, Transport};

use super::agent::{Agent, Heard, Plan};
use super::{LINGER, flow};

/// How bad the network is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Per cent of packets that are lost.
    pub(crate) loss: u64,
    /// Per cent of packets that come twice.
    pub(crate) duplication: u64,
    /// The longest delay in milliseconds; packets overtake each other within it.
    pub(crate) delay_ms: u64,
}

impl Faults {
    pub(crate) const NONE: Faults = Faults { loss: 0, duplication: 0, delay_ms: 1 };
    pub(crate) const HARSH: Faults = Faults { loss: 20, duplication: 15, delay_ms: 400 };
}

/// One message that was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) at: Time,
    pub(crate) side: usize,
    pub(crate) bytes: Bytes,
}

/// Whether a message is swallowed, by side and text; asked before chance is.
pub(crate) type Swallow = fn(side: usize, text: &str) -> bool;

pub(crate) struct Scenario {
    pub(crate) plans: [Plan; 2],
    pub(crate) faults: Faults,
    pub(crate) swallow: Swallow,
    pub(crate) transport: Transport,
}

impl Scenario {
    pub(crate) fn new(caller: Plan, called: Plan) -> Scenario {
        let swallow = |_, _: &str| false;
        Scenario { plans: [caller, called], faults: Faults::HARSH, swallow, transport: Transport::Udp }
    }
}

struct Side {
    endpoint: Endpoint,
    agent: Agent,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) sent: Vec<Sent>,
    pub(crate) heard: [Vec<(Time, Heard)>; 2],
    /// When the last side had nothing left.
    pub(crate) empty_at: Time,
}

struct Network {
    now: Time,
    random: Random,
    sides: [Side; 2],
    wire: BTreeMap<(Time, u64), (usize, Packet)>,
    order: u64,
    sent: Vec<Sent>,
    restore: bool,
    empty_at: Time,
}

/// Runs a scenario to its end. With `restore` both endpoints are written down, dropped and read back at every step.
pub(crate) fn run(scenario: &Scenario, seed: u64, restore: bool) -> Outcome {
    let now = Time::from_secs(1_000);
    let mut random = Random::seeded(seed);
    let sides = [0, 1].map(|side| {
        let settings = Settings { shard: u16::try_from(side).unwrap(), ..Settings::default() };
        Side {
            endpoint: Endpoint::new(settings, random.fork()),
            agent: Agent::new(now, scenario.plans[side].clone(), flow(side, scenario.transport)),
        }
    });
    let (wire, sent) = (BTreeMap::new(), Vec::new());
    let mut network = Network { now, random, sides, wire, order: 0, sent, restore, empty_at: now };
    let limit = now + Duration::from_secs(1_000);
    while network.step(scenario) {
        assert!(network.now < limit, "still busy after 1,000 s: {:?}", network.sides.map(|s| s.agent.heard));
    }
    let counts: Vec<Counts> = network.sides.iter().map(|side| side.endpoint.counts()).collect();
    assert_eq!(counts, [Counts::default(), Counts::default()], "something is left");
    let heard = network.sides.map(|side| side.agent.heard);
    Outcome { sent: network.sent, heard, empty_at: network.empty_at }
}

impl Network {
    /// Does the next thing that is due. Whether there was one.
    fn step(&mut self, scenario: &Scenario) -> bool {
        let due = |side: &Side| {
            let agenda = side.agent.agenda.keys().next().map(|(at, _)| *at);
            [agenda, side.endpoint.poll_timeout()].into_iter().flatten().min()
        };
        let wire = self.wire.keys().next().map(|(at, _)| *at);
        let Some(next) = [wire, due(&self.sides[0]), due(&self.sides[1])].into_iter().flatten().min() else {
            return false;
        };
        self.now = self.now.max(next);
        if wire == Some(next) {
            let (_, (to, packet)) = self.wire.pop_first().unwrap();
            self.sides[to].endpoint.handle_packet(self.now, packet);
        } else {
            let which = usize::from(due(&self.sides[0]) != Some(next));
            let Side { endpoint, agent } = &mut self.sides[which];
            if agent.agenda.keys().next().is_some_and(|(at, _)| *at == next) {
                agent.act(self.now, endpoint);
            } else {
                endpoint.handle_timeout(self.now);
                assert!(endpoint.poll_timeout().is_none_or(|at| at > self.now), "a timer that does not fire");
            }
        }
        for side in 0..2 {
            self.drain(side, scenario);
        }
        if self.sides.iter().any(|side| side.endpoint.counts() != Counts::default()) {
            self.empty_at = self.now;
        }
        true
    }

    fn drain(&mut self, from: usize, scenario: &Scenario) {
        let Side { endpoint, agent } = &mut self.sides[from];
        while let Some(event) = endpoint.poll_event() {
            agent.hear(self.now, endpoint, event);
        }
        if self.restore {
            let written = postcard::to_stdvec(endpoint).unwrap();
            *endpoint = postcard::from_bytes(&written).unwrap();
        }
        while let Some(transmit) = self.sides[from].endpoint.poll_transmit() {
            assert_eq!(transmit.flow, flow(from, scenario.transport), "sent to somebody else");
            self.sent.push(Sent { at: self.now, side: from, bytes: transmit.bytes.clone() });
            self.carry(from, transmit.bytes, scenario);
        }
    }

    /// Puts a message onto the wire: never, once, or twice.
    fn carry(&mut self, from: usize, bytes: Bytes, scenario: &Scenario) {
        if (scenario.swallow)(from, &String::from_utf8_lossy(&bytes)) {
            return;
        }
        let Faults { loss, duplication, delay_ms } = scenario.faults;
        // A reliable transport loses nothing and keeps the order.
        let reliable = scenario.transport.is_reliable();
        if !reliable && self.random.below(100) < loss {
            return;
        }
        let copies = if !reliable && self.random.below(100) < duplication { 2 } else { 1 };
        for _ in 0..copies {
            let delay = if reliable { 10 } else { 1 + self.random.below(delay_ms) };
            self.order += 1;
            let packet = Packet { flow: flow(1 - from, scenario.transport), bytes: bytes.clone() };
            self.wire.insert((self.now + Duration::from_millis(delay), self.order), (1 - from, packet));
        }
    }
}

pub(crate) fn first_line(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == b'\r').unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Runs a scenario with many seeds, each once with and once without writing the state down, and checks what must hold
/// in every one. How many went as `hoped`. A failure names its seed.
pub(crate) fn many(seeds: u64, scenario: &Scenario, hoped: impl Fn(&Outcome) -> bool) -> u64 {
    (0..seeds)
        .filter(|seed| {
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let plain = run(scenario, *seed, false);
                let restored = run(scenario, *seed, true);
                assert_eq!(plain.sent, restored.sent, "written down and read back, it sends something else");
                assert_eq!(plain.heard, restored.heard);
                always(&plain);
                hoped(&plain)
            }));
            told.unwrap_or_else(|_| panic!("failed with seed {seed}"))
        })
        .count() as u64
}

/// What holds in every run.
fn always(outcome: &Outcome) {
    let mut last_end = Time::ZERO;
    for heard in &outcome.heard {
        let count = |is: fn(&Heard) -> bool| heard.iter().filter(|(_, heard)| is(heard)).count();
        let ends = count(Heard::is_end);
        let answers = count(Heard::is_answer);
        assert!(answers <= 1, "answered {answers} times: {heard:?}");
        assert!(ends <= 1, "ended {ends} times: {heard:?}");
        assert!(
            ends == 1 || heard.iter().all(|(_, heard)| !is_call(heard)),
            "a call without an end: {heard:?}"
        );
        if let Some(end) = heard.iter().position(|(_, heard)| heard.is_end()) {
            assert!(
                heard[end + 1..].iter().all(|(_, heard)| !is_call(heard)),
                "news after the end: {heard:?}"
            );
        }
        last_end = heard.iter().map(|(at, _)| *at).max().unwrap_or(last_end).max(last_end);
    }
    let slack = Duration::from_secs(1);
    assert!(outcome.empty_at <= last_end + LINGER + slack, "held for {:?}", outcome.empty_at.since(last_end));
    let last_sent = outcome.sent.iter().map(|sent| sent.at).max().unwrap_or(Time::ZERO);
    assert!(last_sent <= last_end + LINGER, "sent after the end");
}

fn is_call(heard: &Heard) -> bool {
    !matches!(heard, Heard::Request(Method::Options) | Heard::Response(_))
}

//! Two users who do anything at any time, in season or out of it, over a network that also spoils messages: nobody
//! panics, and once both have said BYE to everything, nothing is left.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it goes wrong")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clock::{Random, Time};
use crosspoint_sip::{
    Body, Counts, DialogEvent, DialogId, Endpoint, Event, Headers, Incoming, Invite, Method, OutOfDialog,
    Packet, Reply, ServerTx, Settings, StatusCode, Transport,
};
use support::flow;

const SEEDS: u64 = 150;
const DEEDS: u64 = 300;

/// One user with everything it ever heard of.
struct User {
    endpoint: Endpoint,
    side: usize,
    dialogs: Vec<DialogId>,
    incoming: Vec<Incoming>,
    requests: Vec<ServerTx>,
    heard: BTreeSet<String>,
}

struct Chaos {
    now: Time,
    random: Random,
    users: [User; 2],
    wire: BTreeMap<(Time, u64), (usize, Packet)>,
    order: u64,
    spoil: u64,
    transport: Transport,
}

impl User {
    fn hear(&mut self, event: Event) {
        if let Event::Dialog { event, .. } = &event {
            let name = format!("{event:?}");
            self.heard.insert(name.split([' ', '(', '{']).next().unwrap_or("").to_owned());
        }
        match event {
            Event::Invite(incoming) | Event::Request(incoming) => self.incoming.push(incoming),
            Event::Dialog { event: DialogEvent::Request { tx, .. }, .. } => self.requests.push(tx),
            Event::Dialog { .. } | Event::Response { .. } => {}
        }
    }

    /// Mostly the last one, so that calls get somewhere.
    fn any_dialog(&self, random: &mut Random) -> Option<DialogId> {
        if random.below(4) > 0 {
            return self.dialogs.last().copied();
        }
        self.dialogs.get(usize::try_from(random.below(self.dialogs.len() as u64)).unwrap()).copied()
    }

    /// Does something.
    fn act(&mut self, now: Time, random: &mut Random, transport: Transport) {
        match random.below(20) {
            0 => self.invite(now, transport),
            1 => self.options(now, transport),
            2..=5 => self.take_on(now, random),
            6 => {
                if let Some(tx) = self.requests.pop() {
                    self.endpoint.respond(now, tx, Reply::new(StatusCode::OK));
                }
            }
            _ => {
                if let Some(dialog) = self.any_dialog(random) {
                    self.act_in(now, random, dialog);
                }
            }
        }
    }

    fn act_in(&mut self, now: Time, random: &mut Random, dialog: DialogId) {
        let endpoint = &mut self.endpoint;
        let body = (random.below(2) == 0).then(|| Body::sdp("v=0\r\n"));
        // Mostly what the call is ready for, or it would never come far.
        let stands = endpoint.dialog(dialog).is_some_and(|dialog| dialog.is_confirmed());
        let deed = match (random.below(10), stands) {
            (0..=1, _) => random.below(16),
            (_, true) => 4 + random.below(11),
            (_, false) => random.below(3),
        };
        match deed {
            0 => endpoint.provisional(now, dialog, Reply::new(StatusCode::RINGING)),
            1 | 2 => endpoint.answer(now, dialog, Reply::new(StatusCode::OK)),
            3 => endpoint.reject(now, dialog, Reply::new(StatusCode::BUSY_HERE)),
            4..=7 => endpoint.ack(now, dialog, body),
            8 => endpoint.cancel(now, dialog, Headers::new()),
            9 | 10 => drop(endpoint.reinvite(now, dialog, body)),
            11 => endpoint.respond_reinvite(now, dialog, Reply::new(StatusCode::OK)),
            12 => endpoint.respond_reinvite(now, dialog, Reply::new(StatusCode::NOT_ACCEPTABLE_HERE)),
            13 => {
                endpoint.request_in_dialog(now, dialog, Method::Update, Headers::new(), body);
            }
            14 => {
                endpoint.glare_delay(dialog);
            }
            _ => endpoint.bye(now, dialog, Headers::new()),
        }
    }

    fn take_on(&mut self, now: Time, random: &mut Random) {
        let Some(incoming) = self.incoming.last().cloned() else { return };
        match random.below(4) {
            0 => self.endpoint.reply(now, &incoming, Reply::new(StatusCode::NOT_FOUND)),
            _ if incoming.message.method() == Some(Method::Invite) => {
                let dialog = self.endpoint.accept_invite(now, &incoming, "<sip:b@192.0.2.2>".into());
                self.dialogs.push(dialog);
            }
            _ => self.requests.push(self.endpoint.accept(now, &incoming)),
        }
        if random.below(3) == 0 {
            self.incoming.pop();
        }
    }

    fn invite(&mut self, now: Time, transport: Transport) {
        let invite = Invite {
            target: "sip:b@192.0.2.2".into(),
            flow: flow(self.side, transport),
            route: Vec::new(),
            from: "<sip:a@example.com>".into(),
            to: "<sip:b@example.com>".into(),
            contact: "<sip:a@192.0.2.1>".into(),
            headers: Headers::new(),
            body: None,
        };
        self.dialogs.push(self.endpoint.invite(now, invite));
    }

    fn options(&mut self, now: Time, transport: Transport) {
        self.endpoint.request(
            now,
            OutOfDialog {
                method: Method::Options,
                target: "sip:b@192.0.2.2".into(),
                flow: flow(self.side, transport),
                from: "<sip:a@example.com>".into(),
                to: "<sip:b@example.com>".into(),
                contact: None,
                headers: Headers::new(),
                body: None,
            },
        );
    }
}

impl Chaos {
    fn new(seed: u64, spoil: u64, transport: Transport) -> Chaos {
        let mut random = Random::seeded(seed);
        let users = [0, 1].map(|side| User {
            endpoint: Endpoint::new(Settings::default(), random.fork()),
            side,
            dialogs: Vec::new(),
            incoming: Vec::new(),
            requests: Vec::new(),
            heard: BTreeSet::new(),
        });
        Chaos { now: Time::from_secs(1), random, users, wire: BTreeMap::new(), order: 0, spoil, transport }
    }

    /// Everything that is due until `end`.
    fn pass(&mut self, end: Time) {
        loop {
            let wire = self.wire.keys().next().map(|(at, _)| *at);
            let timers = [0, 1].map(|side| self.users[side].endpoint.poll_timeout());
            let next = [wire, timers[0], timers[1]].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if wire == Some(next) {
                let (_, (to, packet)) = self.wire.pop_first().unwrap();
                self.users[to].endpoint.handle_packet(self.now, packet);
            } else {
                self.users[usize::from(timers[0] != Some(next))].endpoint.handle_timeout(self.now);
            }
            self.drain();
        }
        self.now = self.now.max(end);
    }

    fn drain(&mut self) {
        for from in 0..2 {
            while let Some(event) = self.users[from].endpoint.poll_event() {
                self.users[from].hear(event);
            }
            while let Some(transmit) = self.users[from].endpoint.poll_transmit() {
                self.carry(from, transmit.bytes.to_vec());
            }
        }
    }

    fn carry(&mut self, from: usize, mut bytes: Vec<u8>) {
        if self.random.below(100) < 15 {
            return;
        }
        if self.random.below(100) < self.spoil {
            let at = usize::try_from(self.random.below(bytes.len() as u64)).unwrap();
            bytes[at] ^= 1 << self.random.below(7);
        }
        for _ in 0..=u64::from(self.random.below(100) < 15) {
            self.order += 1;
            let delay = Duration::from_millis(1 + self.random.below(500));
            let packet = Packet { flow: flow(1 - from, self.transport), bytes: bytes.clone().into() };
            self.wire.insert((self.now + delay, self.order), (1 - from, packet));
        }
    }

    /// What kinds of news were heard.
    fn run(mut self) -> BTreeSet<String> {
        for _ in 0..DEEDS {
            let side = usize::try_from(self.random.below(2)).unwrap();
            let mut random = self.random.fork();
            self.users[side].act(self.now, &mut random, self.transport);
            self.drain();
            if random.below(10) == 0 {
                let user = &mut self.users[side];
                user.endpoint = postcard::from_bytes(&postcard::to_stdvec(&user.endpoint).unwrap()).unwrap();
            }
            let pause =
                Duration::from_millis([0, 5, 50, 500, 3_000][usize::try_from(random.below(5)).unwrap()]);
            self.pass(self.now + pause);
        }
        for side in 0..2 {
            for dialog in self.users[side].dialogs.clone() {
                self.users[side].endpoint.bye(self.now, dialog, Headers::new());
            }
            self.drain();
        }
        // A BYE may wait 32 s for an ACK, 32 s for its answer, and the CANCEL of a call 32 s for its end.
        self.pass(self.now + Duration::from_secs(150));
        for user in &self.users {
            assert_eq!(user.endpoint.counts(), Counts::default());
            assert_eq!(user.endpoint.poll_timeout(), None);
        }
        self.users.into_iter().flat_map(|user| user.heard).collect()
    }
}

/// What kinds of news were heard in all runs.
fn chaos(spoil: u64, transport: Transport) -> Vec<String> {
    let mut heard = BTreeSet::new();
    for seed in 0..SEEDS {
        let told = std::panic::catch_unwind(|| Chaos::new(seed, spoil, transport).run());
        assert!(told.is_ok(), "failed with seed {seed}");
        heard.extend(told.unwrap_or_default());
    }
    heard.into_iter().collect()
}

#[test]
fn whatever_two_users_do_nothing_is_left() {
    let every = [
        "AckTimeout",
        "Acked",
        "Answered",
        "ByeOutcome",
        "Cancelled",
        "Ended",
        "Provisional",
        "Reinvite",
        "ReinviteAcked",
        "ReinviteOutcome",
        "Rejected",
        "Request",
    ];
    assert_eq!(chaos(0, Transport::Udp), every, "the chaos reaches everything");
    chaos(0, Transport::Tls);
}

#[test]
fn spoiled_messages_hurt_nobody() {
    chaos(30, Transport::Udp);
}

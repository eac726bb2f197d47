//! The world of a simulation: network, database, media plane, and the shard in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clock::{Random, Time};
use crosspoint_switch::core::{
    Command, Effect, Env, MediaCommand, MediaInput, MediaToken, Rules, Shard, Shared,
};
use crosspoint_switch::{CallSettings, DigestSettings, Identity, RegistrarSettings};
use media::{LegStatistics, SessionId};
use model::{AccountId, CallUid, Directory, Ha1, NewAccount, TenantId, Uid};
use sip::digest::{Algorithm, ha1};
use sip::{Flow, Packet, Transmit, Transport};
use storage::Write;

use crate::phone::Phone;

pub(crate) const DOMAIN: &str = "pbx.example";
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const SERVER: &str = "192.0.2.1:5060";

/// How long the phones do what they like.
const PLAY: Duration = Duration::from_secs(900);

/// How long everything may take to calm down afterwards.
const CALM: Duration = Duration::from_secs(400);

/// How bad it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Messages come, in order or nearly so.
    Fair,
    /// Messages are lost, repeated and late; the database pauses; phones lose power; the shard is restored.
    Storm,
}

/// What is on its way.
enum Item {
    /// A message to an address.
    Message { to: SocketAddr, from: SocketAddr, bytes: bytes::Bytes },
    /// A commit.
    Commit(u64),
    /// The report of a released media session.
    Released { token: MediaToken, session: u64 },
    /// Media goes silent on a leg.
    Silent { token: MediaToken, session: u64 },
    /// A phone loses power.
    PowerCut(usize),
    /// An operator ends some call.
    Operator,
}

pub(crate) struct World {
    shard: Option<Shard>,
    env: Env,
    now: Time,
    weather: Weather,
    random: Random,
    /// `None`: now and then.
    pub(crate) always_restore: Option<bool>,
    phones: Vec<Phone>,
    queue: BTreeMap<(Time, u64), Item>,
    serial: u64,
    /// The database takes nothing until then.
    database_back_at: Time,
    sessions: BTreeMap<u64, MediaToken>,
    next_session: u64,
    opened: BTreeSet<CallUid>,
    closed: BTreeSet<CallUid>,
    pub(crate) log: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, weather: Weather) -> World {
        let mut random = Random::seeded(seed);
        let now = Time::from_secs(1_000_000);
        let users: Vec<String> = (0..5).map(|n| format!("60{n:02}")).collect();
        let identity = Identity {
            domain: DOMAIN.to_owned(),
            realm: DOMAIN.to_owned(),
            local_names: Vec::new(),
            server_name: "Crosspoint".to_owned(),
            node: 1,
            epoch: 1,
        };
        let calls = CallSettings { ring_timeout: Duration::from_secs(20), ..CallSettings::default() };
        let rules = Rules::new(identity, RegistrarSettings::default(), calls, &DigestSettings::new([7; 32]));
        let accounts = (1_u8..).zip(&users).map(|(id, user)| {
            let mut new = NewAccount::new(TenantId::DEFAULT, user, DOMAIN, PASSWORD);
            new.max_concurrent_calls = 8;
            new.into_account(AccountId(Uid::from_bytes([id; 16])), now, secrets).unwrap()
        });
        let shared = Shared::new(Directory::new(accounts, 1), &rules, now);
        let env = Env { shared: Arc::new(shared), rules: Arc::new(rules) };
        let mut numbers = users.clone();
        numbers.extend(["*43".to_owned(), "9999".to_owned()]);
        // The first two accounts have two phones each.
        let owners = users.iter().chain(users.iter().take(2));
        let now = now + Duration::from_secs(1);
        let phones = (1_u8..)
            .zip(owners)
            .map(|(n, user)| {
                let address = SocketAddr::from(([10, 0, 0, n], 5060));
                Phone::new(user, address, numbers.clone(), random.fork(), now)
            })
            .collect();
        let mut world = World {
            shard: Some(Shard::new(0, env.clone(), random.fork())),
            env,
            now,
            weather,
            random,
            always_restore: None,
            phones,
            queue: BTreeMap::new(),
            serial: 0,
            database_back_at: now,
            sessions: BTreeMap::new(),
            next_session: 1,
            opened: BTreeSet::new(),
            closed: BTreeSet::new(),
            log: Vec::new(),
        };
        if weather == Weather::Storm {
            world.later(100_000, 800_000, Item::PowerCut(6));
            world.later(100_000, 800_000, Item::Operator);
        }
        world
    }

    /// The phones do what they like.
    pub(crate) fn run(&mut self) {
        self.until(self.now + PLAY);
    }

    /// The phones start nothing new, and everything calms down. What still stands then is hung up by the operator.
    pub(crate) fn settle(&mut self) {
        self.phones.iter_mut().for_each(|phone| phone.tired = true);
        self.until(self.now + CALM);
        self.input(|shard, now| shard.command(now, Command::Stop { id: 1 }));
        self.until(self.now + CALM);
    }

    pub(crate) fn calls_made(&self) -> usize {
        self.closed.len()
    }

    pub(crate) fn check(&mut self) {
        let shard = self.shard.as_ref().unwrap();
        assert!(self.opened.is_subset(&self.closed), "calls without a closed record");
        assert!(self.sessions.is_empty(), "media sessions left: {:?}", self.sessions);
        assert!(shard.is_idle(), "calls or tickets left");
        assert_eq!(shard.counts(), (0, 0, 0), "calls, transactions, dialogs left");
        for phone in self.phones.iter().filter(|phone| !phone.dead) {
            assert_eq!(phone.dialogs(), 0, "{} still talks to somebody", phone.user);
        }
        let registered = self.env.shared.locations.len();
        assert!(registered >= 6, "only {registered} of 7 phones are registered");
        let free = self.env.shared.calls_of_accounts();
        assert_eq!(free, 0, "places that were not given back");
    }

    fn until(&mut self, end: Time) {
        loop {
            let queued = self.queue.first_key_value().map(|(key, _)| key.0);
            let shard = self.shard.as_ref().unwrap().poll_timeout();
            let phones = self.phones.iter().filter_map(Phone::poll_timeout).min();
            let Some(next) = [queued, shard, phones].into_iter().flatten().min().filter(|next| *next <= end)
            else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if queued == Some(next) {
                let ((_, _), item) = self.queue.pop_first().unwrap();
                self.deliver(item);
            } else if shard == Some(next) {
                self.input(Shard::timeout);
            } else {
                let now = self.now;
                self.phones
                    .iter_mut()
                    .filter(|phone| phone.poll_timeout() == Some(next))
                    .for_each(|phone| phone.timeout(now));
            }
            self.drain_phones();
        }
    }

    fn deliver(&mut self, item: Item) {
        match item {
            Item::Message { to, from, bytes } if to.to_string() == SERVER => {
                let flow = Flow { transport: Transport::Udp, local: to, remote: from, connection: None };
                self.input(|shard, now| shard.packet(now, Packet { flow, bytes }));
            }
            Item::Message { to, bytes, .. } => {
                let now = self.now;
                if let Some(phone) = self.phones.iter_mut().find(|phone| phone.flow.local == to) {
                    let flow = phone.flow;
                    phone.receive(now, Packet { flow, bytes });
                }
            }
            Item::Commit(ticket) => self.input(|shard, now| shard.committed(now, &[ticket])),
            Item::Released { token, session } => {
                let stats = Box::new(LegStatistics { packets_received: 10, ..LegStatistics::default() });
                let session = SessionId::from_u64(session);
                self.input(|shard, now| shard.media(now, MediaInput::Released { token, session, stats }));
            }
            Item::Silent { token, session } => {
                let session = SessionId::from_u64(session);
                self.input(|shard, now| shard.media(now, MediaInput::Silent { token, session }));
            }
            Item::PowerCut(phone) => self.phones[phone].dead = true,
            Item::Operator => {
                if let Some(uid) = self.opened.difference(&self.closed).next().copied() {
                    self.input(|shard, now| shard.command(now, Command::HangUp { id: 2, uid }));
                }
            }
        }
    }

    fn input(&mut self, input: impl FnOnce(&mut Shard, Time)) {
        // Drawn in either case, so that both kinds of play see the same dice.
        let by_chance = self.weather == Weather::Storm && self.random.below(20) == 0;
        if self.always_restore.unwrap_or(by_chance) {
            let bytes = self.shard.take().unwrap().write().unwrap();
            self.shard = Some(Shard::read(&bytes, self.env.clone()).unwrap());
        }
        let now = self.now;
        input(self.shard.as_mut().unwrap(), now);
        while let Some(effect) = self.shard.as_mut().unwrap().poll_effect() {
            self.perform(effect);
        }
        while let Some(Transmit { flow, bytes }) = self.shard.as_mut().unwrap().poll_transmit() {
            self.log.push(format!("{} {} {}", self.now, flow.remote, String::from_utf8_lossy(&bytes)));
            self.send(flow.local, flow.remote, bytes);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Store(write, ticket) => {
                match write {
                    Write::CdrOpen(cdr) => assert!(self.opened.insert(cdr.uid), "opened twice"),
                    Write::CdrClose(cdr) => assert!(self.closed.insert(cdr.uid), "closed twice: {}", cdr.uid),
                    _ => {}
                }
                if let Some(ticket) = ticket {
                    self.commit_later(ticket);
                }
            }
            Effect::Media(command) => self.media(command),
            Effect::Count(_) | Effect::Report { .. } => {}
        }
    }

    fn commit_later(&mut self, ticket: u64) {
        if self.weather == Weather::Storm && self.random.below(50) == 0 {
            self.database_back_at = self.now + Duration::from_secs(5);
        }
        let wait = self.database_back_at.since(self.now).as_millis() as u64;
        self.later(wait + 1, wait + 12, Item::Commit(ticket));
    }

    fn media(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Reserve { token, .. } => {
                let number = self.next_session;
                self.next_session += 1;
                self.sessions.insert(number, token);
                let rtp_port = 10_000 + 2 * u16::try_from(number % 20_000).unwrap();
                let local = sdp::Local { addr: IpAddr::from([192, 0, 2, 1]), rtp_port };
                let (session, now) = (SessionId::from_u64(number), self.now);
                self.shard.as_mut().unwrap().media(now, MediaInput::Reserved { token, session, local });
                if self.weather == Weather::Storm && self.random.below(10) == 0 {
                    self.later(1_000, 60_000, Item::Silent { token, session: number });
                }
            }
            MediaCommand::Apply { session, .. } => {
                assert!(
                    self.sessions.contains_key(&session.as_u64()),
                    "a plan for a session that is not held"
                );
            }
            MediaCommand::Release(session) => {
                let session = session.as_u64();
                let token = self.sessions.remove(&session).expect("a session is released once");
                // A report may get lost: its mailbox was full.
                if self.weather == Weather::Fair || self.random.below(20) != 0 {
                    self.later(1, 10, Item::Released { token, session });
                }
            }
            MediaCommand::Query(_) => {}
        }
    }

    fn drain_phones(&mut self) {
        for index in 0..self.phones.len() {
            while let Some(Transmit { flow, bytes }) = self.phones[index].poll_transmit() {
                self.send(flow.local, flow.remote, bytes);
            }
        }
    }

    /// Puts a message on the wire, which does with it what the weather asks for.
    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: bytes::Bytes) {
        let (lost, repeated, late_ms) = match self.weather {
            Weather::Fair => (0, 0, 5),
            Weather::Storm => (8, 4, 200),
        };
        if self.random.below(100) < lost {
            return;
        }
        if self.random.below(100) < repeated {
            self.later(1, late_ms, Item::Message { to, from, bytes: bytes.clone() });
        }
        self.later(1, late_ms, Item::Message { to, from, bytes });
    }

    fn later(&mut self, from_ms: u64, to_ms: u64, item: Item) {
        let at = self.now + Duration::from_millis(from_ms + self.random.below(to_ms - from_ms));
        self.serial += 1;
        self.queue.insert((at, self.serial), item);
    }
}

fn secrets(username: &str, password: &str) -> Ha1 {
    let with = |algorithm| ha1(algorithm, username, DOMAIN, password);
    Ha1 {
        md5: with(Algorithm::Md5),
        sha256: with(Algorithm::Sha256),
        sha512_256: with(Algorithm::Sha512_256),
    }
}

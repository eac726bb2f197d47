//! The stage of the core's tests: one shard on virtual time, scripted phones whose messages are bytes, a media plane and
//! a database that do what they are told.
//!
//! [`play`] runs a scene twice, the second time with the whole shard written down, dropped and read back before every
//! input. Both must send the same bytes, store the same rows and ask the same of the media plane.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clock::{Random, Time};
use crosspoint_switch::core::{
    Command, Counted, Effect, Env, MediaCommand, MediaInput, MediaToken, Report, Rules, Shard, Shared,
};
use crosspoint_switch::{CallSettings, CallView, DigestSettings, Identity, RegistrarSettings};
use media::{LegStatistics, SessionId};
use model::{AccountId, Cdr, Directory, Ha1, NewAccount, TenantId, Uid};
use sip::digest::{Algorithm, ha1};
use sip::{Flow, Message, Method, Packet, Transport};
use storage::Write;

pub(crate) const DOMAIN: &str = "pbx.example";
pub(crate) const PASSWORD: &str = "correct horse";

/// Everything around one shard.
pub(crate) struct World {
    shard: Option<Shard>,
    pub(crate) env: Env,
    pub(crate) now: Time,
    restore: bool,
    /// Messages on their way, by the address they go to.
    sent: VecDeque<(SocketAddr, Message)>,
    /// Everything that left the shard, as text.
    pub(crate) log: Vec<String>,
    /// Tickets whose writes are not committed.
    pub(crate) tickets: Vec<u64>,
    /// How many writes there were when the last ticket was given: the commit of that many is what it waits for.
    pub(crate) ticket_after: usize,
    /// Every write in order.
    pub(crate) writes: Vec<Write>,
    /// Media sessions held, by id, with the leg they serve.
    pub(crate) sessions: BTreeMap<u64, MediaToken>,
    next_session: u64,
    /// No media session is to be had.
    pub(crate) no_ports: bool,
    pub(crate) counted: Vec<Counted>,
    pub(crate) reports: Vec<(u64, Report)>,
}

/// What is special about an account.
pub(crate) type Differs = fn(&mut NewAccount);

/// What a scene may change before it begins.
#[derive(Clone)]
pub(crate) struct Scenery {
    pub(crate) calls: CallSettings,
    pub(crate) registrar: RegistrarSettings,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Username, extension, and what differs.
    pub(crate) accounts: Vec<(&'static str, Differs)>,
}

impl Default for Scenery {
    fn default() -> Scenery {
        Scenery {
            calls: CallSettings::default(),
            registrar: RegistrarSettings::default(),
            algorithms: vec![Algorithm::Md5],
            accounts: vec![
                ("ann", |new| new.extension = Some("6001".to_owned())),
                ("bob", |new| new.extension = Some("6002".to_owned())),
                ("carl", |new| new.enabled = false),
            ],
        }
    }
}

/// Plays a scene on a bare stage.
pub(crate) fn play(scene: impl Fn(&mut World)) {
    play_in(&Scenery::default(), scene);
}

/// Plays a scene twice and compares.
pub(crate) fn play_in(scenery: &Scenery, scene: impl Fn(&mut World)) {
    let mut plain = World::new(scenery, false);
    scene(&mut plain);
    let mut restored = World::new(scenery, true);
    scene(&mut restored);
    let mut pairs = plain.log.iter().zip(&restored.log).enumerate();
    if let Some((line, (one, other))) = pairs.find(|(_, (one, other))| one != other) {
        panic!("a restored shard goes on otherwise at {line}:\n{one}\n-- restored --\n{other}");
    }
    assert_eq!(plain.log.len(), restored.log.len(), "a restored shard says more or less");
}

impl World {
    fn new(scenery: &Scenery, restore: bool) -> World {
        let identity = Identity {
            domain: DOMAIN.to_owned(),
            realm: DOMAIN.to_owned(),
            local_names: vec!["sip.pbx.example".to_owned()],
            server_name: "Crosspoint/test".to_owned(),
            node: 1,
            epoch: 1,
        };
        let digest =
            DigestSettings { algorithms: scenery.algorithms.clone(), ..DigestSettings::new([7; 32]) };
        let rules = Rules::new(identity, scenery.registrar.clone(), scenery.calls.clone(), &digest);
        let now = Time::from_secs(1_000_000);
        let accounts = (1_u8..).zip(&scenery.accounts).map(|(id, (name, change))| {
            let mut new = NewAccount::new(TenantId::DEFAULT, name, DOMAIN, PASSWORD);
            change(&mut new);
            let id = AccountId(Uid::from_bytes([id; 16]));
            new.into_account(id, now, secrets).unwrap()
        });
        let shared = Shared::new(Directory::new(accounts, 1), &rules, now);
        let env = Env { shared: Arc::new(shared), rules: Arc::new(rules) };
        World {
            shard: Some(Shard::new(0, env.clone(), Random::seeded(1))),
            env,
            now: now + Duration::from_secs(1),
            restore,
            sent: VecDeque::new(),
            log: Vec::new(),
            tickets: Vec::new(),
            ticket_after: 0,
            writes: Vec::new(),
            sessions: BTreeMap::new(),
            next_session: 1,
            no_ports: false,
            counted: Vec::new(),
            reports: Vec::new(),
        }
    }

    fn shard(&mut self) -> &mut Shard {
        self.shard.as_mut().unwrap()
    }

    /// One input, and everything that follows from it.
    fn input(&mut self, input: impl FnOnce(&mut Shard, Time)) {
        if self.restore {
            let bytes = self.shard.take().unwrap().write().unwrap();
            self.shard = Some(Shard::read(&bytes, self.env.clone()).unwrap());
        }
        let now = self.now;
        input(self.shard(), now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(effect) = self.shard().poll_effect() {
            self.log.push(format!("{} {effect:?}", self.now));
            self.perform(effect);
        }
        while let Some(transmit) = self.shard().poll_transmit() {
            let text = String::from_utf8_lossy(&transmit.bytes);
            self.log.push(format!("{} to {}: {text}", self.now, transmit.flow.remote));
            let message = Message::parse(transmit.bytes.clone()).unwrap();
            message.validate().unwrap();
            self.sent.push_back((transmit.flow.remote, message));
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Store(write, ticket) => {
                self.writes.push(write);
                if let Some(ticket) = ticket {
                    self.tickets.push(ticket);
                    self.ticket_after = self.writes.len();
                }
            }
            Effect::Media(MediaCommand::Reserve { token, .. }) if self.no_ports => {
                let now = self.now;
                self.shard().media(now, MediaInput::NotReserved { token });
            }
            Effect::Media(MediaCommand::Reserve { token, .. }) => {
                let number = self.next_session;
                self.next_session += 1;
                self.sessions.insert(number, token);
                let rtp_port = 10_000 + 2 * u16::try_from(number).unwrap();
                let local = sdp::Local { addr: IpAddr::from([192, 0, 2, 1]), rtp_port };
                let (session, now) = (SessionId::from_u64(number), self.now);
                self.shard().media(now, MediaInput::Reserved { token, session, local });
            }
            Effect::Media(MediaCommand::Release(session)) => {
                let token = self.sessions.remove(&session.as_u64()).expect("a session is released once");
                let stats = LegStatistics { packets_received: 100, lost: 1, ..LegStatistics::default() };
                let now = self.now;
                self.shard().media(now, MediaInput::Released { token, session, stats: Box::new(stats) });
            }
            Effect::Media(MediaCommand::Apply { session, .. }) => {
                assert!(self.sessions.contains_key(&session.as_u64()), "a plan for a session that is held");
            }
            Effect::Media(MediaCommand::Query(session)) => {
                let token = self.sessions[&session.as_u64()];
                let stats = LegStatistics { packets_received: 50, ..LegStatistics::default() };
                let now = self.now;
                self.shard().media(now, MediaInput::Statistics { token, session, stats: Box::new(stats) });
            }
            Effect::Count(counted) => self.counted.push(counted),
            Effect::Report { id, report } => self.reports.push((id, report)),
        }
    }

    /// A message of a phone arrives.
    pub(crate) fn receive(&mut self, from: Flow, text: &str) {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        self.log.push(format!("{} from {}", self.now, from.remote));
        self.input(|shard, now| shard.packet(now, Packet { flow: from, bytes }));
    }

    /// Time passes; every timer fires when it is due.
    pub(crate) fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.shard().poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.input(Shard::timeout);
        }
        self.now = until;
    }

    /// The database commits everything it has been given.
    pub(crate) fn commit(&mut self) {
        let tickets = std::mem::take(&mut self.tickets);
        self.input(|shard, now| shard.committed(now, &tickets));
    }

    /// The media plane says that nothing comes from this phone.
    pub(crate) fn silence(&mut self, session: u64) {
        let token = self.sessions[&session];
        let session = SessionId::from_u64(session);
        self.input(|shard, now| shard.media(now, MediaInput::Silent { token, session }));
    }

    /// An operator says something.
    pub(crate) fn command(&mut self, command: Command) {
        self.input(|shard, now| shard.command(now, command));
    }

    /// A flow fails.
    pub(crate) fn flow_error(&mut self, flow: Flow) {
        self.input(|shard, now| shard.flow_error(now, flow));
    }

    /// Whether new work is shed.
    pub(crate) fn shed(&mut self, shedding: bool) {
        self.shard().shed(shedding);
    }

    /// What is running.
    pub(crate) fn calls(&mut self) -> Vec<CallView> {
        self.command(Command::Show { id: 1, uid: None });
        match self.reports.pop() {
            Some((1, Report::Calls(calls))) => calls,
            other => panic!("no calls but {other:?}"),
        }
    }

    /// The next message to this address.
    pub(crate) fn next_to(&mut self, address: SocketAddr) -> Option<Message> {
        let at = self.sent.iter().position(|(to, _)| *to == address)?;
        self.sent.remove(at).map(|(_, message)| message)
    }

    /// What is on its way to anybody, as one line each; nothing is taken.
    pub(crate) fn on_the_way(&self) -> Vec<String> {
        let line = |(to, message): &(SocketAddr, Message)| format!("{} to {to}", first_line(message));
        self.sent.iter().map(line).collect()
    }

    /// Throws away what is on its way.
    pub(crate) fn lose_everything(&mut self) {
        self.sent.clear();
    }

    /// The closed records.
    pub(crate) fn records(&self) -> Vec<&Cdr> {
        let closed = |write: &'_ Write| matches!(write, Write::CdrClose(_));
        let records = self.writes.iter().filter(|write| closed(write));
        records.map(|write| if let Write::CdrClose(cdr) = write { &**cdr } else { unreachable!() }).collect()
    }

    /// What must hold when everything is over: every call has its record, nothing is held, nobody waits.
    pub(crate) fn is_clean(&mut self, calls: usize) {
        self.wait(Duration::from_secs(200));
        assert_eq!(self.records().len(), calls, "one record per call");
        assert!(self.sessions.is_empty(), "media sessions left: {:?}", self.sessions);
        assert!(self.shard().is_idle(), "calls or tickets left");
        let (calls, transactions, dialogs) = self.shard().counts();
        assert_eq!((calls, transactions, dialogs), (0, 0, 0), "calls, transactions, dialogs left");
    }
}

/// The first line of a message without its version: `200 OK`, `INVITE sip:…`.
pub(crate) fn first_line(message: &Message) -> String {
    match message.status() {
        Some(status) => {
            format!("{} {}", status.as_u16(), message.header(sip::Name::CSeq).map(text).unwrap_or_default())
        }
        None => format!("{} {}", message.method_text(), text(message.request_uri())),
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn secrets(username: &str, password: &str) -> Ha1 {
    let with = |algorithm| ha1(algorithm, username, DOMAIN, password);
    Ha1 {
        md5: with(Algorithm::Md5),
        sha256: with(Algorithm::Sha256),
        sha512_256: with(Algorithm::Sha512_256),
    }
}

/// The flow of a phone at this address.
pub(crate) fn flow(address: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: SocketAddr::from(([192, 0, 2, 1], 5060)),
        remote: address.parse().unwrap(),
        connection: None,
    }
}

/// Whether this is the answer to a request of this method.
pub(crate) fn answers(message: &Message, method: Method) -> bool {
    message.status().is_some() && message.cseq().is_ok_and(|cseq| cseq.method == method)
}

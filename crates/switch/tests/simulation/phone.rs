//! A phone that does anything at any time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use clock::{Random, Time};
use sip::digest::{Answer, ReceivedChallenge, ha1};
use sip::{
    Body, DialogEvent, DialogId, Endpoint, Event, Flow, HeaderText, Incoming, Invite, Message, Method, Name,
    OutOfDialog, Outcome, Packet, Reply, Settings, StatusCode, Transmit, Transport,
};

use crate::world::{DOMAIN, PASSWORD, SERVER};

/// What a phone plans to do.
#[derive(Clone, Debug)]
enum Plan {
    Register,
    Call,
    Ring(DialogId),
    Answer(DialogId),
    Reject(DialogId),
    Cancel(DialogId),
    Hold(DialogId),
    HangUp(DialogId),
}

/// A phone of an account.
pub(crate) struct Phone {
    pub(crate) user: String,
    pub(crate) flow: Flow,
    endpoint: Endpoint,
    random: Random,
    plans: BTreeMap<(Time, u64), Plan>,
    serial: u64,
    /// Whom it may call.
    numbers: Vec<String>,
    /// Calls of its own that wait for an answer, with the number dialled and whether they were authorized.
    dialled: BTreeMap<DialogId, (String, bool)>,
    up: BTreeMap<DialogId, ()>,
    /// Where the other side was asked for an offer, which our ACK answers.
    owes_answer: BTreeMap<DialogId, ()>,
    registered: bool,
    /// It has lost power: it hears and says nothing.
    pub(crate) dead: bool,
    /// It starts nothing new.
    pub(crate) tired: bool,
    pub(crate) answered: usize,
}

impl Phone {
    pub(crate) fn new(
        user: &str,
        address: SocketAddr,
        numbers: Vec<String>,
        mut random: Random,
        now: Time,
    ) -> Phone {
        let server: SocketAddr = SERVER.parse().unwrap();
        let flow = Flow { transport: Transport::Udp, local: address, remote: server, connection: None };
        let settings = Settings { server_name: format!("Phone/{user}"), ..Settings::default() };
        let mut phone = Phone {
            user: user.to_owned(),
            flow,
            endpoint: Endpoint::new(settings, random.fork()),
            random,
            plans: BTreeMap::new(),
            serial: 0,
            numbers,
            dialled: BTreeMap::new(),
            up: BTreeMap::new(),
            owes_answer: BTreeMap::new(),
            registered: false,
            dead: false,
            tired: false,
            answered: 0,
        };
        phone.plan(now, 0, 1_000, Plan::Register);
        phone
    }

    /// Plans something for a random moment between so many milliseconds from now.
    fn plan(&mut self, now: Time, from_ms: u64, to_ms: u64, plan: Plan) {
        let at = now + Duration::from_millis(from_ms + self.random.below(to_ms - from_ms));
        self.serial += 1;
        self.plans.insert((at, self.serial), plan);
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    pub(crate) fn receive(&mut self, now: Time, packet: Packet) {
        if !self.dead {
            self.endpoint.handle_packet(now, packet);
            self.react(now);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let plan = self.plans.first_key_value().map(|(key, _)| key.0);
        [self.endpoint.poll_timeout(), plan].into_iter().flatten().min().filter(|_| !self.dead)
    }

    pub(crate) fn timeout(&mut self, now: Time) {
        while let Some(entry) = self.plans.first_entry().filter(|entry| entry.key().0 <= now) {
            let plan = entry.remove();
            self.carry_out(now, plan);
        }
        self.endpoint.handle_timeout(now);
        self.react(now);
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.endpoint.poll_transmit();
        transmit.filter(|_| !self.dead)
    }

    /// Calls that stand on this side.
    pub(crate) fn dialogs(&self) -> usize {
        self.endpoint.counts().dialogs
    }

    fn sdp(&mut self, direction: &str) -> Body {
        let ip = self.flow.local.ip();
        self.serial += 1;
        let version = self.serial;
        Body::sdp(format!(
            "v=0\r\no=- 1 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na={direction}\r\n"
        ))
    }

    fn identity(&self) -> String {
        format!("<sip:{}@{DOMAIN}>", self.user)
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.user, self.flow.local)
    }

    fn carry_out(&mut self, now: Time, plan: Plan) {
        match plan {
            Plan::Register => self.register(now, None),
            Plan::Call => {
                if !self.tired {
                    let number = self.numbers
                        [usize::try_from(self.random.below(self.numbers.len() as u64)).unwrap()]
                    .clone();
                    self.call(now, &number, None);
                    self.plan(now, 2_000, 60_000, Plan::Call);
                }
            }
            Plan::Ring(dialog) => self.endpoint.provisional(now, dialog, Reply::new(StatusCode::RINGING)),
            Plan::Answer(dialog) => {
                let sdp = self.sdp("sendrecv");
                self.endpoint.answer(now, dialog, Reply::new(StatusCode::OK).body(sdp));
            }
            Plan::Reject(dialog) => {
                let status = if self.chance(50) { StatusCode::BUSY_HERE } else { StatusCode::DECLINE };
                self.endpoint.reject(now, dialog, Reply::new(status));
            }
            Plan::Cancel(dialog) => self.endpoint.cancel(now, dialog, Vec::new()),
            Plan::Hold(dialog) => {
                let directions = ["sendonly", "sendrecv", "inactive"];
                let direction = directions[usize::try_from(self.random.below(3)).unwrap()];
                let sdp = if self.chance(20) { None } else { Some(self.sdp(direction)) };
                let late = sdp.is_none();
                // Busy: somebody else was faster.
                if self.endpoint.reinvite(now, dialog, sdp).is_ok() && late {
                    self.owes_answer.insert(dialog, ());
                }
            }
            Plan::HangUp(dialog) => self.endpoint.bye(now, dialog, Vec::new()),
        }
    }

    fn register(&mut self, now: Time, authorization: Option<String>) {
        let identity = self.identity();
        let mut headers: Vec<(HeaderText, String)> = vec![(Name::Expires.into(), "3600".to_owned())];
        headers.extend(authorization.map(|value| (Name::Authorization.into(), value)));
        self.endpoint.request(
            now,
            OutOfDialog {
                method: Method::Register,
                target: format!("sip:{DOMAIN}"),
                flow: self.flow,
                from: identity.clone(),
                to: identity,
                contact: Some(self.contact()),
                headers,
                body: None,
            },
        );
    }

    fn call(&mut self, now: Time, number: &str, authorization: Option<String>) {
        let authorized = authorization.is_some();
        // Now and then the offer is left to the other side.
        let body = if self.chance(15) { None } else { Some(self.sdp("sendrecv")) };
        let late = body.is_none();
        let dialog = self.endpoint.invite(
            now,
            Invite {
                target: format!("sip:{number}@{DOMAIN}"),
                flow: self.flow,
                route: Vec::new(),
                from: self.identity(),
                to: format!("<sip:{number}@{DOMAIN}>"),
                contact: self.contact(),
                headers: authorization
                    .map(|value| (Name::ProxyAuthorization.into(), value))
                    .into_iter()
                    .collect(),
                body,
            },
        );
        self.dialled.insert(dialog, (number.to_owned(), authorized));
        if late {
            self.owes_answer.insert(dialog, ());
        }
        if authorized && self.chance(25) {
            self.plan(now, 10, 20_000, Plan::Cancel(dialog));
        }
    }

    fn authorize(&self, challenge: &Message, name: Name, request: (&str, &str)) -> Option<String> {
        let challenge = ReceivedChallenge::parse(challenge.header(name)?).ok()?;
        let secret = ha1(challenge.algorithm, &self.user, &challenge.realm, PASSWORD);
        Some(challenge.answer(&Answer {
            username: &self.user,
            ha1: &secret,
            method: request.0.as_bytes(),
            uri: request.1,
            body: b"",
            nc: 1,
            cnonce: "c0ffee",
        }))
    }

    fn react(&mut self, now: Time) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Invite(incoming) => self.rings(now, &incoming),
                Event::Request(incoming) => self.endpoint.reply(now, &incoming, Reply::new(StatusCode::OK)),
                Event::Response { outcome, .. } => self.registered(now, &outcome),
                Event::Dialog { dialog, event } => self.dialog(now, dialog, event),
            }
        }
    }

    fn registered(&mut self, now: Time, outcome: &Outcome) {
        let challenge = outcome.message().filter(|_| outcome.status() == StatusCode::UNAUTHORIZED);
        let uri = format!("sip:{DOMAIN}");
        match challenge.and_then(|message| self.authorize(message, Name::WwwAuthenticate, ("REGISTER", &uri)))
        {
            Some(authorization) => self.register(now, Some(authorization)),
            None => {
                let good = outcome.status() == StatusCode::OK;
                self.plan(now, 5_000, 300_000, Plan::Register);
                if good && !std::mem::replace(&mut self.registered, true) {
                    self.plan(now, 0, 30_000, Plan::Call);
                }
            }
        }
    }

    fn rings(&mut self, now: Time, incoming: &Incoming) {
        let dialog = self.endpoint.accept_invite(now, incoming, self.contact());
        if self.chance(80) {
            self.plan(now, 10, 500, Plan::Ring(dialog));
        }
        match self.random.below(10) {
            0..=5 => self.plan(now, 500, 15_000, Plan::Answer(dialog)),
            6 | 7 => self.plan(now, 500, 15_000, Plan::Reject(dialog)),
            // It rings until the server gives up.
            _ => {}
        }
    }

    fn dialog(&mut self, now: Time, dialog: DialogId, event: DialogEvent) {
        match event {
            DialogEvent::Answered(_) => {
                self.ack(now, dialog);
                self.dialled.remove(&dialog);
                self.answered += 1;
                self.talks(now, dialog);
            }
            DialogEvent::Acked(_) => self.talks(now, dialog),
            DialogEvent::Rejected(outcome) => {
                let Some((number, authorized)) = self.dialled.remove(&dialog) else { return };
                let uri = format!("sip:{number}@{DOMAIN}");
                let challenge = outcome.message().filter(|_| !authorized);
                let value = challenge
                    .and_then(|message| self.authorize(message, Name::ProxyAuthenticate, ("INVITE", &uri)));
                value.into_iter().for_each(|value| self.call(now, &number, Some(value)));
            }
            DialogEvent::AckTimeout => self.endpoint.bye(now, dialog, Vec::new()),
            DialogEvent::Reinvite(message) => {
                let reply = if self.chance(80) {
                    let held = String::from_utf8_lossy(message.body()).contains("a=sendonly");
                    let sdp = self.sdp(if held { "recvonly" } else { "sendrecv" });
                    Reply::new(StatusCode::OK).body(sdp)
                } else {
                    Reply::new(StatusCode::NOT_ACCEPTABLE_HERE)
                };
                self.endpoint.respond_reinvite(now, dialog, reply);
            }
            DialogEvent::ReinviteOutcome(outcome) if outcome.status() == StatusCode::OK => {
                self.ack(now, dialog)
            }
            DialogEvent::ReinviteOutcome(_) => drop(self.owes_answer.remove(&dialog)),
            DialogEvent::Request { tx, .. } => self.endpoint.respond(now, tx, Reply::new(StatusCode::OK)),
            DialogEvent::Ended(_) | DialogEvent::ByeOutcome(_) | DialogEvent::Cancelled(_) => {
                self.up.remove(&dialog);
            }
            _ => {}
        }
    }

    /// Acknowledges a 2xx, with the answer where the other side made the offer; now and then that is forgotten.
    fn ack(&mut self, now: Time, dialog: DialogId) {
        let owes = self.owes_answer.remove(&dialog).is_some();
        let answer = (owes && self.chance(95)).then(|| self.sdp("sendrecv"));
        self.endpoint.ack(now, dialog, answer);
    }

    fn talks(&mut self, now: Time, dialog: DialogId) {
        if self.up.insert(dialog, ()).is_some() {
            return;
        }
        if self.chance(50) {
            self.plan(now, 500, 20_000, Plan::Hold(dialog));
        }
        if self.chance(70) {
            self.plan(now, 100, 60_000, Plan::HangUp(dialog));
        }
    }
}

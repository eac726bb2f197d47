//! `kill -9` at random moments: what was acknowledged is there afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clock::{Random, SystemClock};
use serde_json::{Value, json};
use testkit::{Account, Api, Codec, Dialog, Msg, Phone, Server, Setup, offer, on_both_databases};

/// Moments at which the server is killed.
const KILLS: u64 = 100;
/// The longest time between readiness and death.
const LONGEST_LIFE: u64 = 120;
/// How long an answer is waited for before it is looked whether the server still lives.
const GLANCE: Duration = Duration::from_millis(15);

on_both_databases!(what_was_acknowledged_survives_a_hundred_kills);

fn what_was_acknowledged_survives_a_hundred_kills(setup: Setup) {
    let seed = SystemClock::new().now().as_nanos();
    println!("seed {seed}");
    let mut random = Random::seeded(seed);
    let mut server = Server::start_with(setup);
    let api = server.admin();
    let mut registrants: Vec<Registrant> = (0..4)
        .map(|n| Registrant::new(&server, &api.account(&format!("620{n}"), &json!({"max_contacts": 5}))))
        .collect();
    let mut talkers = Talkers::new(&server, &api);
    let (mut acknowledged, mut answered) = (0, 0);
    for kill in 0..KILLS {
        let dead = Arc::new(AtomicBool::new(false));
        let life = Duration::from_micros(random.below(LONGEST_LIFE * 1_000));
        std::thread::scope(|scope| {
            let (program, killed) = (server.program(), Arc::clone(&dead));
            scope.spawn(move || {
                std::thread::park_timeout(life);
                program.signal(testkit::Signal::KILL);
                killed.store(true, Ordering::SeqCst);
            });
            while !dead.load(Ordering::SeqCst) {
                let which = usize::try_from(random.below(5)).unwrap();
                match registrants.get_mut(which) {
                    Some(registrant) => acknowledged += u32::from(registrant.change(&dead)),
                    None => answered += u32::from(talkers.call(&dead)),
                }
            }
        });
        server.kill_and_restart();
        for registrant in &mut registrants {
            registrant.check(&api, kill, life);
        }
        talkers.check(&api, kill, life);
    }
    println!("{acknowledged} changes of bindings and {answered} answered calls were acknowledged");
    assert!(acknowledged > 100 && answered > 20, "{acknowledged} and {answered}: too few to prove anything");
}

/// A phone that replaces its contact by a new one again and again.
struct Registrant {
    phone: Phone,
    challenge: Option<Msg>,
    uses: u32,
    number: u32,
    /// The contact that was acknowledged last.
    current: Option<String>,
    /// The contact of the last request, if that had no answer: it may be there, and then `current` may be gone.
    pending: Option<String>,
    /// What the server may have besides: removals are written behind, and a request without an answer may have arrived.
    others: BTreeSet<String>,
}

impl Registrant {
    fn new(server: &Server, account: &Account) -> Registrant {
        let phone = Phone::udp(server.sip, server.peer_ip(2), account);
        let others = BTreeSet::new();
        Registrant { phone, challenge: None, uses: 0, number: 0, current: None, pending: None, others }
    }

    /// Whether the change was acknowledged.
    fn change(&mut self, dead: &AtomicBool) -> bool {
        self.number += 1;
        let new = format!("{};n={}", self.phone.contact(), self.number);
        let mut request = self.phone.register_request(600);
        request.remove("Contact");
        request = request.with("Contact", format!("<{new}>;expires=600"));
        for old in self.others.iter().chain(&self.current) {
            request = request.with("Contact", format!("<{old}>;expires=0"));
        }
        self.pending = Some(new.clone());
        let Some(answer) = self.exchange(request, dead) else { return false };
        assert_eq!(answer.status(), 200, "{answer:#?}");
        let listed: Vec<&str> = answer.all("Contact").collect();
        assert!(listed.len() == 1 && listed[0].contains(&new), "{listed:?}");
        self.pending = None;
        self.others.extend(self.current.replace(new));
        true
    }

    fn exchange(&mut self, request: Msg, dead: &AtomicBool) -> Option<Msg> {
        self.uses += 1;
        let mut request = match &self.challenge {
            Some(challenge) => self.phone.authorized_nth(&request, challenge, self.uses),
            None => request,
        };
        loop {
            let answer = exchange(&mut self.phone, &request, dead)?;
            if answer.status() != 401 {
                return Some(answer);
            }
            self.uses = 1;
            request = self.phone.authorized(&request, &answer);
            self.challenge = Some(answer);
        }
    }

    fn check(&mut self, api: &Api, kill: u64, life: Duration) {
        let list = api.need(&format!("/api/registrations?username={}", self.phone.account.username));
        let items = list["items"].as_array().unwrap();
        let contacts: Vec<String> =
            items.iter().map(|item| item["contact"].as_str().unwrap().to_owned()).collect();
        let known: BTreeSet<&String> = self.others.iter().chain(&self.current).chain(&self.pending).collect();
        assert!(
            contacts.iter().all(|contact| known.contains(contact)),
            "kill {kill} after {life:?}: never sent: {contacts:?}"
        );
        if let Some(pending) = self.pending.take().filter(|pending| contacts.contains(pending)) {
            self.current = Some(pending);
        }
        if let Some(current) = &self.current {
            assert!(
                contacts.contains(current),
                "kill {kill} after {life:?}: {current} was acknowledged, the server has {contacts:?}"
            );
        }
        self.others = contacts.into_iter().filter(|contact| self.current.as_ref() != Some(contact)).collect();
    }
}

/// Two phones that call each other.
struct Talkers {
    caller: Phone,
    callee: Phone,
    /// Call-IDs whose 200 the caller has seen since the last start.
    answered: Vec<String>,
}

impl Talkers {
    fn new(server: &Server, api: &Api) -> Talkers {
        let [one, other] =
            ["6301", "6302"].map(|name| api.account(name, &json!({"max_concurrent_calls": 1_000})));
        let mut caller = Phone::udp(server.sip, server.peer_ip(3), &one);
        let mut callee = Phone::udp(server.sip, server.peer_ip(4), &other);
        caller.register(3_600);
        callee.register(3_600);
        Talkers { caller, callee, answered: Vec::new() }
    }

    /// Whether the answer reached the caller.
    fn call(&mut self, dead: &AtomicBool) -> bool {
        self.try_call(dead).is_some()
    }

    fn try_call(&mut self, dead: &AtomicBool) -> Option<()> {
        let sdp = |phone: &Phone| offer((phone.local().ip(), 40_000).into(), Codec::Pcmu, "sendrecv");
        let bare = self.caller.invite_request("6302", &sdp(&self.caller));
        let challenge = exchange(&mut self.caller, &bare, dead)?;
        assert!(matches!(challenge.status(), 401 | 407), "{challenge:#?}");
        self.caller.acknowledge_refusal(&bare, &challenge);
        let invite = self.caller.authorized(&bare, &challenge);
        self.caller.send(&invite);
        let received = wait(&mut self.callee, dead, &|message| message.is_request("INVITE"))?;
        let answer_sdp = sdp(&self.callee);
        let (answer, _) = self.callee.answer_prepared(&received, &answer_sdp);
        self.callee.send(&answer);
        let call_id = invite.need("Call-ID").to_owned();
        let answer = wait(&mut self.caller, dead, &|message| {
            message.status() >= 200
                && message.header("Call-ID") == Some(&*call_id)
                && message.cseq() == invite.cseq()
        })?;
        assert_eq!(answer.status(), 200, "{answer:#?}");
        self.answered.push(call_id);
        let mut dialog: Dialog = self.caller.dialog_from(&invite, &answer);
        self.caller.acknowledge(&mut dialog, "");
        // Every other call is hung up, so that open and closed records are there.
        if self.answered.len().is_multiple_of(2) {
            let bye = self.caller.in_dialog(&mut dialog, "BYE");
            exchange(&mut self.caller, &bye, dead)?;
        }
        Some(())
    }

    fn check(&mut self, api: &Api, kill: u64, life: Duration) {
        let list = api.need("/api/calls/?from_number=6301&per_page=200");
        for call_id in self.answered.drain(..) {
            let record = list["items"].as_array().unwrap().iter().find(|item| item["sip_call_id"] == call_id);
            let record =
                record.unwrap_or_else(|| panic!("kill {kill} after {life:?}: no record of {call_id}"));
            assert_eq!(record["state"], "ended", "{record:#}");
            assert!(record["answered_at"].is_string(), "{record:#}");
            let reason = record["termination"]["reason"].as_str().unwrap_or_default();
            assert!(["node_lost", "caller_hung_up"].contains(&reason), "{record:#}");
        }
        assert_eq!(api.need("/api/calls/active")["total"], Value::from(0));
    }
}

/// Sends a request and waits for its final answer while the server lives.
fn exchange(phone: &mut Phone, request: &Msg, dead: &AtomicBool) -> Option<Msg> {
    phone.send(request);
    let (call_id, cseq) = (request.need("Call-ID").to_owned(), request.need("CSeq").to_owned());
    wait(phone, dead, &|message| {
        message.status() >= 200
            && message.header("Call-ID") == Some(&*call_id)
            && message.header("CSeq") == Some(&*cseq)
    })
}

fn wait(phone: &mut Phone, dead: &AtomicBool, fits: &dyn Fn(&Msg) -> bool) -> Option<Msg> {
    loop {
        // Read the flag first: what the server sent before it died is still found.
        let last_look = dead.load(Ordering::SeqCst);
        if let Some(message) = phone.find(GLANCE, fits) {
            return Some(message);
        }
        if last_look {
            return None;
        }
    }
}

//! Call scripts: sentences in, readable actions out.
//!
//! `a invites; b1 rings; b1 answers; committed; a acks; a hangs up`: each sentence is one event, the media plane
//! answers by itself. Every script is run twice, the second time with the whole call written down, dropped and read
//! back after each event; both must want the same. At the end the invariants are checked: exactly one closed record,
//! no media session left, no leg without an end.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use clock::Time;
use crosspoint_call::{
    Abandoned, Action, Call, Contact, Event, Forking, LegId, Party, Rejection, Route, Setup, Timing, Totals,
};
use model::{AccountId, CallUid, Cdr, CdrState, LegUid, TenantId, Uid};
use sip::{Flow, StatusCode, Transport};

/// A call to be played.
#[derive(Clone)]
pub(crate) struct Script {
    route: Route,
    offer: Option<Bytes>,
}

/// What a script led to.
pub(crate) struct Played {
    /// Every step with its actions.
    pub(crate) text: String,
    /// The closed record.
    pub(crate) record: Option<Cdr>,
    /// Whether the call can be forgotten.
    pub(crate) over: bool,
    /// Media sessions never given back.
    pub(crate) held: BTreeSet<LegId>,
    /// How many records were closed.
    pub(crate) closed: usize,
}

impl Played {
    /// What happened after this step.
    pub(crate) fn since(&self, step: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("\n{step}\n")).expect("the step was played");
        rest
    }
}

impl Script {
    /// A call to an account with so many phones.
    pub(crate) fn phones(count: u8) -> Script {
        Script::with(Forking::Parallel, &vec![1_000; usize::from(count)])
    }

    /// A call to phones with these preferences.
    pub(crate) fn with(forking: Forking, preferences: &[u16]) -> Script {
        let branches =
            (1_u8..).zip(preferences).map(|(n, q_milli)| (party(n, "6002"), contact(n, *q_milli))).collect();
        let route = Route::Ring { account: account(2), branches, forking };
        Script { route, offer: Some(description(0, 1, "sendrecv")) }
    }

    /// A call to the echo test.
    pub(crate) fn echo() -> Script {
        Script { route: Route::Echo, ..Script::phones(0) }
    }

    /// A call that routing refused.
    pub(crate) fn refused(end: crosspoint_call::End) -> Script {
        Script { route: Route::Refuse(end), ..Script::phones(0) }
    }

    /// With this description in the INVITE.
    pub(crate) fn offering(self, offer: &str) -> Script {
        Script { offer: Some(Bytes::copy_from_slice(offer.replace('\n', "\r\n").as_bytes())), ..self }
    }

    /// Without a description in the INVITE.
    pub(crate) fn late_offer(self) -> Script {
        Script { offer: None, ..self }
    }

    /// Plays the script, whole, and checks what must hold at the end of every call.
    pub(crate) fn play(&self, script: &str) -> Played {
        let played = self.play_open(script);
        assert!(played.over, "the call is not over:\n{}", played.text);
        assert_eq!(played.closed, 1, "closed records:\n{}", played.text);
        assert!(played.held.is_empty(), "media sessions left {:?}:\n{}", played.held, played.text);
        let record = played.record.as_ref().unwrap();
        assert_eq!(record.state, CdrState::Closed);
        assert!(record.termination.is_some() && record.ended_at.is_some());
        played
    }

    /// Plays the script, which may leave the call running.
    pub(crate) fn play_open(&self, script: &str) -> Played {
        let plain = Stage::new(self, false).perform(script);
        let restored = Stage::new(self, true).perform(script);
        assert_eq!(plain.text, restored.text, "a restored call goes on otherwise");
        plain
    }

    /// Plays every order of what `||` joins: `a cancels || b1 answers`.
    pub(crate) fn play_orders(&self, script: &str) -> Vec<Played> {
        orders(script).iter().map(|script| self.play(script)).collect()
    }
}

/// Both orders of the first `||`, recursively.
fn orders(script: &str) -> Vec<String> {
    let steps: Vec<&str> = script.split(';').map(str::trim).collect();
    let Some(at) = steps.iter().position(|step| step.contains("||")) else { return vec![script.to_owned()] };
    let (one, other) = steps[at].split_once("||").unwrap();
    let (before, after) = (steps[..at].join("; "), steps[at + 1..].join("; "));
    [(one, other), (other, one)]
        .into_iter()
        .map(|(first, second)| [before.as_str(), first.trim(), second.trim(), after.as_str()].join("; "))
        .flat_map(|script| orders(script.trim_matches([';', ' '])))
        .collect()
}

struct Stage {
    call: Option<Call>,
    setup: Setup,
    now: Time,
    restore: bool,
    ports: u16,
    no_media: BTreeSet<LegId>,
    mute_media: bool,
    played: Played,
}

impl Stage {
    fn new(script: &Script, restore: bool) -> Stage {
        let setup = Setup {
            uid: CallUid(Uid::from_parts(Time::from_secs(1_000), 3, 7, 1)),
            tenant: TenantId::DEFAULT,
            caller: party(0, "6001"),
            external_id: Some("crm-17".to_owned()),
            to_number: "6002".to_owned(),
            sip_call_id: "call-1@a".to_owned(),
            offer: script.offer.clone(),
            route: script.route.clone(),
            timing: Timing::default(),
        };
        let played =
            Played { text: String::new(), record: None, over: false, held: BTreeSet::new(), closed: 0 };
        let (no_media, now) = (BTreeSet::new(), Time::from_secs(1_000));
        Stage { call: None, setup, now, restore, ports: 10_000, no_media, mute_media: false, played }
    }

    fn perform(mut self, script: &str) -> Played {
        for step in script.split(';').map(str::trim).filter(|step| !step.is_empty()) {
            writeln!(self.played.text, "{step}").unwrap();
            self.step(step);
            self.now += Duration::from_millis(10);
        }
        self.played.over = self.call.as_ref().unwrap().is_over();
        self.played
    }

    fn step(&mut self, step: &str) {
        let words: Vec<&str> = step.split_whitespace().collect();
        match words.as_slice() {
            ["a", "invites"] => {
                self.call = Some(Call::start(self.now, self.setup.clone()));
                self.drain();
            }
            ["no", "media", "for", leg] => {
                self.no_media.insert(leg_id(leg));
            }
            ["media", "never", "reports"] => self.mute_media = true,
            ["wait", seconds] => self.wait(Duration::from_secs(seconds.parse().unwrap())),
            _ => {
                let event = event(&words);
                self.handle(event);
            }
        }
    }

    fn wait(&mut self, long: Duration) {
        let until = self.now + long;
        while let Some(due) = self.call.as_ref().unwrap().poll_timeout().filter(|due| *due <= until) {
            self.now = due;
            self.written_and_read_back();
            self.call.as_mut().unwrap().handle_timeout(due);
            self.drain();
        }
        self.now = until;
    }

    fn handle(&mut self, event: Event) {
        self.written_and_read_back();
        self.call.as_mut().unwrap().handle(self.now, event);
        self.drain();
    }

    fn written_and_read_back(&mut self) {
        if self.restore {
            let bytes = postcard::to_allocvec(&self.call.take().unwrap()).unwrap();
            self.call = Some(postcard::from_bytes(&bytes).unwrap());
        }
    }

    /// Performs the actions; the media plane answers after all of them, as a shell does.
    fn drain(&mut self) {
        let mut answers = Vec::new();
        while let Some(action) = self.call.as_mut().unwrap().poll_action() {
            writeln!(self.played.text, "    {action}").unwrap();
            self.note(action, &mut answers);
        }
        for answer in answers {
            self.handle(answer);
        }
    }

    fn note(&mut self, action: Action, answers: &mut Vec<Event>) {
        match action {
            Action::Reserve(leg) if self.no_media.contains(&leg) => answers.push(Event::NotReserved { leg }),
            Action::Reserve(leg) => {
                let local = sdp::Local { addr: IpAddr::from([192, 0, 2, 1]), rtp_port: self.ports };
                self.ports += 2;
                assert!(self.played.held.insert(leg), "reserved twice: {leg}");
                answers.push(Event::Reserved { leg, local });
            }
            Action::Release(leg) => {
                assert!(self.played.held.remove(&leg), "released without being held: {leg}");
                let packets = 10 + u64::from(leg.0);
                let totals =
                    Totals { packets_received: packets, packets_sent: 2 * packets, ..Totals::default() };
                if !self.mute_media {
                    answers.push(Event::Released { leg, totals: Box::new(totals) });
                }
            }
            Action::Apply { leg, .. } => {
                assert!(self.played.held.contains(&leg), "media without a session: {leg}")
            }
            Action::CloseRecord(record) => {
                self.played.closed += 1;
                self.played.record = Some(*record);
            }
            _ => {}
        }
    }
}

fn event(words: &[&str]) -> Event {
    match words {
        ["committed"] => Event::Committed,
        ["operator", "hangs", "up"] => Event::HangUp,
        ["server", "stops"] => Event::Abandon { why: Abandoned::Stopping },
        ["a", "cancels"] => Event::Cancelled,
        ["a", "acks"] => Event::Acked { sdp: None },
        ["a", "acks", "with", "answer"] => Event::Acked { sdp: Some(description(0, 1, "sendrecv")) },
        [leg, rest @ ..] => leg_event(leg_id(leg), rest),
        [] => panic!("an empty step"),
    }
}

fn leg_event(leg: LegId, words: &[&str]) -> Event {
    let sdp = |version, direction| Some(description(leg.0, version, direction));
    let outcome =
        |status: u16, sdp| Event::ReinviteOutcome { leg, status: StatusCode::new(status).unwrap(), sdp };
    match words {
        ["rings"] => Event::Provisional { leg, status: StatusCode::RINGING, sdp: None },
        ["progresses"] => Event::Provisional { leg, status: StatusCode::SESSION_PROGRESS, sdp: None },
        ["plays", "early", "media"] => {
            Event::Provisional { leg, status: StatusCode::SESSION_PROGRESS, sdp: sdp(1, "sendrecv") }
        }
        ["answers"] => Event::Answered { leg, sdp: sdp(1, "sendrecv"), user_agent: Some("phone".to_owned()) },
        ["answers", "without", "description"] => Event::Answered { leg, sdp: None, user_agent: None },
        ["refuses", status] => {
            let status = StatusCode::new(status.parse().unwrap()).unwrap();
            Event::Rejected { leg, status, how: Rejection::Response }
        }
        ["is", "terminated"] => {
            Event::Rejected { leg, status: StatusCode::REQUEST_TERMINATED, how: Rejection::Response }
        }
        ["does", "not", "reply"] => {
            Event::Rejected { leg, status: StatusCode::REQUEST_TIMEOUT, how: Rejection::Timeout }
        }
        ["is", "unreachable"] => {
            Event::Rejected { leg, status: StatusCode::SERVICE_UNAVAILABLE, how: Rejection::Transport }
        }
        ["hangs", "up"] => Event::Ended { leg },
        ["is", "silent"] => Event::Silent { leg },
        ["never", "acks"] => Event::AckTimeout { leg },
        ["holds"] => Event::Reinvite { leg, sdp: sdp(2, "sendonly") },
        ["resumes"] => Event::Reinvite { leg, sdp: sdp(3, "sendrecv") },
        ["reinvites"] => Event::Reinvite { leg, sdp: None },
        ["reinvites", "with", "nonsense"] => {
            Event::Reinvite { leg, sdp: Some(Bytes::from_static(b"nonsense")) }
        }
        ["accepts", direction] => outcome(200, sdp(2, direction)),
        ["accepts", "without", "description"] => outcome(200, None),
        ["refuses", "reinvite", status] => outcome(status.parse().unwrap(), None),
        ["acks", "reinvite"] => Event::ReinviteAcked { leg, sdp: None },
        ["acks", "reinvite", "with", "answer"] => Event::ReinviteAcked { leg, sdp: sdp(4, "sendrecv") },
        other => panic!("no such step: {other:?}"),
    }
}

fn leg_id(word: &str) -> LegId {
    match word {
        "a" => LegId::CALLER,
        branch => LegId(branch.strip_prefix('b').unwrap().parse().unwrap()),
    }
}

/// What a phone writes: the caller offers two codecs, the phones answer with one.
pub(crate) fn description(phone: u8, version: u64, direction: &str) -> Bytes {
    let formats = if phone == 0 { "0 8" } else { "0" };
    let text = format!(
        "v=0\r\no=- {phone} {version} IN IP4 10.0.0.{phone}\r\ns=-\r\nc=IN IP4 10.0.0.{phone}\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP {formats}\r\na={direction}\r\n"
    );
    Bytes::from(text)
}

fn party(n: u8, number: &str) -> Party {
    Party {
        uid: LegUid(Uid::from_parts(Time::from_secs(1_000), 3, 7, 100 + u64::from(n))),
        account: Some(account(if n == 0 { 1 } else { 2 })),
        number: number.to_owned(),
        flow: Flow {
            transport: Transport::Udp,
            local: SocketAddr::from(([192, 0, 2, 1], 5060)),
            remote: SocketAddr::from(([10, 0, 0, n], 5060)),
            connection: None,
        },
        user_agent: None,
    }
}

fn contact(n: u8, q_milli: u16) -> Contact {
    Contact { uri: format!("sip:6002@10.0.0.{n}"), route: Vec::new(), q_milli }
}

fn account(n: u8) -> AccountId {
    AccountId(Uid::from_bytes([n; 16]))
}

/// Compares what was played with what was expected, indentation apart.
#[track_caller]
pub(crate) fn shows(played: &str, expected: &str) {
    let lines = |text: &str| {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let (played, expected): (Vec<String>, Vec<String>) = (lines(played), lines(expected));
    assert_eq!(played, expected, "\nplayed:\n{}", played.join("\n"));
}

//! What a call wants done, done: all actions in order, then the next event.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use call::{Abandoned, Action, Call, End, Event, LegId};
use clock::Time;
use sip::{Body, Invite, Method, Name, Reply, StatusCode};
use storage::Write;

use super::Running;
use super::begin::contact;
use crate::core::{Counted, Effect, Env, MediaCommand, MediaToken, RETRY_AFTER_S, State, Waiting};

impl State {
    /// Tells a call what happened and does what it wants.
    pub(crate) fn call_event(&mut self, env: &Env, now: Time, serial: u64, event: Event) {
        self.step(env, now, serial, |call| call.handle(now, event));
    }

    /// Lets a call take a step. A panic in it is a defect of ours that ends this call and no other.
    pub(super) fn step(&mut self, env: &Env, now: Time, serial: u64, step: impl FnOnce(&mut Call)) {
        let Some(running) = self.calls.get_mut(serial) else { return };
        let call = &mut running.call;
        if catch_unwind(AssertUnwindSafe(|| step(call))).is_err() {
            self.effects.push_back(Effect::Count(Counted::Defect));
            let abandon = Event::Abandon { why: Abandoned::Defect };
            let survived = self.calls.get_mut(serial).is_some_and(|running| {
                catch_unwind(AssertUnwindSafe(|| running.call.handle(now, abandon))).is_ok()
            });
            if !survived {
                return self.clear_away(env, now, serial);
            }
        }
        self.perform(env, now, serial);
    }

    /// Performs the actions of a call until there are none.
    pub(crate) fn perform(&mut self, env: &Env, now: Time, serial: u64) {
        let Some(mut running) = self.calls.take(serial) else { return };
        loop {
            let mut refused = Vec::new();
            while let Some(action) = running.call.poll_action() {
                if let Some(event) = self.act(now, serial, &mut running, action) {
                    refused.push(event);
                }
            }
            if refused.is_empty() {
                break;
            }
            refused.into_iter().for_each(|event| running.call.handle(now, event));
        }
        if running.call.state() == call::State::Ending {
            give_places_back(env, &mut running);
        }
        if running.call.is_over() {
            self.calls.forget(serial, &running);
        } else {
            self.calls.put_back(serial, running);
        }
    }

    /// Ends everything a call holds without asking it.
    fn clear_away(&mut self, env: &Env, now: Time, serial: u64) {
        let Some(mut running) = self.calls.take(serial) else { return };
        for link in &running.links {
            if let Some(dialog) = link.dialog {
                self.endpoint.bye(now, dialog, reason(End::Defect));
            }
            if let Some(session) = link.session {
                self.effects.push_back(Effect::Media(MediaCommand::Release(session)));
            }
        }
        give_places_back(env, &mut running);
        self.calls.forget(serial, &running);
    }

    /// Performs one action; what could not be done comes back as an event.
    fn act(&mut self, now: Time, serial: u64, running: &mut Running, action: Action) -> Option<Event> {
        match action {
            Action::Reserve(leg) => self.reserve(serial, running, leg),
            Action::Apply { leg, plan, target } => {
                let target = match target {
                    call::Target::Leg(peer) => running.session(peer).map(media::Target::Peer),
                    call::Target::Echo => Some(media::Target::Echo),
                    call::Target::Nothing => Some(media::Target::Nothing),
                };
                let target = target.unwrap_or(media::Target::Nothing);
                if let Some(session) = running.session(leg) {
                    self.effects.push_back(Effect::Media(MediaCommand::Apply { session, plan, target }));
                }
            }
            Action::Release(leg) => {
                if let Some(session) = running.session(leg) {
                    self.effects.push_back(Effect::Media(MediaCommand::Release(session)));
                }
            }
            Action::Invite { leg, sdp } => self.invite(now, serial, running, (leg, sdp)),
            Action::OpenRecord(record) => {
                let ticket = self.tickets.issue(now, Waiting::Call(serial));
                self.effects.push_back(Effect::Store(Write::CdrOpen(record), Some(ticket)));
            }
            Action::CloseRecord(record) => {
                self.effects.push_back(Effect::Store(Write::CdrClose(record), None))
            }
            Action::CountUncommitted => self.effects.push_back(Effect::Count(Counted::Uncommitted)),
            Action::Reinvite { leg, sdp } => {
                let sent =
                    running.dialog(leg).map(|dialog| self.endpoint.reinvite(now, dialog, sdp.map(Body::sdp)));
                if !matches!(sent, Some(Ok(()))) {
                    return Some(Event::ReinviteOutcome {
                        leg,
                        status: StatusCode::REQUEST_PENDING,
                        sdp: None,
                    });
                }
            }
            other => self.speak(now, running, other),
        }
        None
    }

    /// The actions that are one message in a dialog.
    fn speak(&mut self, now: Time, running: &mut Running, action: Action) {
        let leg = match &action {
            Action::Ack { leg, .. }
            | Action::Cancel { leg, .. }
            | Action::Bye { leg, .. }
            | Action::RespondReinvite { leg, .. } => *leg,
            _ => LegId::CALLER,
        };
        let Some(dialog) = running.dialog(leg) else { return };
        let with = |reply: Reply, sdp: Option<Bytes>| Reply { body: sdp.map(Body::sdp), ..reply };
        match action {
            Action::Provisional { status, sdp } => {
                if !std::mem::replace(&mut running.rang, true) {
                    let setup = now.since(running.call.started_at());
                    self.effects.push_back(Effect::Count(Counted::Setup(setup)));
                }
                self.endpoint.provisional(now, dialog, with(Reply::new(status), sdp));
            }
            Action::Answer { sdp } => {
                self.count(Some(Method::Invite), StatusCode::OK);
                self.endpoint.answer(now, dialog, with(Reply::new(StatusCode::OK), Some(sdp)));
            }
            Action::Reject { status, why } => {
                self.count(Some(Method::Invite), status);
                self.endpoint.reject(now, dialog, rejection(status, why));
            }
            Action::Ack { sdp, .. } => self.endpoint.ack(now, dialog, sdp.map(Body::sdp)),
            Action::Cancel { why, .. } => self.endpoint.cancel(now, dialog, reason(why)),
            Action::Bye { why, .. } => self.endpoint.bye(now, dialog, reason(why)),
            Action::RespondReinvite { status, sdp, .. } => {
                self.count(Some(Method::Invite), status);
                self.endpoint.respond_reinvite(now, dialog, with(Reply::new(status), sdp));
            }
            // The others are performed by `act`.
            _ => {}
        }
    }

    fn reserve(&mut self, serial: u64, running: &Running, leg: LegId) {
        let Some(peer) = running.call.leg(leg).map(|leg| leg.remote().ip()) else { return };
        let token = MediaToken::new(serial, leg);
        self.effects.push_back(Effect::Media(MediaCommand::Reserve { token, group: serial, peer }));
    }

    fn invite(&mut self, now: Time, serial: u64, running: &mut Running, what: (LegId, Option<Bytes>)) {
        let (id, sdp) = what;
        let Some(leg) = running.call.leg(id) else { return };
        let Some(to) = leg.contact() else { return };
        let headers = &running.headers;
        let flow = leg.party().flow;
        let dialog = self.endpoint.invite(
            now,
            Invite {
                target: to.uri.clone(),
                flow,
                route: to.route.clone(),
                from: headers.from.clone(),
                to: headers.to.clone(),
                contact: contact(&headers.contact_user, &flow),
                headers: vec![(Name::MaxForwards.into(), headers.hops.to_string())],
                body: sdp.map(Body::sdp),
            },
        );
        let call_id =
            self.endpoint.dialog(dialog).map(|dialog| String::from_utf8_lossy(dialog.call_id()).into_owned());
        let link = running.link(id);
        link.dialog = Some(dialog);
        link.sip_call_id = call_id.unwrap_or_default();
        self.calls.join(dialog, serial, id);
    }
}

/// The call does not count any more for its accounts, though a phone may still owe an answer to its CANCEL.
fn give_places_back(env: &Env, running: &mut Running) {
    running.places.drain(..).for_each(|account| env.shared.occupancy.give_back(account));
}

/// The Reason header, RFC 3326.
fn reason(why: End) -> sip::Headers {
    vec![(Name::Reason.into(), why.reason_header())]
}

fn rejection(status: StatusCode, why: End) -> Reply {
    let reply = Reply { headers: reason(why), ..Reply::new(status) };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        reply.header(Name::RetryAfter, RETRY_AFTER_S)
    } else {
        reply
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use clock::Random;
    use model::{AccountId, Directory, Ha1, NewAccount, TenantId, Uid};
    use sip::digest::{Algorithm, Answer, ReceivedChallenge, ha1};
    use sip::{Flow, Message, Packet, Transport};

    use super::*;
    use crate::core::{MediaInput, Rules, Shard, Shared};
    use crate::{CallSettings, DigestSettings, Identity, RegistrarSettings};

    const NOW: Time = Time::from_secs(1_000);

    fn shard() -> Shard {
        let identity = Identity {
            domain: "pbx.example".to_owned(),
            realm: "pbx.example".to_owned(),
            local_names: Vec::new(),
            server_name: String::new(),
            node: 1,
            epoch: 1,
        };
        let digest = DigestSettings::new([7; 32]);
        let rules = Rules::new(identity, RegistrarSettings::default(), CallSettings::default(), &digest);
        let secret = |user: &str, password: &str| Ha1 {
            md5: ha1(Algorithm::Md5, user, "pbx.example", password),
            sha256: String::new(),
            sha512_256: String::new(),
        };
        let new = NewAccount::new(TenantId::DEFAULT, "ann", "pbx.example", "correct horse");
        let ann = new.into_account(AccountId(Uid::from_bytes([1; 16])), Time::ZERO, secret).unwrap();
        let shared = Arc::new(Shared::new(Directory::new([ann], 1), &rules, Time::ZERO));
        Shard::new(0, Env { shared, rules: Arc::new(rules) }, Random::seeded(1))
    }

    fn answer(shard: &mut Shard) -> Message {
        Message::parse(shard.poll_transmit().unwrap().bytes).unwrap()
    }

    /// An echo call up to its media session.
    fn call(shard: &mut Shard, call_id: &str) {
        let uri = "sip:*43@pbx.example";
        let invite = |cseq: u32, line: &str| {
            let body = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
            let text = format!(
                "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{call_id}{cseq}\r\nMax-Forwards: 70\r\n\
                 From: <sip:ann@pbx.example>;tag=1\r\nTo: <{uri}>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} INVITE\r\n\
                 Contact: <sip:ann@10.0.0.1>\r\n{line}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let flow = Flow {
                transport: Transport::Udp,
                local: ([192, 0, 2, 1], 5060).into(),
                remote: ([10, 0, 0, 1], 5060).into(),
                connection: None,
            };
            Packet { flow, bytes: Bytes::from(text) }
        };
        shard.packet(NOW, invite(1, ""));
        let challenge = answer(shard);
        let challenge = ReceivedChallenge::parse(challenge.header(Name::ProxyAuthenticate).unwrap()).unwrap();
        let credentials = challenge.answer(&Answer {
            username: "ann",
            ha1: &ha1(Algorithm::Md5, "ann", "pbx.example", "correct horse"),
            method: b"INVITE",
            uri,
            body: b"",
            nc: 1,
            cnonce: "c",
        });
        shard.packet(NOW, invite(2, &format!("Proxy-Authorization: {credentials}\r\n")));
        assert_eq!(answer(shard).status(), Some(StatusCode::TRYING));
        while let Some(effect) = shard.poll_effect() {
            if let Effect::Media(MediaCommand::Reserve { token, .. }) = effect {
                let local = sdp::Local { addr: [192, 0, 2, 1].into(), rtp_port: 10_000 };
                let session = media::SessionId::from_u64(token.0 + 1);
                shard.media(NOW, MediaInput::Reserved { token, session, local });
            }
        }
    }

    #[test]
    fn a_panic_ends_the_call_it_happened_in_and_no_other() {
        let mut shard = shard();
        call(&mut shard, "one");
        call(&mut shard, "two");
        let Shard { env, state } = &mut shard;
        state.step(env, NOW, 0, |_| panic!("a defect"));
        let effects: Vec<_> = std::iter::from_fn(|| shard.poll_effect()).collect();
        assert!(matches!(effects.first(), Some(Effect::Count(Counted::Defect))));
        let released = |effect: &&Effect| matches!(effect, Effect::Media(MediaCommand::Release(_)));
        assert_eq!(effects.iter().filter(released).count(), 1);
        let refused = answer(&mut shard);
        assert_eq!(
            (refused.call_id(), refused.status()),
            (Some(&b"one"[..]), Some(StatusCode::SERVER_INTERNAL_ERROR))
        );
        shard.timeout(NOW + std::time::Duration::from_secs(1));
        let records: Vec<_> = std::iter::from_fn(|| shard.poll_effect())
            .filter_map(
                |effect| if let Effect::Store(Write::CdrClose(cdr), _) = effect { Some(cdr) } else { None },
            )
            .collect();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].termination.as_ref().unwrap().reason, "defect");
        assert_eq!(shard.counts().0, 1, "the other call goes on");
    }
}

//! A scripted phone: it writes what it is told, byte for byte.

use crosspoint_switch::core::Report;
use sip::digest::{Answer, ReceivedChallenge, ha1};
use sip::{Flow, Message, Method, Name};

use crate::stage::{DOMAIN, PASSWORD, World, answers, first_line, flow, text};

/// A phone of an account at an address.
pub(crate) struct Phone {
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) flow: Flow,
    pub(crate) cseq: u32,
    pub(crate) serial: u32,
}

/// A dialog as the phone sees it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) call_id: String,
    /// From and To as the phone writes them in requests of its own.
    local: String,
    remote: String,
    target: String,
    /// The INVITE's branch line, for ACK to refusals and CANCEL.
    via: String,
    pub(crate) cseq: u32,
    uri: String,
}

impl Phone {
    /// A phone of this account at this address.
    pub(crate) fn new(user: &'static str, address: &str) -> Phone {
        Phone { user, password: PASSWORD, flow: flow(address), cseq: 0, serial: 0 }
    }

    fn via(&mut self) -> String {
        self.serial += 1;
        let Flow { transport, remote, .. } = self.flow;
        format!(
            "SIP/2.0/{} {remote};rport;branch=z9hG4bK{}-{}",
            transport.via_token(),
            self.user,
            self.serial
        )
    }

    fn aor(&self) -> String {
        format!("<sip:{}@{DOMAIN}>", self.user)
    }

    pub(crate) fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.user, self.flow.remote)
    }

    /// The next message to this phone.
    pub(crate) fn next(&self, world: &mut World) -> Message {
        let next = world.next_to(self.flow.remote);
        next.unwrap_or_else(|| panic!("nothing for {}; on the way: {:?}", self.user, world.on_the_way()))
    }

    /// The next message to this phone has this first line.
    pub(crate) fn gets(&self, world: &mut World, expected: &str) -> Message {
        let message = self.next(world);
        assert_eq!(first_line(&message), expected, "{}", text(message.bytes()));
        message
    }

    /// Nothing is on its way to this phone.
    pub(crate) fn gets_nothing(&self, world: &mut World) {
        let next = world.next_to(self.flow.remote);
        assert!(next.is_none(), "{} gets {:?}", self.user, next.map(|message| text(message.bytes())));
    }

    /// The value that answers a challenge for a request.
    pub(crate) fn authorize(&self, challenge: &Message, request: (&str, &str), nc: u32) -> String {
        let (method, uri) = request;
        let line =
            challenge.header(Name::WwwAuthenticate).or(challenge.header(Name::ProxyAuthenticate)).unwrap();
        let challenge = ReceivedChallenge::parse(line).unwrap();
        let secret = ha1(challenge.algorithm, self.user, &challenge.realm, self.password);
        challenge.answer(&Answer {
            username: self.user,
            ha1: &secret,
            method: method.as_bytes(),
            uri,
            body: b"",
            nc,
            cnonce: "c0ffee",
        })
    }

    /// A REGISTER with these header lines, without credentials unless they are among them.
    pub(crate) fn register_raw(&mut self, world: &mut World, call_id: &str, lines: &str) {
        self.cseq += 1;
        let (via, aor, cseq) = (self.via(), self.aor(), self.cseq);
        let message = format!(
            "REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {aor};tag=r{cseq}\r\nTo: {aor}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n{lines}Content-Length: 0\r\n\r\n"
        );
        world.receive(self.flow, &message);
    }

    /// A REGISTER with these lines, challenged and repeated with credentials; the final answer.
    pub(crate) fn register_with(&mut self, world: &mut World, call_id: &str, lines: &str) -> Option<Message> {
        self.register_raw(world, call_id, lines);
        let challenge = self.next(world);
        assert_eq!(challenge.status().unwrap().as_u16(), 401);
        let credentials = self.authorize(&challenge, ("REGISTER", "sip:pbx.example"), 1);
        self.register_raw(world, call_id, &format!("{lines}Authorization: {credentials}\r\n"));
        world.next_to(self.flow.remote)
    }

    /// Registers its contact for an hour, and the database commits.
    pub(crate) fn register(&mut self, world: &mut World) {
        let lines = format!("Contact: {}\r\nExpires: 3600\r\n", self.contact());
        let call_id = format!("reg-{}-{}", self.user, self.flow.remote);
        let at_once = self.register_with(world, &call_id, &lines);
        if at_once.is_none() {
            world.commit();
            let cseq = self.cseq;
            self.gets(world, &format!("200 {cseq} REGISTER"));
        }
    }

    /// Calls somebody: INVITE, 407, ACK, INVITE with credentials, 100.
    pub(crate) fn calls(&mut self, world: &mut World, to: &str) -> Call {
        let call = self.invites(world, to, Some(&offer(self, 1, "sendrecv")));
        self.gets(world, &format!("100 {} INVITE", call.cseq));
        call
    }

    /// The same, up to the INVITE with credentials.
    pub(crate) fn invites(&mut self, world: &mut World, to: &str, body: Option<&str>) -> Call {
        self.serial += 1;
        let call_id = format!("call-{}-{}", self.user, self.serial);
        let uri = format!("sip:{to}@{DOMAIN}");
        let from = format!("{};tag=f{}", self.aor(), self.serial);
        let first = self.invite_raw(world, &uri, (&call_id, &from, 1), ("", body));
        let challenge = self.next(world);
        assert_eq!(first_line(&challenge), "407 1 INVITE");
        let to_line = text(challenge.header(Name::To).unwrap());
        let ack = format!(
            "ACK {uri} SIP/2.0\r\nVia: {first}\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: {to_line}\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
        );
        world.receive(self.flow, &ack);
        let credentials = self.authorize(&challenge, ("INVITE", &uri), 1);
        let via = self.invite_raw(
            world,
            &uri,
            (&call_id, &from, 2),
            (&format!("Proxy-Authorization: {credentials}\r\n"), body),
        );
        let remote = format!("<{uri}>");
        Call { call_id, local: from, remote, target: uri.clone(), via, cseq: 2, uri }
    }

    /// An INVITE as it is; its Via.
    pub(crate) fn invite_raw(
        &mut self,
        world: &mut World,
        uri: &str,
        dialog: (&str, &str, u32),
        content: (&str, Option<&str>),
    ) -> String {
        let ((call_id, from, cseq), (lines, body)) = (dialog, content);
        let (via, contact) = (self.via(), self.contact());
        let message = format!(
            "INVITE {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: <{uri}>\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} INVITE\r\nContact: {contact}\r\nUser-Agent: Phone/1\r\n{lines}{}",
            content_of(body)
        );
        world.receive(self.flow, &message);
        via
    }

    /// An answer to a request that came: status line, further lines, body. The dialog as it is from now on.
    pub(crate) fn answers(
        &mut self,
        world: &mut World,
        request: &Message,
        status: &str,
        body: Option<&str>,
    ) -> Call {
        let to = text(request.header(Name::To).unwrap());
        let tagged = if to.contains(";tag=") { to } else { format!("{to};tag=t{}", self.user) };
        let line = |name: Name| text(request.header(name).unwrap());
        let vias: String = request.headers(Name::Via).map(|via| format!("Via: {}\r\n", text(via))).collect();
        let contact = self.contact();
        let message = format!(
            "SIP/2.0 {status}\r\n{vias}From: {}\r\nTo: {tagged}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: {contact}\r\n\
             Server: Phone/2\r\n{}",
            line(Name::From),
            line(Name::CallId),
            line(Name::CSeq),
            content_of(body)
        );
        world.receive(self.flow, &message);
        let target = request.contacts().next().and_then(Result::ok);
        let target = target.and_then(|contact| contact.addr().map(|addr| addr.uri_text().to_owned()));
        Call {
            call_id: line(Name::CallId),
            local: tagged,
            remote: line(Name::From),
            target: target.unwrap_or_default(),
            via: String::new(),
            cseq: 0,
            uri: String::new(),
        }
    }

    /// The dialog of a call that was answered with this 2xx.
    pub(crate) fn confirmed(&self, call: &Call, answer: &Message) -> Call {
        let contact = answer.contacts().next().unwrap().unwrap();
        Call {
            remote: text(answer.header(Name::To).unwrap()),
            target: contact.addr().unwrap().uri_text().to_owned(),
            ..call.clone()
        }
    }

    /// ACK for a 2xx.
    pub(crate) fn acks(&mut self, world: &mut World, call: &Call, body: Option<&str>) {
        self.says(world, call, ("ACK", call.cseq), body);
    }

    /// BYE.
    pub(crate) fn hangs_up(&mut self, world: &mut World, call: &mut Call) {
        call.cseq += 1;
        self.says(world, call, ("BYE", call.cseq), None);
    }

    /// A request within the dialog.
    pub(crate) fn says(&mut self, world: &mut World, call: &Call, request: (&str, u32), body: Option<&str>) {
        let (method, cseq) = request;
        let (via, contact) = (self.via(), self.contact());
        let Call { call_id, local, remote, target, .. } = call;
        let message = format!(
            "{method} {target} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {local}\r\nTo: {remote}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: {contact}\r\n{}",
            content_of(body)
        );
        world.receive(self.flow, &message);
    }

    /// CANCEL of its INVITE, or the ACK of its refusal: on the INVITE's branch.
    pub(crate) fn follows_up(&mut self, world: &mut World, call: &Call, method: &str, to: Option<&Message>) {
        let Call { call_id, local, remote, via, cseq, uri, .. } = call;
        let to = to.and_then(|answer| answer.header(Name::To)).map_or_else(|| remote.clone(), text);
        let message = format!(
            "{method} {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {local}\r\nTo: {to}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        );
        world.receive(self.flow, &message);
    }
}

/// Two phones in a call: ann calls bob, who answers; ann's dialog and bob's.
pub(crate) fn in_a_call(world: &mut World, ann: &mut Phone, bob: &mut Phone) -> (Call, Call) {
    ann.register(world);
    bob.register(world);
    let call = ann.calls(world, "bob");
    let invite = bob.next(world);
    assert_eq!(invite.method(), Some(Method::Invite));
    bob.answers(world, &invite, "180 Ringing", None);
    ann.gets(world, "180 2 INVITE");
    let bobs = bob.answers(world, &invite, "200 OK", Some(&offer(bob, 1, "sendrecv")));
    assert_eq!(bob.next(world).method(), Some(Method::Ack));
    ann.gets_nothing(world);
    world.commit();
    let answer = ann.gets(world, "200 2 INVITE");
    assert!(answers(&answer, Method::Invite));
    let anns = ann.confirmed(&call, &answer);
    ann.acks(world, &anns, None);
    (anns, bobs)
}

/// A session description of this phone.
pub(crate) fn offer(phone: &Phone, version: u32, direction: &str) -> String {
    let ip = phone.flow.remote.ip();
    format!(
        "v=0\r\no=- 7 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )
}

fn content_of(body: Option<&str>) -> String {
    match body {
        Some(body) => {
            format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        None => "Content-Length: 0\r\n\r\n".to_owned(),
    }
}

/// Whether an operator's hangup found its call.
pub(crate) fn hung_up(world: &World) -> bool {
    matches!(world.reports.last(), Some((_, Report::HungUp(true))))
}

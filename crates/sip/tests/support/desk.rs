//! One endpoint at a desk: text goes in, text comes out.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use clock::{Random, Time};
use crosspoint_sip::{Endpoint, Event, Flow, Message, Name, Packet, Settings, StatusCode, Transport};

use super::flow;

/// An endpoint, the time, and the peer's flow.
pub(crate) struct Desk {
    pub(crate) endpoint: Endpoint,
    pub(crate) now: Time,
    pub(crate) flow: Flow,
}

/// A request of the peer, to be changed and written.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) start: String,
    pub(crate) via: Vec<String>,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) call_id: String,
    pub(crate) cseq: String,
    pub(crate) contact: Option<String>,
    pub(crate) more: Vec<String>,
    pub(crate) body: String,
}

/// A request of the peer: `method`, its branch and number; outside any dialog.
pub(crate) fn request(method: &str, branch: &str, cseq: u32) -> Text {
    Text {
        start: format!("{method} sip:b@192.0.2.1 SIP/2.0"),
        via: vec![format!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{branch}")],
        from: "<sip:a@example.com>;tag=peer".into(),
        to: "<sip:b@example.com>".into(),
        call_id: "call-1".into(),
        cseq: format!("{cseq} {method}"),
        contact: (method == "INVITE").then(|| "<sip:a@192.0.2.2:5060>".into()),
        more: Vec::new(),
        body: String::new(),
    }
}

impl Text {
    pub(crate) fn to(mut self, to: &str) -> Text {
        self.to = to.into();
        self
    }

    pub(crate) fn line(mut self, line: &str) -> Text {
        self.more.push(line.into());
        self
    }

    pub(crate) fn write(&self) -> Bytes {
        let mut out = format!("{}\r\n", self.start);
        for via in &self.via {
            write!(out, "Via: {via}\r\n").unwrap();
        }
        write!(out, "From: {}\r\nTo: {}\r\nCall-ID: {}\r\n", self.from, self.to, self.call_id).unwrap();
        write!(out, "CSeq: {}\r\n", self.cseq).unwrap();
        if !self.more.iter().any(|line| line.starts_with("Max-Forwards:")) {
            out.push_str("Max-Forwards: 70\r\n");
        }
        if let Some(contact) = &self.contact {
            write!(out, "Contact: {contact}\r\n").unwrap();
        }
        for line in &self.more {
            write!(out, "{line}\r\n").unwrap();
        }
        write!(out, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body).unwrap();
        Bytes::from(out)
    }
}

/// The response of the peer to a request of ours, with the tag and further lines.
pub(crate) fn response(request: &Message, status: &str, tag: &str, more: &[&str]) -> Bytes {
    let value = |name| String::from_utf8(request.header(name).unwrap().to_vec()).unwrap();
    let mut to = value(Name::To);
    if !tag.is_empty() && !to.contains(";tag=") {
        write!(to, ";tag={tag}").unwrap();
    }
    let mut out = format!("SIP/2.0 {status}\r\n");
    for via in request.headers(Name::Via) {
        write!(out, "Via: {}\r\n", String::from_utf8_lossy(via)).unwrap();
    }
    write!(out, "From: {}\r\nTo: {to}\r\nCall-ID: {}\r\n", value(Name::From), value(Name::CallId)).unwrap();
    write!(out, "CSeq: {}\r\n", value(Name::CSeq)).unwrap();
    for line in more {
        write!(out, "{line}\r\n").unwrap();
    }
    out.push_str("Content-Length: 0\r\n\r\n");
    Bytes::from(out)
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk::with(Settings::default(), Transport::Udp)
    }

    pub(crate) fn with(settings: Settings, transport: Transport) -> Desk {
        let endpoint = Endpoint::new(settings, Random::seeded(1));
        Desk { endpoint, now: Time::from_secs(1_000), flow: flow(0, transport) }
    }

    /// The peer sends this.
    pub(crate) fn receive(&mut self, bytes: Bytes) {
        self.endpoint.handle_packet(self.now, Packet { flow: self.flow, bytes });
    }

    /// The peer sends this and gets these start lines.
    pub(crate) fn exchange(&mut self, bytes: Bytes) -> Vec<String> {
        self.receive(bytes);
        self.lines()
    }

    /// What was sent since it was asked last.
    pub(crate) fn sent(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.endpoint.poll_transmit())
            .map(|transmit| Message::parse(transmit.bytes).unwrap())
            .inspect(|message| {
                let of_broken = message.status() == Some(StatusCode::BAD_REQUEST);
                assert!(of_broken || message.validate() == Ok(()), "{:?}", message.validate());
            })
            .collect()
    }

    /// The one message that was sent.
    pub(crate) fn sent_one(&mut self) -> Message {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    /// The start lines of what was sent.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.sent().iter().map(start_line).collect()
    }

    /// The next event.
    pub(crate) fn event(&mut self) -> Event {
        self.endpoint.poll_event().expect("an event")
    }

    /// Whether there are no events.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.endpoint.poll_event().is_none()
    }

    /// Lets time pass; what was sent meanwhile, with the milliseconds since the beginning of the wait.
    pub(crate) fn wait(&mut self, duration: Duration) -> Vec<(u64, String)> {
        let (start, end) = (self.now, self.now + duration);
        let mut sent = Vec::new();
        while let Some(at) = self.endpoint.poll_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.endpoint.handle_timeout(at);
            let millis = u64::try_from(at.since(start).as_millis()).unwrap();
            sent.extend(self.lines().into_iter().map(|line| (millis, line)));
        }
        self.now = end;
        sent
    }

    /// Writes the endpoint down, drops it, and reads it back.
    pub(crate) fn restore(&mut self) {
        let written = postcard::to_stdvec(&self.endpoint).unwrap();
        self.endpoint = postcard::from_bytes(&written).unwrap();
    }

    pub(crate) fn counts(&self) -> (usize, usize) {
        let counts = self.endpoint.counts();
        (counts.transactions, counts.dialogs)
    }
}

pub(crate) fn start_line(message: &Message) -> String {
    super::network::first_line(message.bytes())
}

pub(crate) fn text(message: &Message, name: Name) -> String {
    String::from_utf8(message.header(name).unwrap_or(b"").to_vec()).unwrap()
}

pub(crate) fn texts(message: &Message, name: Name) -> Vec<String> {
    message.headers(name).map(|value| String::from_utf8(value.to_vec()).unwrap()).collect()
}

pub(crate) fn to_tag(message: &Message) -> String {
    message.to().unwrap().tag().unwrap_or("").to_owned()
}

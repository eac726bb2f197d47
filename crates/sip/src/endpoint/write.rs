//! The messages an endpoint writes: what it adds to what its user decided.

use bytes::Bytes;

use super::{Body, HeaderText, Headers, Reply, Settings};
use crate::dialog::Peer;
use crate::header::Name;
use crate::{Builder, Flow, Message, Method, StatusCode};

/// Max-Forwards of our requests, RFC 3261 §8.1.1.6.
const MAX_FORWARDS: &str = "70";

/// What a response says about the dialog it belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame<'a> {
    /// Our tag, for a To that has none.
    pub(super) tag: &'a str,
    /// Our Contact.
    pub(super) contact: Option<&'a str>,
    /// Whether the response may create the dialog, and so repeats the Record-Route (RFC 3261 §12.1.1).
    pub(super) establishes: bool,
}

/// A response to `request`.
pub(super) fn response(
    settings: &Settings,
    request: &Message,
    flow: &Flow,
    frame: Frame<'_>,
    reply: &Reply,
) -> Bytes {
    // A 100 creates nothing, so it has no tag (RFC 3261 §8.2.6.2).
    let tag = Some(frame.tag).filter(|tag| reply.status != StatusCode::TRYING && !tag.is_empty());
    let mut out =
        Builder::response_to(request, reply.status, reply.reason.as_deref(), tag, Some(flow.remote));
    let success = reply.status.is_success();
    if reply.status != StatusCode::TRYING && reply.status.as_u16() < 300 {
        if frame.establishes {
            out.copy(request, Name::RecordRoute);
        }
        contact(&mut out, frame.contact, &reply.headers);
    }
    let method = request.method();
    if success && matches!(method, Some(Method::Invite | Method::Options)) {
        capabilities(&mut out, settings, &reply.headers);
    }
    headers(&mut out, &reply.headers);
    name_us(&mut out, Name::Server, settings, &reply.headers);
    finish(&mut out, reply.body.as_ref())
}

/// A request of ours.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) flow: &'a Flow,
    pub(super) branch: &'a str,
    /// Our From, tag included.
    pub(super) from: &'a [u8],
    /// Whom it is for: To, request-URI and Route.
    pub(super) peer: &'a Peer,
    pub(super) call_id: &'a [u8],
    pub(super) cseq: u32,
    pub(super) contact: Option<&'a str>,
    pub(super) headers: &'a Headers,
    pub(super) body: Option<&'a Body>,
}

/// Writes a request.
pub(super) fn request(settings: &Settings, request: &Request<'_>) -> Bytes {
    let aim = request.peer.aim();
    let mut out = Builder::request(request.method, aim.uri);
    via(&mut out, request.flow, request.branch);
    // A call passed on has fewer hops left (RFC 3261 §16.6 item 3): its user says so.
    if !names(request.headers, Name::MaxForwards) {
        out.header(Name::MaxForwards, MAX_FORWARDS);
    }
    for route in aim.routes {
        out.header(Name::Route, route);
    }
    if let Some(target) = aim.last {
        out.header(Name::Route, [b"<", target, b">"].concat());
    }
    out.header(Name::From, request.from).header(Name::To, &request.peer.header);
    out.header(Name::CallId, request.call_id);
    out.header_fmt(Name::CSeq, format_args!("{} {}", request.cseq, request.method));
    contact(&mut out, request.contact, request.headers);
    if matches!(request.method, Method::Invite | Method::Options) {
        capabilities(&mut out, settings, request.headers);
    }
    headers(&mut out, request.headers);
    name_us(&mut out, Name::UserAgent, settings, request.headers);
    finish(&mut out, request.body)
}

/// The ACK to a refusal: the INVITE's branch, target and routes, the response's To (RFC 3261 §17.1.1.3).
pub(super) fn refusal_ack(invite: &Message, response: &Message) -> Bytes {
    let mut out = follow_up(Method::Ack, invite);
    out.copy(response, Name::To);
    out.finish()
}

/// The CANCEL of an INVITE: everything that tells the transaction as it was there (RFC 3261 §9.1).
pub(super) fn cancel(settings: &Settings, invite: &Message, with: &Headers) -> Bytes {
    let mut out = follow_up(Method::Cancel, invite);
    out.copy(invite, Name::To);
    headers(&mut out, with);
    name_us(&mut out, Name::UserAgent, settings, with);
    out.finish()
}

/// What ACK and CANCEL repeat of their INVITE.
fn follow_up(method: Method, invite: &Message) -> Builder<'static> {
    let mut out = Builder::request(method, invite.request_uri());
    out.copy(invite, Name::Via);
    out.header(Name::MaxForwards, MAX_FORWARDS);
    out.copy(invite, Name::Route).copy(invite, Name::From).copy(invite, Name::CallId);
    let number = invite.cseq().map_or(0, |cseq| cseq.number);
    out.header_fmt(Name::CSeq, format_args!("{number} {method}"));
    out
}

/// Our Via: RFC 3261 §18.1.1, with `rport` of RFC 3581.
fn via(out: &mut Builder<'_>, flow: &Flow, branch: &str) {
    let transport = flow.transport.via_token();
    out.header_fmt(Name::Via, format_args!("SIP/2.0/{transport} {};branch={branch};rport", flow.local));
}

fn contact(out: &mut Builder<'_>, contact: Option<&str>, given: &Headers) {
    if let Some(contact) = contact.filter(|_| !names(given, Name::Contact)) {
        out.header(Name::Contact, contact);
    }
}

fn capabilities(out: &mut Builder<'_>, settings: &Settings, given: &Headers) {
    for (name, value) in [(Name::Allow, &settings.allow), (Name::Supported, &settings.supported)] {
        if !value.is_empty() && !names(given, name) {
            out.header(name, value);
        }
    }
}

fn name_us(out: &mut Builder<'_>, name: Name, settings: &Settings, given: &Headers) {
    if !settings.server_name.is_empty() && !names(given, name) {
        out.header(name, &settings.server_name);
    }
}

fn names(headers: &Headers, name: Name) -> bool {
    headers.iter().any(|(given, _)| match given {
        HeaderText::Known(known) => *known == name,
        HeaderText::Other(text) => Name::parse(text.as_bytes()) == name,
    })
}

fn headers(out: &mut Builder<'_>, headers: &Headers) {
    for (name, value) in headers {
        match name {
            HeaderText::Known(name) => out.header(*name, value),
            HeaderText::Other(name) => out.other(name, value),
        };
    }
}

fn finish<'a>(out: &mut Builder<'a>, body: Option<&'a Body>) -> Bytes {
    if let Some(body) = body {
        out.body(&body.content_type, &body.bytes);
    }
    out.finish()
}

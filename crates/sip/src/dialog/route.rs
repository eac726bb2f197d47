//! Where requests in a dialog are aimed: remote target and route set, RFC 3261 §12.

use serde::{Deserialize, Serialize};

use crate::Message;
use crate::header::{Name, NameAddr};

/// The other end of a dialog: who it is and how it is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Peer {
    /// The value of its From or To, tag included, as it wrote it.
    pub(crate) header: Box<[u8]>,
    /// Its tag; empty when it has none (RFC 2543) or none is known yet.
    pub(crate) tag: Box<[u8]>,
    /// The URI of its Contact.
    pub(crate) target: Box<[u8]>,
    /// The route set in the order of the Route header.
    pub(crate) routes: Vec<Box<[u8]>>,
    /// The number of its last request.
    pub(crate) cseq: Option<u32>,
}

impl Peer {
    /// The caller, as its INVITE tells: From, Contact, and Record-Route in order (RFC 3261 §12.1.1).
    pub(crate) fn of_invite(invite: &Message) -> Peer {
        Peer {
            header: invite.header(Name::From).unwrap_or(&[]).into(),
            tag: tag_bytes(invite.from().ok().and_then(|from| from.tag())),
            target: contact_uri(invite).unwrap_or(b"").into(),
            routes: invite.values(Name::RecordRoute).map(Into::into).collect(),
            cseq: invite.cseq().ok().map(|cseq| cseq.number),
        }
    }

    /// The called one, as its response tells: To, Contact, and Record-Route in reverse (RFC 3261 §12.1.2). Without a
    /// Contact the request-URI of the INVITE stands in.
    pub(crate) fn of_response(response: &Message, request_uri: &[u8]) -> Peer {
        let mut routes: Vec<Box<[u8]>> = response.values(Name::RecordRoute).map(Into::into).collect();
        routes.reverse();
        Peer {
            header: response.header(Name::To).unwrap_or(&[]).into(),
            tag: to_tag(response).into(),
            target: contact_uri(response).unwrap_or(request_uri).into(),
            routes,
            cseq: None,
        }
    }

    /// The called one before it said a word.
    pub(crate) fn unheard(to: &str, target: &str, routes: &[String]) -> Peer {
        Peer {
            header: to.as_bytes().into(),
            tag: Box::default(),
            target: target.as_bytes().into(),
            routes: routes.iter().map(|route| route.as_bytes().into()).collect(),
            cseq: None,
        }
    }

    /// Takes over the Contact of a target refresh (RFC 3261 §12.2.1.2 and §12.2.2).
    pub(crate) fn refresh(&mut self, message: &Message) {
        if let Some(uri) = contact_uri(message)
            && *uri != *self.target
        {
            self.target = uri.into();
        }
    }

    /// Request-URI and Route values of a request to this peer, RFC 3261 §12.2.1.1.
    pub(crate) fn aim(&self) -> Aim<'_> {
        let Some((first, rest)) = self.routes.split_first() else {
            return Aim { uri: &self.target, routes: &[], last: None };
        };
        match NameAddr::parse(first) {
            // A strict router: it takes the request-URI for itself and expects the target last.
            Ok(route) if !is_loose(&route) => Aim {
                uri: strip_headers(route.uri_text()).as_bytes(),
                routes: rest,
                last: Some(&self.target),
            },
            _ => Aim { uri: &self.target, routes: &self.routes, last: None },
        }
    }
}

/// Request-URI and Route values of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim<'a> {
    pub(crate) uri: &'a [u8],
    /// Route values.
    pub(crate) routes: &'a [Box<[u8]>],
    /// A URI that is the last Route value, behind a strict router.
    pub(crate) last: Option<&'a [u8]>,
}

/// The tag of To; empty when there is none.
pub(crate) fn to_tag(message: &Message) -> &[u8] {
    message.to().ok().and_then(|to| to.tag()).unwrap_or("").as_bytes()
}

/// The tag of From; empty when there is none.
pub(crate) fn from_tag(message: &Message) -> &[u8] {
    message.from().ok().and_then(|from| from.tag()).unwrap_or("").as_bytes()
}

/// The URI of the first Contact, if requests can be sent to it.
pub(crate) fn contact_uri(message: &Message) -> Option<&[u8]> {
    let contact = message.contacts().next()?.ok()?;
    let addr = contact.addr()?;
    addr.uri().ok().map(|_| addr.uri_text().as_bytes())
}

fn tag_bytes(tag: Option<&str>) -> Box<[u8]> {
    tag.unwrap_or("").as_bytes().into()
}

fn is_loose(route: &NameAddr<'_>) -> bool {
    // A URI we cannot read is left to the one who wrote it: loose routing keeps it whole.
    route.uri().map_or(true, |uri| uri.is_lr())
}

/// A request-URI has no headers part, RFC 3261 §19.1.1.
fn strip_headers(uri: &str) -> &str {
    uri.split_once('?').map_or(uri, |(uri, _)| uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(target: &str, routes: &[&str]) -> Peer {
        let routes: Vec<String> = routes.iter().map(|&route| route.to_owned()).collect();
        Peer::unheard("<sip:b@example.com>", target, &routes)
    }

    fn aimed(peer: &Peer) -> (String, Vec<String>, Option<String>) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let aim = peer.aim();
        (text(aim.uri), aim.routes.iter().map(|route| text(route)).collect(), aim.last.map(text))
    }

    #[test]
    fn without_routes_the_target_is_the_request_uri() {
        assert_eq!(aimed(&peer("sip:b@192.0.2.4", &[])), ("sip:b@192.0.2.4".into(), vec![], None));
    }

    #[test]
    fn loose_routers_leave_the_request_uri_alone() {
        let routes = ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"];
        let (uri, sent, last) = aimed(&peer("sip:b@192.0.2.4", &routes));
        assert_eq!(
            (uri.as_str(), sent.as_slice(), last),
            ("sip:b@192.0.2.4", &routes.map(String::from)[..], None)
        );
    }

    #[test]
    fn a_strict_router_gets_the_request_uri_and_the_target_goes_last() {
        let peer = peer("sip:b@192.0.2.4", &["<sip:p1.example.com?x=y>", "<sip:p2.example.com;lr>"]);
        let (uri, routes, last) = aimed(&peer);
        assert_eq!(uri, "sip:p1.example.com");
        assert_eq!(routes, ["<sip:p2.example.com;lr>"]);
        assert_eq!(last.as_deref(), Some("sip:b@192.0.2.4"));
    }
}

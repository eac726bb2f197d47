//! Where calls to a contact go.

use std::net::SocketAddr;

use sip::{Flow, Incoming, Transport};
use uri::UriRef;

const SIP_PORT: u16 = 5060;

/// The flow to a contact: the one its REGISTER came on, whatever the contact says, because that is the only way through
/// a NAT.
///
/// One exception: when there is no NAT (the Via names the very address and port the datagram came from) and the contact
/// is another UDP port of the same host, the client listens there and means it. Other hosts are never reached by a
/// contact alone: an account cannot aim our calls at strangers.
pub(super) fn reach(incoming: &Incoming, contact: &UriRef<'_>) -> Flow {
    let flow = incoming.flow;
    let Ok(via) = incoming.message.via() else { return flow };
    let source = flow.remote;
    let no_nat = via.host().ip() == Some(source.ip()) && via.port().unwrap_or(SIP_PORT) == source.port();
    let udp = flow.transport == Transport::Udp
        && contact.transport_param().is_none_or(|transport| transport.eq_ignore_ascii_case("udp"));
    if no_nat && udp && contact.host().ip() == Some(source.ip()) {
        Flow { remote: SocketAddr::new(source.ip(), contact.port().unwrap_or(SIP_PORT)), ..flow }
    } else {
        flow
    }
}

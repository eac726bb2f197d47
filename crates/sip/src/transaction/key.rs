//! What a message is matched to its transaction by.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use uri::HostRef;

use crate::header::{Name, Via};
use crate::{Flow, Message};

/// Keys up to this many bytes are looked up without an allocation. A branch has 23 to 60 bytes, a sent-by 14 to 40.
const INLINE: usize = 128;

/// A key while it is looked up.
pub(crate) type KeyText = SmallVec<[u8; INLINE]>;

/// A key as it is kept: method, branch and sent-by, RFC 3261 §17.1.3 and §17.2.3.
///
/// A branch alone is not enough: two peers may choose the same one. A request of an RFC 2543 peer, whose branch
/// identifies nothing, has Call-ID, CSeq number and the tag of From in place of the branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Key(Box<[u8]>);

impl Key {
    /// Keeps a key.
    pub(crate) fn keep(text: &KeyText) -> Key {
        Key(text.as_slice().into())
    }

    /// The bytes to look it up by.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key of the server transaction for `method` that a request belongs to: its own method, or INVITE for an
    /// ACK or a CANCEL. `None`: without a readable Via it belongs to none.
    pub(crate) fn of_request(request: &Message, method: &[u8]) -> Option<KeyText> {
        let via = request.via().ok()?;
        let mut key = start(method);
        match via.branch().filter(|_| via.has_magic_branch()) {
            Some(branch) => key.extend_from_slice(branch.as_bytes()),
            None => {
                field(&mut key, request.call_id()?);
                field(&mut key, &request.cseq().ok()?.number.to_be_bytes());
                field(&mut key, request.from().ok()?.tag().unwrap_or("").as_bytes());
            }
        }
        sent_by(&mut key, via.host(), via.port());
        Some(key)
    }

    /// The key of the client transaction a response belongs to. `None`: it is not for us. RFC 3261 §8.1.3.3: a
    /// response with another Via below ours went astray.
    pub(crate) fn of_response(response: &Message) -> Option<KeyText> {
        let mut vias = response.values(Name::Via);
        let via = Via::parse(vias.next()?).ok()?;
        if vias.next().is_some() {
            return None;
        }
        let mut key = start(response.cseq().ok()?.method_text.as_bytes());
        key.extend_from_slice(via.branch()?.as_bytes());
        sent_by(&mut key, via.host(), via.port());
        Some(key)
    }

    /// The key of a request that we send on `flow`.
    pub(crate) fn of_ours(method: &[u8], branch: &str, flow: &Flow) -> Key {
        let mut key = start(method);
        key.extend_from_slice(branch.as_bytes());
        let local = match flow.local.ip() {
            IpAddr::V4(ip) => HostRef::V4(ip),
            IpAddr::V6(ip) => HostRef::V6(ip),
        };
        sent_by(&mut key, local, Some(flow.local.port()));
        Key::keep(&key)
    }
}

fn start(method: &[u8]) -> KeyText {
    let mut key = KeyText::new();
    key.extend_from_slice(method);
    key.push(0);
    key
}

/// A part whose length is not given by the characters it may hold.
fn field(key: &mut KeyText, part: &[u8]) {
    key.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    key.extend_from_slice(part);
}

/// The host, its case aside, and the port as far as it is written.
fn sent_by(key: &mut KeyText, host: HostRef<'_>, port: Option<u16>) {
    key.push(0);
    match host {
        HostRef::Name(name) => key.extend(name.bytes().map(|byte| byte.to_ascii_lowercase())),
        HostRef::V4(ip) => key.extend_from_slice(&ip.octets()),
        HostRef::V6(ip) => key.extend_from_slice(&ip.octets()),
    }
    if let Some(port) = port {
        key.extend_from_slice(&port.to_be_bytes());
    }
}

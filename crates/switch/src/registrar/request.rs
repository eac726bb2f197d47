//! What a REGISTER asks for, RFC 3261 §10.3 step 6.

use std::time::Duration;

use sip::{Contact, Flow, Incoming, Name, NameAddr, Reply, StatusCode};
use uri::UriRef;

use super::reach;
use crate::settings::RegistrarSettings;

/// More contacts in one REGISTER than any device has flows.
const MAX_CONTACTS: usize = 16;

/// More hops than any edge has proxies.
const MAX_PATH: usize = 8;

/// A REGISTER, read.
pub(super) struct Asked {
    pub(super) what: What,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) user_agent: Option<String>,
    /// In order (RFC 3327).
    pub(super) path: Vec<String>,
}

/// What it asks for.
pub(super) enum What {
    /// Every contact is to go.
    RemoveAll,
    /// These are to come, stay or go; none at all only asks what is there.
    Contacts(Vec<AskedContact>),
}

/// One contact of it.
pub(super) struct AskedContact {
    /// Byte-exact.
    pub(super) uri: String,
    /// None: it is to go.
    pub(super) lifetime: Option<Duration>,
    pub(super) q_milli: u16,
    pub(super) instance: Option<String>,
    pub(super) reg_id: Option<u32>,
    /// Where calls to it go.
    pub(super) flow: Flow,
}

/// Reads a REGISTER.
///
/// # Errors
/// The refusal: 400 for what cannot be read, 423 for an expiry that is too short.
pub(super) fn read(incoming: &Incoming, rules: &RegistrarSettings) -> Result<Asked, Reply> {
    let message = &incoming.message;
    let bad = |reason: &str| Reply::new(StatusCode::BAD_REQUEST).reason(reason);
    let path: Vec<String> = message
        .values(Name::Path)
        .map(|path| std::str::from_utf8(path).map(str::to_owned))
        .collect::<Result<_, _>>()
        .map_err(|_| bad("Bad Path"))?;
    if path.len() > MAX_PATH {
        return Err(bad("Too Many Path Values"));
    }
    let header = message.expires();
    let mut contacts = Vec::new();
    let mut star = false;
    for contact in message.contacts() {
        match contact.map_err(|_| bad("Bad Contact"))? {
            Contact::Star => star = true,
            Contact::Addr(addr) => contacts.push(read_contact(incoming, &addr, rules, !path.is_empty())?),
        }
        if contacts.len() > MAX_CONTACTS {
            return Err(bad("Too Many Contacts"));
        }
    }
    // RFC 3261 §10.3 step 6: `*` stands alone and with Expires: 0.
    if star && (!contacts.is_empty() || header != Some(0)) {
        return Err(bad("Bad Wildcard Contact"));
    }
    Ok(Asked {
        what: if star { What::RemoveAll } else { What::Contacts(contacts) },
        call_id: String::from_utf8_lossy(message.call_id().unwrap_or_default()).into_owned(),
        cseq: message.cseq().map(|cseq| cseq.number).map_err(|_| bad("Bad CSeq"))?,
        user_agent: message.header(Name::UserAgent).map(|text| String::from_utf8_lossy(text).into_owned()),
        path,
    })
}

fn read_contact(
    incoming: &Incoming,
    addr: &NameAddr<'_>,
    rules: &RegistrarSettings,
    through_proxy: bool,
) -> Result<AskedContact, Reply> {
    let bad = || Reply::new(StatusCode::BAD_REQUEST).reason("Bad Contact");
    let uri: UriRef<'_> = addr.uri().map_err(|_| bad())?;
    if uri.scheme() == uri::Scheme::Tel {
        return Err(bad());
    }
    let asked = addr.expires().or_else(|| incoming.message.expires());
    let asked = asked.map_or(rules.default_expires, |seconds| Duration::from_secs(u64::from(seconds)));
    if !asked.is_zero() && asked < rules.min_expires {
        let least = rules.min_expires.as_secs().to_string();
        return Err(Reply::new(StatusCode::INTERVAL_TOO_BRIEF).header(Name::MinExpires, least));
    }
    let lifetime = asked.min(rules.max_expires);
    let flow = if through_proxy { incoming.flow } else { reach::reach(incoming, &uri) };
    Ok(AskedContact {
        uri: uri.as_str().to_owned(),
        lifetime: (!lifetime.is_zero()).then_some(lifetime),
        q_milli: addr.q_milli().unwrap_or(1_000),
        instance: addr.instance().map(std::borrow::Cow::into_owned),
        reg_id: addr.reg_id(),
        flow,
    })
}

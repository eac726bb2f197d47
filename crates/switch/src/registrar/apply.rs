//! What a REGISTER changes: all of it or nothing, RFC 3261 §10.3 step 7.

use clock::Time;
use model::{Account, AccountId, Binding, BindingKey};
use sip::StatusCode;
use uri::UriRef;

use super::locations::Held;
use super::request::{Asked, AskedContact, What};
use crate::settings::{RegistrarSettings, WhenFull};

/// A REGISTER of an account.
#[derive(Clone, Copy)]
pub(super) struct Register<'a> {
    pub(super) account: &'a Account,
    pub(super) asked: &'a Asked,
    pub(super) now: Time,
    pub(super) rules: &'a RegistrarSettings,
    /// What new contacts will wait for.
    pub(super) ticket: u64,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) changes: Vec<Change>,
    /// Every contact that is there now, as the 200 lists it.
    pub(super) contacts: Vec<String>,
    pub(super) first_expiry: Option<Time>,
}

/// One change.
pub(super) enum Change {
    /// New, changed, or not yet committed.
    Put(Box<Binding>),
    /// Only times and numbers differ.
    Refresh(Box<Binding>),
    /// Gone.
    Remove { account: AccountId, key: BindingKey },
}

impl Change {
    /// The key of a contact whose commit is awaited.
    pub(super) fn awaited(&self) -> Option<&BindingKey> {
        match self {
            Change::Put(binding) => Some(&binding.id),
            Change::Refresh(_) | Change::Remove { .. } => None,
        }
    }
}

/// Applies a REGISTER to the contacts of its account: first it is checked whole, then carried out.
///
/// # Errors
/// The status of the refusal; nothing has changed then.
pub(super) fn apply(held: &mut Vec<Held>, register: Register<'_>) -> Result<Outcome, StatusCode> {
    let Register { account, asked, now, rules, .. } = register;
    let most = account.max_contacts as usize;
    check(held, asked, rules, most)?;
    let mut changes = Vec::new();
    match &asked.what {
        What::RemoveAll => changes.extend(held.drain(..).map(|old| removal(&old.binding))),
        What::Contacts(contacts) => {
            for contact in contacts {
                changes.extend(apply_one(held, register, contact));
            }
        }
    }
    // Only with `DropOldest`: the check has refused everything else.
    while held.len() > most {
        changes.push(removal(&held.remove(0).binding));
    }
    Ok(Outcome {
        changes,
        contacts: held.iter().map(|held| super::listed(&held.binding, now)).collect(),
        first_expiry: held.iter().map(|held| held.binding.expires_at).min(),
    })
}

/// Whether the REGISTER may be carried out.
fn check(held: &[Held], asked: &Asked, rules: &RegistrarSettings, most: usize) -> Result<(), StatusCode> {
    let What::Contacts(contacts) = &asked.what else {
        return held.iter().try_for_each(|old| in_order(&old.binding, asked));
    };
    let mut count = held.len();
    for contact in contacts {
        match (held.iter().find(|old| is_same(&old.binding, contact)), contact.lifetime) {
            (Some(old), lifetime) => {
                in_order(&old.binding, asked)?;
                count -= usize::from(lifetime.is_none() && count > 0);
            }
            (None, Some(_)) => count += 1,
            (None, None) => {}
        }
    }
    if count > most && rules.when_full == WhenFull::Reject { Err(StatusCode::FORBIDDEN) } else { Ok(()) }
}

fn apply_one(held: &mut Vec<Held>, register: Register<'_>, contact: &AskedContact) -> Option<Change> {
    let Register { account, asked, now, ticket, .. } = register;
    let at = held.iter().position(|old| is_same(&old.binding, contact));
    let old = at.map(|at| held.remove(at));
    let Some(lifetime) = contact.lifetime else { return old.map(|old| removal(&old.binding)) };
    let new = binding(account, asked, contact, (now, now + lifetime, old.as_ref()));
    let (change, new) = change(new, old, ticket);
    held.insert(at.unwrap_or(held.len()), new);
    Some(change)
}

fn removal(binding: &Binding) -> Change {
    Change::Remove { account: binding.account, key: binding.id.clone() }
}

/// RFC 3261 §10.3 step 7: of one Call-ID, only a higher CSeq is newer.
fn in_order(old: &Binding, asked: &Asked) -> Result<(), StatusCode> {
    if old.call_id == asked.call_id && asked.cseq <= old.cseq {
        return Err(StatusCode::SERVER_INTERNAL_ERROR);
    }
    Ok(())
}

/// Whether a contact is the one that is there: by instance and flow number where the client gives both (RFC 5626 §6),
/// else by the comparison of URIs (RFC 3261 §19.1.4).
fn is_same(old: &Binding, contact: &AskedContact) -> bool {
    if let (Some(instance), Some(reg_id)) = (&contact.instance, contact.reg_id) {
        return old.instance.as_ref() == Some(instance) && old.reg_id == Some(reg_id);
    }
    if old.contact == contact.uri {
        return true;
    }
    let parsed = (UriRef::parse_str(&old.contact), UriRef::parse_str(&contact.uri));
    matches!(parsed, (Ok(one), Ok(other)) if one.equivalent(&other))
}

/// The binding as asked for; `when` is now, its expiry, and what was there.
fn binding(
    account: &Account,
    asked: &Asked,
    contact: &AskedContact,
    when: (Time, Time, Option<&Held>),
) -> Box<Binding> {
    let (now, expires_at, old) = when;
    let key = match (old, &contact.instance, contact.reg_id) {
        (Some(old), ..) => old.binding.id.clone(),
        (None, Some(instance), Some(reg_id)) => BindingKey::outbound(instance, reg_id),
        (None, ..) => BindingKey::contact(&contact.uri),
    };
    Box::new(Binding {
        id: key,
        account: account.id,
        tenant: account.tenant,
        aor: account.aor.clone(),
        contact: contact.uri.clone(),
        instance: contact.instance.clone(),
        reg_id: contact.reg_id,
        transport: contact.flow.transport.uri_token().to_owned(),
        local: contact.flow.local,
        remote: contact.flow.remote,
        connection: contact.flow.connection.map(|connection| connection.0),
        path: asked.path.clone(),
        user_agent: asked.user_agent.clone(),
        call_id: asked.call_id.clone(),
        cseq: asked.cseq,
        q_milli: contact.q_milli,
        expires_at,
        registered_at: old.map_or(now, |old| old.binding.registered_at),
    })
}

/// A refresh, if nothing but times and numbers differ from a contact that is on the disk; else a change.
fn change(new: Box<Binding>, old: Option<Held>, ticket: u64) -> (Change, Held) {
    let refresh = old.is_some_and(|old| old.ticket.is_none() && is_refresh(&old.binding, &new));
    if refresh {
        (Change::Refresh(new.clone()), Held { binding: new, ticket: None })
    } else {
        (Change::Put(new.clone()), Held { binding: new, ticket: Some(ticket) })
    }
}

fn is_refresh(old: &Binding, new: &Binding) -> bool {
    old.contact == new.contact
        && (old.remote, old.local, old.connection) == (new.remote, new.local, new.connection)
        && old.transport == new.transport
        && old.path == new.path
        && old.q_milli == new.q_milli
        && old.user_agent == new.user_agent
}

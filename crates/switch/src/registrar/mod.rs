//! The registrar, RFC 3261 §10, with Path (RFC 3327) and outbound keys (RFC 5626).
//!
//! A new or changed contact is acknowledged after its commit; a mere refresh at once, and written behind. A contact that
//! is still being committed counts as new, so that nothing acknowledged is ever lost.

mod apply;
mod locations;
mod reach;
mod request;

pub use locations::Locations;

use clock::Time;
use model::{Account, Binding};
use sip::header::quote;
use sip::{Headers, Incoming, Method, Name, Reply, StatusCode};
use storage::Write;

use crate::core::{Challenged, Effect, Env, State, Verdict, Waiting};
use apply::{Change, Outcome};
use request::Asked;

/// REGISTERs of one shard that may wait for commits; above it new ones get 503.
const MAX_WAITING: usize = 20_000;

impl State {
    pub(crate) fn register(&mut self, env: &Env, now: Time, incoming: &Incoming) {
        if self.draining || self.shedding || self.tickets.len() >= MAX_WAITING {
            return self.refuse(now, incoming, StatusCode::SERVICE_UNAVAILABLE);
        }
        let message = &incoming.message;
        let to = message.to().ok().and_then(|to| to.uri().ok());
        let addressed = message.uri().is_ok_and(|uri| env.is_ours(&uri, incoming));
        let Some((to, domain)) = to.and_then(|to| env.domain_of(&to, incoming).map(|domain| (to, domain)))
        else {
            // RFC 3261 §10.3 step 5.
            return self.refuse(now, incoming, StatusCode::NOT_FOUND);
        };
        if !addressed {
            return self.refuse(now, incoming, StatusCode::NOT_FOUND);
        }
        let account = match env.authenticate(now, incoming, &domain, Challenged::AsServer) {
            Verdict::From(account) => account,
            Verdict::Challenge { stale } => {
                return self.challenge(env, now, incoming, (Challenged::AsServer, &domain, stale));
            }
        };
        // RFC 3261 §10.3 step 4: one account registers nobody else.
        let own =
            to.user_unescaped().is_some_and(|user| user == account.username()) && domain == account.domain();
        if !own {
            return self.refuse(now, incoming, StatusCode::FORBIDDEN);
        }
        match request::read(incoming, &env.rules.registrar) {
            Ok(asked) => self.bind(env, now, incoming, (&account, &asked)),
            Err(refusal) => self.reply(now, incoming, refusal),
        }
    }

    fn bind(&mut self, env: &Env, now: Time, incoming: &Incoming, what: (&Account, &Asked)) {
        let (account, asked) = what;
        let ticket = self.tickets.upcoming();
        let rules = &env.rules.registrar;
        let outcome = env.shared.locations.update(account.id, now, |held| {
            apply::apply(held, apply::Register { account, asked, now, rules, ticket })
        });
        let Outcome { changes, contacts, first_expiry } = match outcome {
            Ok(outcome) => outcome,
            Err(status) => return self.refuse(now, incoming, status),
        };
        if let Some(expiry) = first_expiry {
            self.sweep_at = Some(self.sweep_at.map_or(expiry, |due| due.min(expiry)));
        }
        let headers = accepted(contacts, incoming);
        // Its repetitions are absorbed from here on: the nonce count of this request is used.
        let tx = self.endpoint.accept(now, incoming);
        let keys: Vec<_> = changes.iter().filter_map(Change::awaited).cloned().collect();
        if keys.is_empty() {
            self.count(Some(Method::Register), StatusCode::OK);
            self.endpoint.respond(now, tx, Reply { headers, ..Reply::new(StatusCode::OK) });
            self.store(changes, None);
        } else {
            let ticket =
                self.tickets.issue(now, Waiting::Register { tx, headers, account: account.id, keys });
            self.store(changes, Some(ticket));
        }
    }

    /// Hands the changes to the database: what goes first, then what comes. Commits keep the order, so the ticket goes
    /// with the last new contact: when it is on the disk, all are.
    fn store(&mut self, mut changes: Vec<Change>, ticket: Option<u64>) {
        changes.sort_by_key(|change| change.awaited().is_some());
        let last = changes.len().saturating_sub(1);
        for (index, change) in changes.into_iter().enumerate() {
            let write = match change {
                Change::Put(binding) => Write::BindingPut(binding),
                Change::Refresh(binding) => Write::BindingRefresh(binding),
                Change::Remove { account, key } => Write::BindingRemove { account, key },
            };
            self.effects.push_back(Effect::Store(write, ticket.filter(|_| index == last)));
        }
    }

    /// Removes contacts that nobody refreshed.
    pub(crate) fn sweep(&mut self, env: &Env, now: Time) {
        let (gone, next) = env.shared.locations.sweep(now);
        for binding in gone {
            let Binding { account, id: key, .. } = binding;
            self.effects.push_back(Effect::Store(Write::BindingRemove { account, key }, None));
        }
        self.sweep_at = next;
    }
}

/// The headers of the 200: every contact with its expiry (RFC 3261 §10.3 step 8), the Path that was taken (RFC 3327 §5.3).
fn accepted(contacts: Vec<String>, incoming: &Incoming) -> Headers {
    let mut headers: Headers = contacts.into_iter().map(|value| (Name::Contact.into(), value)).collect();
    for path in incoming.message.values(Name::Path) {
        headers.push((Name::Path.into(), String::from_utf8_lossy(path).into_owned()));
    }
    headers
}

/// One contact as the 200 lists it.
fn listed(binding: &Binding, now: Time) -> String {
    use std::fmt::Write as _;
    let left = binding.expires_at.since(now).as_millis().div_ceil(1_000);
    let mut text = format!("<{}>;expires={left}", binding.contact);
    // Writing to a String cannot fail.
    if binding.q_milli < 1_000 {
        let _ = write!(text, ";q=0.{:03}", binding.q_milli);
    }
    if let Some(instance) = &binding.instance {
        let _ = write!(text, ";+sip.instance={}", quote(instance));
    }
    if let Some(reg_id) = binding.reg_id {
        let _ = write!(text, ";reg-id={reg_id}");
    }
    text
}

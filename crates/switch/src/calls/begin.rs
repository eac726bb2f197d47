//! From an INVITE to a call: who it is from, where it goes, whether it may.

use bytes::Bytes;
use call::routing::{Destination, Facts, Host, decide};
use call::{Call, Contact, End, LegId, Party, Route, Setup, Timing};
use clock::Time;
use model::{Account, AccountId, Binding};
use sip::header::quote;
use sip::{ConnectionId, Flow, Incoming, Message, Name, StatusCode, Transport};
use smallvec::SmallVec;
use std::sync::Arc;
use uri::escape_user;

use super::table::BranchHeaders;
use super::{Link, Running};
use crate::core::{Challenged, Env, State, Verdict};

/// Max-Forwards of a request that has none, and the most we pass on, RFC 3261 §16.6 item 3.
const MAX_FORWARDS: u8 = 70;

/// Places in calls that were taken and go back with the call.
type Places = SmallVec<[AccountId; 2]>;

impl State {
    /// An INVITE that starts a dialog.
    pub(crate) fn begin_call(&mut self, env: &Env, now: Time, incoming: &Incoming) {
        if self.draining || self.shedding || self.calls.len() >= env.rules.calls.max_calls {
            return self.refuse(now, incoming, StatusCode::SERVICE_UNAVAILABLE);
        }
        let caller = match self.caller(env, now, incoming) {
            Some(caller) => caller,
            None => return,
        };
        let message = &incoming.message;
        if !message.body().is_empty() && !message.has_content_type("application/sdp") {
            return self.refuse(now, incoming, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let Ok(target) = message.uri() else { return self.refuse(now, incoming, StatusCode::BAD_REQUEST) };
        let number = target.user_unescaped().unwrap_or_default().into_owned();
        let hops = message.max_forwards().ok().flatten().unwrap_or(MAX_FORWARDS).min(MAX_FORWARDS);
        let domain = env.domain_of(&target, incoming);
        let facts = Facts {
            caller: &caller,
            number: &number,
            host: domain.as_deref().map_or(Host::Foreign, Host::Ours),
            max_forwards: hops,
            from_ourselves: incoming.flow.remote == incoming.flow.local,
        };
        let destination = decide(&facts, &env.shared.directory()).destination;
        let (route, places, to) = self.route(env, now, &caller, destination);
        let to = to.unwrap_or_else(|| format!("<{}>", target.as_str()));
        let headers = BranchHeaders {
            from: identity(&caller),
            to,
            contact_user: number.clone(),
            hops: hops.saturating_sub(1),
        };
        let setup = self.setup(env, now, incoming, (&caller, number, route));
        self.start_call(env, now, incoming, (setup, headers, places));
    }

    /// Who calls; `None` when the request has been answered.
    fn caller(&mut self, env: &Env, now: Time, incoming: &Incoming) -> Option<Arc<Account>> {
        let from = incoming.message.from().ok().and_then(|from| from.uri().ok());
        let domain = from.and_then(|from| env.domain_of(&from, incoming));
        let domain = domain.unwrap_or_else(|| env.rules.identity.domain.clone());
        match env.authenticate(now, incoming, &domain, Challenged::AsProxy) {
            Verdict::Challenge { stale } => {
                self.challenge(env, now, incoming, (Challenged::AsProxy, &domain, stale));
                None
            }
            Verdict::From(account) => {
                let user = from.and_then(|from| from.user_unescaped());
                let own = user.is_some_and(|user| {
                    user == account.username() || Some(&*user) == account.extension.as_deref()
                });
                if !own {
                    // Nobody calls in another's name.
                    self.refuse(now, incoming, StatusCode::FORBIDDEN);
                }
                own.then_some(account)
            }
        }
    }

    /// Takes places, looks up contacts: the route of the call, the places taken, the To of its branches.
    fn route(
        &mut self,
        env: &Env,
        now: Time,
        caller: &Account,
        destination: Destination,
    ) -> (Route, Places, Option<String>) {
        let mut places = Places::new();
        let occupancy = &env.shared.occupancy;
        if !matches!(destination, Destination::Refuse(_)) {
            if !occupancy.take(caller.id, caller.max_concurrent_calls) {
                return (Route::Refuse(End::CallerLimit), places, None);
            }
            places.push(caller.id);
        }
        let callee = match destination {
            Destination::Refuse(end) => return (Route::Refuse(end), places, None),
            Destination::Echo => return (Route::Echo, places, None),
            Destination::Account(callee) => callee,
        };
        let to = Some(format!("<{}>", callee.aor));
        let contacts = env.shared.locations.of(callee.id, now);
        if contacts.is_empty() {
            return (Route::Refuse(End::NotRegistered), places, to);
        }
        // A call to oneself takes one place.
        if callee.id != caller.id {
            if !occupancy.take(callee.id, callee.max_concurrent_calls) {
                return (Route::Refuse(End::CalleeLimit), places, to);
            }
            places.push(callee.id);
        }
        let branches = contacts.into_iter().map(|binding| self.branch(now, &callee, binding)).collect();
        (Route::Ring { account: callee.id, branches, forking: env.rules.calls.forking }, places, to)
    }

    fn branch(&mut self, now: Time, callee: &Account, binding: Binding) -> (Party, Contact) {
        let transport = Transport::from_token(binding.transport.as_bytes()).unwrap_or(Transport::Udp);
        let party = Party {
            uid: self.uids.next(now),
            account: Some(callee.id),
            number: callee.number().to_owned(),
            flow: Flow {
                transport,
                local: binding.local,
                remote: binding.remote,
                connection: binding.connection.map(ConnectionId),
            },
            user_agent: binding.user_agent,
        };
        (party, Contact { uri: binding.contact, route: binding.path, q_milli: binding.q_milli })
    }

    fn setup(&mut self, env: &Env, now: Time, incoming: &Incoming, what: (&Account, String, Route)) -> Setup {
        let (caller, to_number, route) = what;
        let message = &incoming.message;
        let text = |value: Option<&[u8]>| value.map(|value| String::from_utf8_lossy(value).into_owned());
        let calls = &env.rules.calls;
        Setup {
            uid: self.uids.next(now),
            tenant: caller.tenant,
            caller: Party {
                uid: self.uids.next(now),
                account: Some(caller.id),
                number: caller.number().to_owned(),
                flow: incoming.flow,
                user_agent: text(message.header(Name::UserAgent)),
            },
            external_id: caller.external_id.clone(),
            to_number,
            sip_call_id: text(message.call_id()).unwrap_or_default(),
            offer: description(message),
            route,
            timing: Timing {
                ring: calls.ring_timeout,
                hunt: calls.hunt_timeout,
                commit: calls.commit_wait,
                call: calls.max_duration,
            },
        }
    }

    fn start_call(
        &mut self,
        env: &Env,
        now: Time,
        incoming: &Incoming,
        what: (Setup, BranchHeaders, Places),
    ) {
        let (setup, headers, places) = what;
        let contact = contact(&headers.contact_user, &incoming.flow);
        let dialog = self.endpoint.accept_invite(now, incoming, contact);
        let link = Link { dialog: Some(dialog), sip_call_id: setup.sip_call_id.clone(), ..Link::default() };
        let serial = self.calls.upcoming();
        self.calls.join(dialog, serial, LegId::CALLER);
        let call = Call::start(now, setup);
        let links = SmallVec::from_iter([link]);
        self.calls.add(Box::new(Running { call, links, headers, places, due: None, rang: false }));
        self.perform(env, now, serial);
    }
}

/// The session description of a message, if it has one. Copied: the call keeps it longer than the datagram.
pub(super) fn description(message: &Message) -> Option<Bytes> {
    let body = message.body();
    (!body.is_empty() && message.has_content_type("application/sdp")).then(|| Bytes::copy_from_slice(body))
}

/// Our Contact towards a peer on this flow.
pub(super) fn contact(user: &str, flow: &Flow) -> String {
    let user = escape_user(user);
    let at = if user.is_empty() { "" } else { "@" };
    match flow.transport {
        Transport::Udp => format!("<sip:{user}{at}{}>", flow.local),
        other => format!("<sip:{user}{at}{};transport={}>", flow.local, other.uri_token()),
    }
}

/// Who calls, as the callee sees it: the account's own name and number, not what the caller claims.
fn identity(caller: &Account) -> String {
    let number = escape_user(caller.number()).into_owned();
    format!("{} <sip:{number}@{}>", quote(&caller.display_name), caller.domain())
}

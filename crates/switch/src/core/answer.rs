//! Requests that are answered at once, without state and without a name.

use clock::Time;
use sip::{Incoming, Method, Name, Reply, StatusCode};
use uri::UriRef;

use super::{ALLOW, Env, RETRY_AFTER_S, State};

impl State {
    /// OPTIONS to us, RFC 3261 §11.2: what we are, without asking who wants to know. What is not ours is not found.
    pub(crate) fn options(&mut self, env: &Env, now: Time, incoming: &Incoming) {
        let ours = incoming.message.uri().is_ok_and(|uri| env.is_ours(&uri, incoming));
        if !ours {
            return self.refuse(now, incoming, StatusCode::NOT_FOUND);
        }
        self.count(Some(Method::Options), StatusCode::OK);
        self.endpoint.reply(
            now,
            incoming,
            Reply::new(StatusCode::OK).header(Name::Accept, "application/sdp"),
        );
    }

    /// Refuses a request and keeps nothing of it.
    pub(crate) fn refuse(&mut self, now: Time, incoming: &Incoming, status: StatusCode) {
        let reply = Reply::new(status);
        let reply = match status {
            StatusCode::METHOD_NOT_ALLOWED => reply.header(Name::Allow, ALLOW),
            StatusCode::SERVICE_UNAVAILABLE => reply.header(Name::RetryAfter, RETRY_AFTER_S),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => reply.header(Name::Accept, "application/sdp"),
            _ => reply,
        };
        self.reply(now, incoming, reply);
    }

    /// Answers a request and keeps nothing of it.
    pub(crate) fn reply(&mut self, now: Time, incoming: &Incoming, reply: Reply) {
        self.count(incoming.message.method(), reply.status);
        self.endpoint.reply(now, incoming, reply);
    }
}

impl Env {
    /// Whether a URI names this server or one of its domains.
    pub(crate) fn is_ours(&self, uri: &UriRef<'_>, incoming: &Incoming) -> bool {
        self.domain_of(uri, incoming).is_some()
    }

    /// The domain of ours that a URI names: an account's domain, or the server's own for each of its names and
    /// addresses.
    pub(crate) fn domain_of(&self, uri: &UriRef<'_>, incoming: &Incoming) -> Option<String> {
        if uri.scheme() == uri::Scheme::Tel {
            return None;
        }
        let identity = &self.rules.identity;
        let host = uri.to_host().to_string();
        if host == identity.domain || self.shared.directory().has_domain(&host) {
            return Some(host);
        }
        let arrived_at = uri.host().ip().is_some_and(|ip| ip == incoming.flow.local.ip());
        (arrived_at || identity.local_names.contains(&host)).then(|| identity.domain.clone())
    }
}

//! A user agent that does what the test says and nothing by itself.

mod dialog;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use dialog::{Dialog, caller_of};
pub use wire::Wire;

use crate::digest::Challenge;
use crate::{Algorithm, Bound, Msg, PATIENCE};

/// Counts phones, so that tags and Call-IDs of one test program differ.
static PHONES: AtomicU32 = AtomicU32::new(0);

/// Who a phone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id in the API.
    pub id: String,
    /// The user part of its address.
    pub username: String,
    /// The password of its digest.
    pub password: String,
    /// The domain of its address.
    pub domain: String,
}

impl Account {
    /// `sip:6010@pbx.test`
    #[must_use]
    pub fn address(&self) -> String {
        format!("sip:{}@{}", self.username, self.domain)
    }
}

/// A scripted user agent with one account and one socket or connection.
#[derive(Debug)]
pub struct Phone {
    /// Who it is.
    pub account: Account,
    /// The hash it answers challenges with.
    pub algorithm: Algorithm,
    wire: Wire,
    /// What arrived and was not asked for yet.
    inbox: Vec<Msg>,
    /// Makes tags, branches and Call-IDs of this phone its own.
    name: String,
    counter: u32,
    register_call_id: String,
    register_cseq: u32,
}

impl Phone {
    /// A phone on a UDP port of `ip`.
    #[must_use]
    pub fn udp(server: SocketAddr, ip: IpAddr, account: &Account) -> Phone {
        Phone::on(Wire::udp(server, ip), account)
    }

    /// A phone with a TCP connection from `ip`.
    #[must_use]
    pub fn tcp(server: SocketAddr, ip: IpAddr, account: &Account) -> Phone {
        Phone::on(Wire::tcp(server, ip), account)
    }

    fn on(wire: Wire, account: &Account) -> Phone {
        let name = format!("{}x{}", std::process::id(), PHONES.fetch_add(1, Ordering::Relaxed));
        Phone {
            account: account.clone(),
            algorithm: Algorithm::Md5,
            wire,
            inbox: Vec::new(),
            register_call_id: format!("reg-{name}@phone"),
            register_cseq: 0,
            name,
            counter: 0,
        }
    }

    /// The address of its socket.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.wire.local()
    }

    /// The URI it wants to be called at.
    #[must_use]
    pub fn contact(&self) -> String {
        let transport = if self.wire.is_tcp() { ";transport=tcp" } else { "" };
        format!("sip:{}@{}{transport}", self.account.username, self.local())
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Msg) {
        self.wire.send(&message.bytes());
    }

    /// Sends bytes that need not be a message.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.wire.send(bytes);
    }

    /// The next message, whatever it is; `None` when none comes in time.
    #[must_use]
    pub fn receive(&mut self, within: Duration) -> Option<Msg> {
        if !self.inbox.is_empty() {
            return Some(self.inbox.remove(0));
        }
        self.wire.receive(&Bound::within(within))
    }

    /// Waits for the first message that fits; others are kept for later.
    ///
    /// # Panics
    /// When none comes within [`PATIENCE`]; the message says what came instead.
    pub fn expect(&mut self, what: &str, fits: impl Fn(&Msg) -> bool) -> Msg {
        match self.find(PATIENCE, &fits) {
            Some(message) => message,
            None => {
                let kept: Vec<&str> = self.inbox.iter().map(|message| message.start.as_str()).collect();
                panic!("{} waited for {what}; it has {kept:?}", self.account.username)
            }
        }
    }

    /// As [`Phone::expect`], but nothing may come.
    #[must_use]
    pub fn find(&mut self, within: Duration, fits: &dyn Fn(&Msg) -> bool) -> Option<Msg> {
        if let Some(at) = self.inbox.iter().position(fits) {
            return Some(self.inbox.remove(at));
        }
        let bound = Bound::within(within);
        loop {
            let message = self.wire.receive(&bound)?;
            if fits(&message) {
                return Some(message);
            }
            self.inbox.push(message);
        }
    }

    /// A word that nobody used before.
    #[must_use]
    pub fn fresh(&mut self) -> String {
        self.counter += 1;
        format!("{}n{}", self.name, self.counter)
    }

    /// The Via line of a new transaction.
    #[must_use]
    pub fn via(&mut self) -> String {
        let transport = if self.wire.is_tcp() { "TCP" } else { "UDP" };
        let (local, branch) = (self.local(), self.fresh());
        format!("SIP/2.0/{transport} {local};rport;branch=z9hG4bK{branch}")
    }

    /// A request outside of any dialog, from this account.
    #[must_use]
    pub fn request(&mut self, method: &str, target: &str) -> Msg {
        let (via, tag, call_id) = (self.via(), self.fresh(), self.fresh());
        let address = self.account.address();
        Msg::new(format!("{method} {target} SIP/2.0"))
            .with("Via", via)
            .with("Max-Forwards", "70")
            .with("From", format!("<{address}>;tag={tag}"))
            .with("To", format!("<{target}>"))
            .with("Call-ID", format!("{call_id}@phone"))
            .with("CSeq", format!("1 {method}"))
            .with("Contact", format!("<{}>", self.contact()))
            .with("User-Agent", "testkit")
    }

    /// A REGISTER with the Call-ID of this phone and the next CSeq.
    #[must_use]
    pub fn register_request(&mut self, expires: u32) -> Msg {
        self.register_cseq += 1;
        let (domain, cseq, call_id) =
            (self.account.domain.clone(), self.register_cseq, self.register_call_id.clone());
        let mut request = self.request("REGISTER", &format!("sip:{domain}"));
        for (name, value) in &mut request.headers {
            match name.as_str() {
                "To" => *value = format!("<{}>", self.account.address()),
                "Call-ID" => value.clone_from(&call_id),
                "CSeq" => *value = format!("{cseq} REGISTER"),
                _ => {}
            }
        }
        request.with("Expires", expires.to_string())
    }

    /// Registers its contact; gives the 200.
    ///
    /// # Panics
    /// When the answer is another.
    pub fn register(&mut self, expires: u32) -> Msg {
        let request = self.register_request(expires);
        let answer = self.ask(&request);
        assert_eq!(answer.status(), 200, "REGISTER of {}: {}", self.account.username, answer.start);
        answer
    }

    /// Sends a request that is not INVITE and gives the final answer.
    pub fn exchange(&mut self, request: &Msg) -> Msg {
        self.send(request);
        let (call_id, cseq) = (request.need("Call-ID").to_owned(), request.need("CSeq").to_owned());
        self.expect(&format!("the answer to {cseq}"), |message| {
            message.status() >= 200
                && message.header("Call-ID") == Some(&*call_id)
                && message.header("CSeq") == Some(&*cseq)
        })
    }

    /// As [`Phone::exchange`], and answers a challenge.
    pub fn ask(&mut self, request: &Msg) -> Msg {
        let answer = self.exchange(request);
        if !matches!(answer.status(), 401 | 407) {
            return answer;
        }
        let again = self.authorized(request, &answer);
        self.exchange(&again)
    }

    /// The request again, with the answer to a challenge.
    ///
    /// # Panics
    /// When the challenge has not this phone's algorithm.
    #[must_use]
    pub fn authorized(&mut self, request: &Msg, challenge: &Msg) -> Msg {
        self.authorized_nth(request, challenge, 1)
    }

    /// As [`Phone::authorized`], using the nonce for the `count`th time.
    ///
    /// # Panics
    /// When the challenge has not this phone's algorithm.
    #[must_use]
    pub fn authorized_nth(&mut self, request: &Msg, challenge: &Msg, count: u32) -> Msg {
        let (from, to) = match challenge.status() {
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => ("WWW-Authenticate", "Authorization"),
        };
        let found = Challenge::find(challenge.all(from), self.algorithm);
        let found = found.unwrap_or_else(|| panic!("no {:?} in:\n{challenge:#?}", self.algorithm));
        let method = request.start.split(' ').next().unwrap_or_default();
        let who = (self.account.username.as_str(), self.account.password.as_str());
        let answer = found.answer(who, method, request.uri(), count);
        let mut again = self.again(request);
        again.remove(to);
        again.with(to, answer)
    }

    /// The request as a new transaction: another branch, the next CSeq.
    #[must_use]
    pub fn again(&mut self, request: &Msg) -> Msg {
        let method = request.start.split(' ').next().unwrap_or_default().to_owned();
        let (via, cseq) = (self.via(), request.cseq() + 1);
        if method == "REGISTER" {
            self.register_cseq = cseq;
        }
        let mut again = request.clone();
        for (name, value) in &mut again.headers {
            match name.as_str() {
                "Via" => value.clone_from(&via),
                "CSeq" => *value = format!("{cseq} {method}"),
                _ => {}
            }
        }
        again
    }

    /// A response to a request: Via, From, To, Call-ID, CSeq as RFC 3261 §8.2.6 has them, with a tag of this phone.
    #[must_use]
    pub fn response(&self, request: &Msg, status: u16, reason: &str) -> Msg {
        let mut response = Msg::new(format!("SIP/2.0 {status} {reason}"));
        for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
            for value in request.all(name) {
                let untagged = name == "To" && status > 100 && request.tag("To").is_none();
                let tag = if untagged { format!(";tag=t{}", self.name) } else { String::new() };
                response = response.with(name, format!("{value}{tag}"));
            }
        }
        response.with("Contact", format!("<{}>", self.contact()))
    }

    /// Sends a response without a body.
    pub fn respond(&mut self, request: &Msg, status: u16, reason: &str) {
        let response = self.response(request, status, reason);
        self.send(&response);
    }
}

//! What the user of the endpoint gives it to send.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Flow, Method, Name, StatusCode};

/// The name of a header the user adds: one this crate knows, or any other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum HeaderText {
    /// A header this crate knows.
    Known(Name),
    /// Any other, as it is to be written.
    Other(String),
}

impl HeaderText {
    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            HeaderText::Known(name) => name.as_str(),
            HeaderText::Other(name) => name,
        }
    }
}

impl From<Name> for HeaderText {
    fn from(name: Name) -> HeaderText {
        HeaderText::Known(name)
    }
}

impl From<&str> for HeaderText {
    fn from(name: &str) -> HeaderText {
        HeaderText::Other(name.to_owned())
    }
}

impl From<String> for HeaderText {
    fn from(name: String) -> HeaderText {
        HeaderText::Other(name)
    }
}

impl From<HeaderText> for String {
    fn from(name: HeaderText) -> String {
        name.as_str().to_owned()
    }
}

/// Headers the user adds to a message, in order.
pub type Headers = Vec<(HeaderText, String)>;

/// A body with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The value of Content-Type.
    pub content_type: String,
    /// The content.
    pub bytes: Bytes,
}

impl Body {
    /// A body of the given type.
    pub fn new(content_type: impl Into<String>, bytes: impl Into<Bytes>) -> Body {
        Body { content_type: content_type.into(), bytes: bytes.into() }
    }

    /// A session description.
    pub fn sdp(bytes: impl Into<Bytes>) -> Body {
        Body::new("application/sdp", bytes)
    }
}

/// A response, as far as the user decides it. Via, From, To, Call-ID, CSeq, Record-Route, Server and the length are
/// the endpoint's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The reason phrase, if not the usual one.
    pub reason: Option<String>,
    /// Further headers, in order.
    pub headers: Headers,
    /// The body.
    pub body: Option<Body>,
}

impl Reply {
    /// A response with nothing but a status.
    #[must_use]
    pub fn new(status: StatusCode) -> Reply {
        Reply { status, reason: None, headers: Vec::new(), body: None }
    }

    /// With another reason phrase than the usual one.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Reply {
        self.reason = Some(reason.into());
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<HeaderText>, value: impl Into<String>) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Reply {
        self.body = Some(body);
        self
    }
}

/// A call to be made. Via, tags, Call-ID, CSeq, Max-Forwards, Allow, Supported and User-Agent are the endpoint's.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The request-URI.
    pub target: String,
    /// Where the INVITE goes.
    pub flow: Flow,
    /// Route values in order (for example the Path of a binding), each a name-addr.
    pub route: Vec<String>,
    /// The value of From without tag.
    pub from: String,
    /// The value of To without tag.
    pub to: String,
    /// The value of Contact.
    pub contact: String,
    /// Further headers, in order.
    pub headers: Headers,
    /// The offer; none for a late one.
    pub body: Option<Body>,
}

/// A request outside any dialog.
#[derive(Clone, Debug)]
pub struct OutOfDialog {
    /// Any method but INVITE, ACK and CANCEL.
    pub method: Method,
    /// The request-URI.
    pub target: String,
    /// Where it goes.
    pub flow: Flow,
    /// The value of From without tag.
    pub from: String,
    /// The value of To without tag.
    pub to: String,
    /// The value of Contact, for methods that carry one.
    pub contact: Option<String>,
    /// Further headers, in order; Route among them.
    pub headers: Headers,
    /// The body.
    pub body: Option<Body>,
}

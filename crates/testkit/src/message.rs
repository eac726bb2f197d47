//! A SIP message as text.

use std::fmt::Write;

/// Full and compact forms of header names, RFC 3261 §7.3.3.
const COMPACT: &[(&str, &str)] = &[
    ("Via", "v"),
    ("From", "f"),
    ("To", "t"),
    ("Call-ID", "i"),
    ("Contact", "m"),
    ("Content-Length", "l"),
    ("Content-Type", "c"),
    ("Supported", "k"),
];

/// A SIP message as text, good enough for a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Msg {
    /// The first line.
    pub start: String,
    /// The header lines in order, name and value.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Msg {
    /// A message without headers.
    #[must_use]
    pub fn new(start: impl Into<String>) -> Msg {
        Msg { start: start.into(), headers: Vec::new(), body: String::new() }
    }

    /// Reads a message.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Msg {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not a message: {text:?}"));
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .map(|line| line.split_once(':').unwrap_or_else(|| panic!("not a header: {line:?}")))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Msg { start, headers, body: body.to_owned() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Msg {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn with_body(self, kind: &str, body: impl Into<String>) -> Msg {
        Msg { body: body.into(), ..self.with("Content-Type", kind) }
    }

    /// The bytes on the wire; `Content-Length` is written unless the message has one.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if self.header("Content-Length").is_none() {
            let _ = write!(text, "Content-Length: {}\r\n", self.body.len());
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }

    /// All values of a header, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| is_name(known, name)).map(|(_, value)| value.as_str())
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| is_name(known, name)).map(|(_, value)| value.as_str())
    }

    /// The first value of a header that must be there.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn need(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("no {name} in:\n{self:#?}"))
    }

    /// Takes all lines of a header away.
    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// The status of a response; 0 for a request.
    #[must_use]
    pub fn status(&self) -> u16 {
        let status = self.start.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3));
        status.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// Whether this is a request with this method.
    #[must_use]
    pub fn is_request(&self, method: &str) -> bool {
        self.start.strip_prefix(method).is_some_and(|rest| rest.starts_with(' '))
    }

    /// Whether this is a response, and to a request with this method.
    #[must_use]
    pub fn answers(&self, method: &str) -> bool {
        self.status() > 0 && self.header("CSeq").is_some_and(|cseq| cseq.ends_with(&format!(" {method}")))
    }

    /// The Request-URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The `tag` of From or To.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        parameter(self.need(name), "tag")
    }

    /// The number of the CSeq.
    #[must_use]
    pub fn cseq(&self) -> u32 {
        self.need("CSeq").split(' ').next().and_then(|n| n.parse().ok()).expect("a CSeq number")
    }

    /// The URI of the first Contact.
    #[must_use]
    pub fn contact_uri(&self) -> String {
        uri_of(self.need("Contact")).to_owned()
    }
}

/// Whether a name on the wire is this one, in full or compact.
fn is_name(known: &str, name: &str) -> bool {
    let compact = || {
        COMPACT
            .iter()
            .any(|(full, short)| full.eq_ignore_ascii_case(name) && short.eq_ignore_ascii_case(known))
    };
    known.eq_ignore_ascii_case(name) || compact()
}

/// A header parameter after the URI.
pub(crate) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let after = value.rsplit_once('>').map_or(value, |(_, after)| after);
    after.split(';').skip(1).find_map(|part| {
        let (n, v) = part.split_once('=').unwrap_or((part, ""));
        n.trim().eq_ignore_ascii_case(name).then_some(v.trim())
    })
}

/// The URI of a name-addr or addr-spec.
pub(crate) fn uri_of(value: &str) -> &str {
    match (value.find('<'), value.find('>')) {
        (Some(open), Some(close)) => &value[open + 1..close],
        _ => value.split(';').next().unwrap_or_default().trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let sent = Msg::new("INVITE sip:6010@pbx.example SIP/2.0")
            .with("f", "\"A; B\" <sip:6001@pbx.example;x=y>;tag=t1")
            .with("CSeq", "7 INVITE")
            .with_body("text/plain", "body");
        let read = Msg::read(&sent.bytes());
        assert_eq!(read.tag("From"), Some("t1"));
        assert_eq!((read.cseq(), read.uri(), &*read.body), (7, "sip:6010@pbx.example", "body"));
        assert_eq!(read.need("Content-Length"), "4");
        assert!(read.is_request("INVITE") && !read.answers("INVITE"));
        assert_eq!(uri_of(read.need("From")), "sip:6001@pbx.example;x=y");
        assert_eq!(Msg::read(b"SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n\r\n").status(), 486);
    }
}

//! Writing a message: one buffer, appended to in order.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use bytes::Bytes;

use super::{HeaderLine, Message, Method, StatusCode};
use crate::header::{Name, Values, Via, unfold};

/// Room for the headers of an ordinary message, in bytes, before the buffer has to grow.
const HEADERS_BYTES: usize = 768;

/// Builds a message. Headers stand in the order of the calls; Content-Type and Content-Length are written last.
///
/// No value can break out of its line: line ends in it become blanks.
#[derive(Debug)]
pub struct Builder<'a> {
    out: Vec<u8>,
    content_type: &'a str,
    body: &'a [u8],
}

impl<'a> Builder<'a> {
    /// Begins a request. For a method without a name here see [`Builder::request_other`].
    #[must_use]
    pub fn request(method: Method, uri: impl AsRef<[u8]>) -> Builder<'a> {
        Builder::request_other(method.as_str(), uri)
    }

    /// Begins a request with the method's text.
    #[must_use]
    pub fn request_other(method: &str, uri: impl AsRef<[u8]>) -> Builder<'a> {
        let mut builder = Builder::empty(HEADERS_BYTES);
        builder.value(method.as_bytes());
        builder.out.push(b' ');
        builder.value(uri.as_ref());
        builder.out.extend_from_slice(b" SIP/2.0\r\n");
        builder
    }

    /// Begins a response; without a reason phrase the one of the RFC is written.
    #[must_use]
    pub fn response(status: StatusCode, reason: Option<&str>) -> Builder<'a> {
        let mut builder = Builder::empty(HEADERS_BYTES);
        builder.status_line(status, reason);
        builder
    }

    /// Begins the response to a request with what RFC 3261 §8.2.6 wants copied: every Via, From, To, Call-ID, CSeq,
    /// and the Timestamp into a 100.
    ///
    /// `to_tag` is added where the To has none. `source`, when given, is written into the topmost Via as `received` and
    /// `rport`.
    #[must_use]
    pub fn response_to(
        request: &Message,
        status: StatusCode,
        reason: Option<&str>,
        to_tag: Option<&str>,
        source: Option<SocketAddr>,
    ) -> Builder<'a> {
        let mut builder = Builder::empty(HEADERS_BYTES);
        builder.status_line(status, reason);
        for (at, value) in request.headers(Name::Via).enumerate() {
            match source {
                Some(source) if at == 0 => builder.stamped_via(value, source),
                _ => builder.header(Name::Via, value),
            };
        }
        builder.copy(request, Name::From);
        if let Some(to) = request.header(Name::To) {
            let tag = to_tag.filter(|_| request.to().is_ok_and(|to| to.tag().is_none()));
            builder.start(Name::To).value(to);
            if let Some(tag) = tag {
                builder.out.extend_from_slice(b";tag=");
                builder.value(tag.as_bytes());
            }
            builder.end();
        }
        builder.copy(request, Name::CallId).copy(request, Name::CSeq);
        if status == StatusCode::TRYING {
            builder.copy(request, Name::Timestamp);
        }
        builder
    }

    fn empty(capacity: usize) -> Builder<'a> {
        Builder { out: Vec::with_capacity(capacity), content_type: "", body: &[] }
    }

    fn status_line(&mut self, status: StatusCode, reason: Option<&str>) {
        self.out.extend_from_slice(b"SIP/2.0 ");
        self.number(status.as_u16().into());
        self.out.push(b' ');
        self.value(reason.unwrap_or_else(|| status.default_reason()).as_bytes());
        self.end();
    }

    /// The first Via line with its first value stamped; as it is when it cannot be read.
    fn stamped_via(&mut self, line: &[u8], source: SocketAddr) -> &mut Builder<'a> {
        let mut values = Values::new(line);
        let Some(via) = values.next().and_then(|first| Via::parse(first).ok()) else {
            return self.header(Name::Via, line);
        };
        self.start(Name::Via);
        let _ = via.write_stamped(&mut OneLine(&mut self.out), source);
        for value in values {
            self.out.extend_from_slice(b", ");
            self.value(value);
        }
        self.end()
    }

    /// Adds a header. Content-Length is skipped: it is always written by [`Builder::finish`].
    pub fn header(&mut self, name: Name, value: impl AsRef<[u8]>) -> &mut Builder<'a> {
        if name == Name::ContentLength {
            return self;
        }
        self.start(name).value(value.as_ref());
        self.end()
    }

    /// Adds a header whose value is formatted in place.
    pub fn header_fmt(&mut self, name: Name, value: fmt::Arguments<'_>) -> &mut Builder<'a> {
        self.start(name);
        let _ = OneLine(&mut self.out).write_fmt(value);
        self.end()
    }

    /// Adds a header by the text of its name.
    pub fn other(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Builder<'a> {
        if Name::parse(name.as_bytes()) == Name::ContentLength {
            return self;
        }
        self.value(name.as_bytes());
        self.out.extend_from_slice(b": ");
        self.value(value.as_ref());
        self.end()
    }

    /// Copies all lines of this name; values byte for byte, folds as one blank.
    pub fn copy(&mut self, from: &Message, name: Name) -> &mut Builder<'a> {
        for value in from.headers(name) {
            self.header(name, value);
        }
        self
    }

    /// Copies one line, its name as it was written; Content-Length and lines that are no header are skipped.
    pub fn copy_line(&mut self, line: HeaderLine<'_>) -> &mut Builder<'a> {
        if line.text.is_empty() || line.name == Name::ContentLength {
            return self;
        }
        self.value(line.text);
        self.out.extend_from_slice(b": ");
        self.value(line.value);
        self.end()
    }

    /// Sets the body; written once, by [`Builder::finish`]. An empty content type writes none.
    pub fn body(&mut self, content_type: &'a str, body: &'a [u8]) -> &mut Builder<'a> {
        self.content_type = content_type;
        self.body = body;
        self
    }

    /// The finished message. The builder is empty afterwards.
    #[must_use]
    pub fn finish(&mut self) -> Bytes {
        let content_type = self.content_type;
        if !content_type.is_empty() {
            self.header(Name::ContentType, content_type);
        }
        self.start(Name::ContentLength);
        self.number(self.body.len());
        self.end();
        let mut out = std::mem::take(&mut self.out);
        out.reserve_exact(self.body.len() + 2);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.body);
        // Some messages are kept for retransmission: they shall not keep half a buffer of nothing.
        if out.capacity() - out.len() > out.len() / 2 {
            out.shrink_to_fit();
        }
        Bytes::from(out)
    }

    /// Decimal digits, without the machinery of formatting: every message has two such numbers.
    fn number(&mut self, number: usize) {
        let start = self.out.len();
        let mut rest = number;
        loop {
            self.out.push(b'0' + (rest % 10) as u8);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.out.get_mut(start..).unwrap_or_default().reverse();
    }

    fn start(&mut self, name: Name) -> &mut Builder<'a> {
        self.out.extend_from_slice(name.as_str().as_bytes());
        self.out.extend_from_slice(b": ");
        self
    }

    fn value(&mut self, value: &[u8]) {
        self.out.extend_from_slice(&unfold(value));
    }

    fn end(&mut self) -> &mut Builder<'a> {
        self.out.extend_from_slice(b"\r\n");
        self
    }
}

/// Keeps formatted text on its line.
struct OneLine<'b>(&'b mut Vec<u8>);

impl Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (at, piece) in text.split(['\r', '\n']).enumerate() {
            if at > 0 {
                self.0.push(b' ');
            }
            self.0.extend_from_slice(piece.as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_request_is_written_in_the_order_of_the_calls() {
        let bytes = Builder::request(Method::Message, "sip:bob@example.com;x=%20")
            .header(Name::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
            .header_fmt(Name::CSeq, format_args!("{} MESSAGE", 7))
            .other("X-Foo", b"\xff")
            .header(Name::ContentLength, "99")
            .body("text/plain", b"hi")
            .finish();
        assert_eq!(
            bytes,
            &b"MESSAGE sip:bob@example.com;x=%20 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
               CSeq: 7 MESSAGE\r\nX-Foo: \xff\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"[..]
        );
    }

    #[test]
    fn no_value_breaks_out_of_its_line() {
        let bytes = Builder::request(Method::Info, "sip:a@b\r\nEvil: 1")
            .header(Name::Subject, "a\r\nEvil: 2\r\n\r\nx")
            .header_fmt(Name::Reason, format_args!("{}", "b\nEvil: 3"))
            .other("X\r\nEvil", "c")
            .finish();
        assert!(!text(&bytes).contains("\nEvil"), "{}", text(&bytes));
        assert_eq!(Message::parse(bytes).unwrap().lines().count(), 4);
    }

    #[test]
    fn a_response_copies_what_the_rfc_wants() {
        let request = Message::parse(Bytes::from_static(
            b"INVITE sip:b@example.com SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.2;rport;branch=z9hG4bK2 , SIP/2.0/TCP p.example\r\n\
              Via: SIP/2.0/UDP q.example\r\nf: A <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\ni: x@y\r\n\
              CSeq: 1 INVITE\r\nTimestamp: 54\r\nContact: <sip:a@10.0.0.2>\r\nSubject: no\r\n\r\n",
        ))
        .unwrap();
        let source = Some("198.51.100.1:5080".parse().unwrap());
        let bytes = Builder::response_to(&request, StatusCode::TRYING, None, Some("abc"), source).finish();
        assert_eq!(
            text(&bytes),
            "SIP/2.0 100 Trying\r\n\
             Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK2;received=198.51.100.1;rport=5080, SIP/2.0/TCP p.example\r\n\
             Via: SIP/2.0/UDP q.example\r\nFrom: A <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=abc\r\n\
             Call-ID: x@y\r\nCSeq: 1 INVITE\r\nTimestamp: 54\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_tag_that_is_there_is_kept() {
        let request = Message::parse(Bytes::from_static(
            b"BYE sip:b@example.com SIP/2.0\r\nTo: <sip:b@example.com>;tag=mine\r\n\r\n",
        ))
        .unwrap();
        let bytes =
            Builder::response_to(&request, StatusCode::OK, Some("Fine"), Some("other"), None).finish();
        let answer = Message::parse(bytes).unwrap();
        assert_eq!(answer.to().unwrap().tag(), Some("mine"));
        assert_eq!(answer.reason(), b"Fine");
    }
}

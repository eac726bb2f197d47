//! Which status a message deserves before anybody acts on it.

use uri::UriError;

use super::{Fault, Message, Method, Refusal, StatusCode};
use crate::header::Name;
use crate::limits::MAX_BODY_BYTES;

/// A refusal with 400.
const fn bad(reason: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, reason }
}

impl Message {
    /// Whether the message can be acted on: well-formed as a whole, with every header a transaction needs.
    ///
    /// # Errors
    /// The [`Refusal`] to answer a request with (but nothing answers an ACK); a response is to be dropped.
    pub fn validate(&self) -> Result<(), Refusal> {
        if let Some(refusal) = self.fault.and_then(|fault| self.refusal_of(fault)) {
            return Err(refusal);
        }
        self.validate_headers()?;
        if self.is_request() { self.validate_request() } else { Ok(()) }
    }

    /// A response is used as far as it can be: a line that spoils only itself is no reason to lose the answer.
    fn refusal_of(&self, fault: Fault) -> Option<Refusal> {
        Some(match fault {
            Fault::Version => {
                Refusal { status: StatusCode::VERSION_NOT_SUPPORTED, reason: "Version Not Supported" }
            }
            Fault::StartLine => bad("Malformed Request Line"),
            Fault::HeaderLine if !self.is_request() => return None,
            Fault::HeaderLine => bad("Malformed Header Line"),
            Fault::TooManyHeaders => bad("Too Many Header Lines"),
            Fault::Unterminated => bad("Header Section Without End"),
            Fault::ContentLength => bad("Malformed Content-Length"),
            Fault::Truncated => bad("Content-Length Exceeds Message"),
        })
    }

    /// What requests and responses must have alike, RFC 3261 §8.1.1.
    fn validate_headers(&self) -> Result<(), Refusal> {
        let mut seen = 0u128;
        for line in &self.index {
            let bit = 1u128 << (line.id as u8);
            if seen & bit != 0 && line.id.is_single() {
                return Err(bad("Repeated Single Header"));
            }
            seen |= bit;
        }
        self.via().map_err(|_| bad("Missing Or Malformed Via"))?;
        self.from().map_err(|_| bad("Missing Or Malformed From"))?;
        self.to().map_err(|_| bad("Missing Or Malformed To"))?;
        if self.call_id().is_none_or(<[u8]>::is_empty) {
            return Err(bad("Missing Call-ID"));
        }
        let cseq = self.cseq().map_err(|_| bad("Missing Or Malformed CSeq"))?;
        match self.method() {
            Some(Method::Other) if cseq.method_text != self.method_text() => {
                Err(bad("CSeq Of Another Method"))
            }
            Some(method) if cseq.method != method => Err(bad("CSeq Of Another Method")),
            _ => Ok(()),
        }
    }

    fn validate_request(&self) -> Result<(), Refusal> {
        self.uri().map_err(|error| match error {
            UriError::TooLong => {
                Refusal { status: StatusCode::REQUEST_URI_TOO_LONG, reason: "Request-URI Too Long" }
            }
            UriError::UnsupportedScheme => {
                Refusal { status: StatusCode::UNSUPPORTED_URI_SCHEME, reason: "Unsupported URI Scheme" }
            }
            _ => bad("Malformed Request-URI"),
        })?;
        self.max_forwards().map_err(|_| bad("Malformed Max-Forwards"))?;
        // Without a Contact there is no dialog to be had, RFC 3261 §8.1.1.8.
        if self.method() == Some(Method::Invite) && self.header(Name::Contact).is_none() {
            return Err(bad("Missing Contact"));
        }
        if self.body().len() > MAX_BODY_BYTES {
            return Err(Refusal {
                status: StatusCode::REQUEST_ENTITY_TOO_LARGE,
                reason: "Request Entity Too Large",
            });
        }
        Ok(())
    }
}

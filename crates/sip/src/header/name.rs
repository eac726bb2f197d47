//! Header names: the known ones as a byte, by one probe of a table.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($name:ident = $text:literal $(| $compact:literal)? ;)+) => {
        /// A header's name; `Other` is one without an entry here, found by its text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`")] $name,)+
            /// Any other name.
            Other,
        }

        /// Every known name, in the order of its number.
        const KNOWN: &[(Name, &str)] = &[$((Name::$name, $text),)+];

        impl Name {
            /// The name of a compact form (a lowercase letter), RFC 3261 §7.3.3.
            const fn of_letter(letter: u8) -> Name {
                match letter {
                    $($($compact => Name::$name,)?)+
                    _ => Name::Other,
                }
            }

            /// The long form as the RFC writes it; empty for [`Name::Other`].
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Name::$name => $text,)+
                    Name::Other => "",
                }
            }
        }
    };
}

names! {
    Via = "Via" | b'v';
    From = "From" | b'f';
    To = "To" | b't';
    CallId = "Call-ID" | b'i';
    CSeq = "CSeq";
    Contact = "Contact" | b'm';
    MaxForwards = "Max-Forwards";
    Route = "Route";
    RecordRoute = "Record-Route";
    Expires = "Expires";
    ContentLength = "Content-Length" | b'l';
    ContentType = "Content-Type" | b'c';
    ContentEncoding = "Content-Encoding" | b'e';
    ContentDisposition = "Content-Disposition";
    ContentLanguage = "Content-Language";
    MimeVersion = "MIME-Version";
    Accept = "Accept";
    AcceptEncoding = "Accept-Encoding";
    AcceptLanguage = "Accept-Language";
    AcceptContact = "Accept-Contact" | b'a';
    RejectContact = "Reject-Contact" | b'j';
    RequestDisposition = "Request-Disposition" | b'd';
    Allow = "Allow";
    AllowEvents = "Allow-Events" | b'u';
    Supported = "Supported" | b'k';
    Require = "Require";
    ProxyRequire = "Proxy-Require";
    Unsupported = "Unsupported";
    Authorization = "Authorization";
    ProxyAuthorization = "Proxy-Authorization";
    WwwAuthenticate = "WWW-Authenticate";
    ProxyAuthenticate = "Proxy-Authenticate";
    AuthenticationInfo = "Authentication-Info";
    ProxyAuthenticationInfo = "Proxy-Authentication-Info";
    UserAgent = "User-Agent";
    Server = "Server";
    Organization = "Organization";
    Subject = "Subject" | b's';
    Date = "Date";
    Timestamp = "Timestamp";
    RetryAfter = "Retry-After";
    Warning = "Warning";
    Reason = "Reason";
    ReferTo = "Refer-To" | b'r';
    ReferredBy = "Referred-By" | b'b';
    ReferSub = "Refer-Sub";
    Replaces = "Replaces";
    Join = "Join";
    Event = "Event" | b'o';
    SubscriptionState = "Subscription-State";
    SessionExpires = "Session-Expires" | b'x';
    MinSe = "Min-SE";
    MinExpires = "Min-Expires";
    RSeq = "RSeq";
    RAck = "RAck";
    Path = "Path";
    ServiceRoute = "Service-Route";
    FlowTimer = "Flow-Timer";
    Privacy = "Privacy";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    RemotePartyId = "Remote-Party-ID";
    Diversion = "Diversion";
    HistoryInfo = "History-Info";
    Identity = "Identity" | b'y';
    IdentityInfo = "Identity-Info" | b'n';
    SipEtag = "SIP-ETag";
    SipIfMatch = "SIP-If-Match";
    AlertInfo = "Alert-Info";
    CallInfo = "Call-Info";
    ErrorInfo = "Error-Info";
    InReplyTo = "In-Reply-To";
    ReplyTo = "Reply-To";
    Priority = "Priority";
    UserToUser = "User-to-User";
    RecvInfo = "Recv-Info";
    InfoPackage = "Info-Package";
    MaxBreadth = "Max-Breadth";
}

/// Slots of the name table: a power of two with four slots per name, so that nearly every probe hits at once.
const SLOTS: usize = 512;
/// An empty slot.
const EMPTY: u8 = u8::MAX;
/// Name numbers (an index into `KNOWN`) by hash, with linear probing; built by the compiler.
const TABLE: [u8; SLOTS] = build_table();

#[expect(clippy::indexing_slicing, reason = "runs in the compiler, where a wrong index is a compile error")]
const fn build_table() -> [u8; SLOTS] {
    let mut table = [EMPTY; SLOTS];
    let mut number = 0;
    while number < KNOWN.len() {
        let text = KNOWN[number].1.as_bytes();
        let mut slot = slot_of(text.len(), text[0], text[text.len() / 2], text[text.len() - 1]);
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = number as u8;
        number += 1;
    }
    table
}

/// The slot where the search for a name begins, from its length and three of its letters in either case.
const fn slot_of(len: usize, first: u8, middle: u8, last: u8) -> usize {
    const LOWER: u8 = 0x20;
    let mixed = len * 7
        + (first | LOWER) as usize * 3
        + (middle | LOWER) as usize * 41
        + (last | LOWER) as usize * 101;
    mixed % SLOTS
}

impl Name {
    /// The name of this text, long or compact, in any case.
    #[must_use]
    pub fn parse(text: &[u8]) -> Name {
        let (Some(&first), Some(&middle), Some(&last)) =
            (text.first(), text.get(text.len() / 2), text.last())
        else {
            return Name::Other;
        };
        if text.len() == 1 {
            return Name::of_letter(first.to_ascii_lowercase());
        }
        let mut slot = slot_of(text.len(), first, middle, last);
        while let Some((name, long)) = TABLE.get(slot).and_then(|&number| KNOWN.get(usize::from(number))) {
            // Nearly all peers write names as the RFC does, and equality is quicker told than likeness.
            if long.as_bytes() == text || long.as_bytes().eq_ignore_ascii_case(text) {
                return *name;
            }
            slot = (slot + 1) % SLOTS;
        }
        Name::Other
    }

    /// Whether the grammar lets several values stand in one line, separated by commas. The authentication headers
    /// and dates hold commas that separate no values.
    #[must_use]
    pub const fn is_list(self) -> bool {
        !matches!(
            self,
            Name::From
                | Name::To
                | Name::CallId
                | Name::CSeq
                | Name::MaxForwards
                | Name::Expires
                | Name::ContentLength
                | Name::ContentType
                | Name::ContentDisposition
                | Name::Authorization
                | Name::ProxyAuthorization
                | Name::WwwAuthenticate
                | Name::ProxyAuthenticate
                | Name::AuthenticationInfo
                | Name::ProxyAuthenticationInfo
                | Name::UserAgent
                | Name::Server
                | Name::Organization
                | Name::Subject
                | Name::Date
                | Name::Timestamp
                | Name::RetryAfter
                | Name::ReferTo
                | Name::ReferredBy
                | Name::Event
                | Name::SubscriptionState
                | Name::SessionExpires
                | Name::Priority
        )
    }

    /// Whether a message may have it only once, RFC 3261 §7.3.1.
    #[must_use]
    pub const fn is_single(self) -> bool {
        matches!(
            self,
            Name::From
                | Name::To
                | Name::CallId
                | Name::CSeq
                | Name::MaxForwards
                | Name::ContentType
                | Name::Expires
                | Name::Event
                | Name::ReferTo
                | Name::Replaces
                | Name::SessionExpires
        )
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for (name, text) in KNOWN {
            assert_eq!(Name::parse(text.as_bytes()), *name);
            assert_eq!(Name::parse(text.to_ascii_uppercase().as_bytes()), *name);
            assert_eq!(Name::parse(text.to_ascii_lowercase().as_bytes()), *name);
        }
    }

    #[test]
    fn compact_forms_are_names() {
        let pairs = b"vViIfFtTmMlLcCeEsSkKrRbBoOuUxXyYaAjJdDnN";
        assert!(pairs.iter().all(|letter| Name::parse(&[*letter]) != Name::Other));
        assert_eq!(Name::parse(b"i"), Name::CallId);
        assert_eq!(Name::parse(b"z"), Name::Other);
    }

    #[test]
    fn near_misses_are_other() {
        for text in ["", "Viaa", "Vi", "X-Foo", "Call_ID", "Call-I", "P-Asserted-Identitx"] {
            assert_eq!(Name::parse(text.as_bytes()), Name::Other, "{text}");
        }
    }
}

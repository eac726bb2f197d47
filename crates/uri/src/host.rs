//! Hosts: a name or an address, owned and borrowed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UriError;

/// The longest host name of the DNS, RFC 1035 §2.3.4.
const MAX_NAME_BYTES: usize = 253;

/// A host, canonical: names are lowercase. `Display` writes IPv6 in brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Host {
    /// A DNS name, lowercase; empty only as the host of a `tel:` URI.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

/// A host as it stands in a message: the same, borrowed, names in the case they came in.
#[derive(Clone, Copy, Debug)]
pub enum HostRef<'a> {
    /// A DNS name; empty only as the host of a `tel:` URI.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

/// A host with an optional port, as in a Via or in the configuration: `example.com`, `[::1]:5060`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The port, when one is written.
    pub port: Option<u16>,
}

impl Host {
    /// Reads `name`, `192.0.2.1` or `[2001:db8::1]`.
    ///
    /// # Errors
    /// [`UriError::BadHost`] when it is none of them.
    pub fn parse(text: &str) -> Result<Host, UriError> {
        HostRef::parse(text).map(HostRef::to_host)
    }

    /// The same, borrowed.
    #[must_use]
    pub fn borrow(&self) -> HostRef<'_> {
        match self {
            Host::Name(name) => HostRef::Name(name),
            Host::V4(address) => HostRef::V4(*address),
            Host::V6(address) => HostRef::V6(*address),
        }
    }

    /// The address, when the host is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.borrow().ip()
    }
}

impl<'a> HostRef<'a> {
    /// Reads `name`, `192.0.2.1` or `[2001:db8::1]`.
    ///
    /// # Errors
    /// [`UriError::BadHost`] when it is none of them.
    pub fn parse(text: &'a str) -> Result<HostRef<'a>, UriError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(UriError::BadHost)?;
            return Ipv6Addr::from_str(inner).map(HostRef::V6).map_err(|_| UriError::BadHost);
        }
        // Only a text that starts with a digit can be an address: most names skip the attempt.
        if text.as_bytes().first().is_some_and(u8::is_ascii_digit)
            && let Ok(address) = Ipv4Addr::from_str(text)
        {
            return Ok(HostRef::V4(address));
        }
        if is_name(text) { Ok(HostRef::Name(text)) } else { Err(UriError::BadHost) }
    }

    /// The owned, canonical form.
    #[must_use]
    pub fn to_host(self) -> Host {
        match self {
            HostRef::Name(name) => Host::Name(name.to_ascii_lowercase()),
            HostRef::V4(address) => Host::V4(address),
            HostRef::V6(address) => Host::V6(address),
        }
    }

    /// The address, when the host is one.
    #[must_use]
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            HostRef::Name(_) => None,
            HostRef::V4(address) => Some(address.into()),
            HostRef::V6(address) => Some(address.into()),
        }
    }
}

/// Names are compared without case, addresses by value.
impl PartialEq for HostRef<'_> {
    fn eq(&self, other: &HostRef<'_>) -> bool {
        match (self, other) {
            (HostRef::Name(a), HostRef::Name(b)) => a.eq_ignore_ascii_case(b),
            (HostRef::V4(a), HostRef::V4(b)) => a == b,
            (HostRef::V6(a), HostRef::V6(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for HostRef<'_> {}

impl HostPort {
    /// Reads `host`, `host:port` or `[v6]:port`.
    ///
    /// # Errors
    /// [`UriError::BadHost`] or [`UriError::BadPort`].
    pub fn parse(text: &str) -> Result<HostPort, UriError> {
        let end_of_host = text.find(']').map_or(0, |bracket| bracket + 1);
        let rest = text.get(end_of_host..).unwrap_or("");
        let (host, port) = match rest.find(':') {
            None => (text, None),
            Some(colon) => {
                let port = rest.get(colon + 1..).unwrap_or("");
                (text.get(..end_of_host + colon).unwrap_or(""), Some(parse_port(port)?))
            }
        };
        Ok(HostPort { host: Host::parse(host)?, port })
    }
}

/// A port of one to five digits.
pub(crate) fn parse_port(text: &str) -> Result<u16, UriError> {
    if text.is_empty() || text.len() > 5 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UriError::BadPort);
    }
    text.parse().map_err(|_| UriError::BadPort)
}

/// A host name: letters, digits, hyphens, dots (and the underscores that real networks have), not ending in a label
/// of digits only: `256.1.1.1` is a mistyped address, not a name (RFC 3261 §25.1 `toplabel`).
fn is_name(text: &str) -> bool {
    let top = text.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    !top.is_empty()
        && text.len() <= MAX_NAME_BYTES
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && !top.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for HostRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostRef::Name(name) => f.write_str(name),
            HostRef::V4(address) => write!(f, "{address}"),
            HostRef::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.borrow(), f)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => write!(f, "{}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        match address {
            IpAddr::V4(v4) => Host::V4(v4),
            IpAddr::V6(v6) => Host::V6(v6),
        }
    }
}

impl FromStr for Host {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Host, UriError> {
        Host::parse(text)
    }
}

impl FromStr for HostPort {
    type Err = UriError;

    fn from_str(text: &str) -> Result<HostPort, UriError> {
        HostPort::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_canonical_and_addresses_are_values() {
        assert_eq!(Host::parse("EXAMPLE.com").unwrap(), Host::Name("example.com".into()));
        assert_eq!(Host::parse("192.0.2.1").unwrap(), Host::V4(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(Host::parse("[2001:DB8:0::1]").unwrap().to_string(), "[2001:db8::1]");
        assert_eq!(Host::parse("a.example.").unwrap(), Host::Name("a.example.".into()));
    }

    #[test]
    fn neither_name_nor_address_is_refused() {
        for text in
            ["", ".", "256.1.1.1", "1.2.3", "2001:db8::1", "[2001:db8::1", "[::1]x", "a b", "a@b", "münchen"]
        {
            assert_eq!(Host::parse(text), Err(UriError::BadHost), "{text}");
        }
    }

    #[test]
    fn host_and_port_round_trip() {
        for text in ["example.com", "example.com:5060", "[::1]", "[::1]:5061", "192.0.2.1:1"] {
            assert_eq!(HostPort::parse(text).unwrap().to_string(), text);
        }
        for text in ["example.com:", "example.com:65536", "example.com:+5", "::1"] {
            assert!(HostPort::parse(text).is_err(), "{text}");
        }
    }
}

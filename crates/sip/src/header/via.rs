//! Via values.

use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};

use uri::HostRef;

use super::text::{is_space, text, trim};
use super::{Params, number};
use crate::message::HeaderError;

/// `SIP/2.0/UDP host:port;branch=…`: where a response has to go, RFC 3261 §18.2.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// The part before the parameters, as written.
    head: &'a str,
    transport: &'a str,
    host: HostRef<'a>,
    port: Option<u16>,
    params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Reads one value.
    ///
    /// # Errors
    /// [`HeaderError`] when it is not UTF-8, of another protocol than SIP/2.0, or without a host.
    pub fn parse(value: &'a [u8]) -> Result<Via<'a>, HeaderError> {
        let value = trim(text(value)?);
        let end = value.find(';').unwrap_or(value.len());
        let (head, params) = value.split_at_checked(end).unwrap_or((value, ""));
        let head = trim(head);
        // White space may stand around each slash and colon, RFC 3261 §25.1.
        let mut pieces = head.splitn(3, '/');
        let protocol = trim(pieces.next().unwrap_or(""));
        let version = trim(pieces.next().unwrap_or(""));
        if !protocol.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return Err(HeaderError::Malformed("Via protocol"));
        }
        let rest = trim(pieces.next().unwrap_or(""));
        let (transport, sent_by) =
            rest.split_once(is_space).ok_or(HeaderError::Malformed("Via without a host"))?;
        let (host, port) = split_port(trim(sent_by))?;
        let host = HostRef::parse(host).map_err(|_| HeaderError::Malformed("Via host"))?;
        Ok(Via { head, transport, host, port, params: Params::new(params) })
    }

    /// The transport as written: `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    #[must_use]
    pub fn transport(&self) -> &'a str {
        self.transport
    }

    /// The host of `sent-by`.
    #[must_use]
    pub fn host(&self) -> HostRef<'a> {
        self.host
    }

    /// The port of `sent-by`, when one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The branch.
    #[must_use]
    pub fn branch(&self) -> Option<&'a str> {
        self.param("branch").flatten().filter(|branch| !branch.is_empty())
    }

    /// Whether the branch is one of RFC 3261, and so identifies the transaction, §8.1.1.7.
    #[must_use]
    pub fn has_magic_branch(&self) -> bool {
        const COOKIE: &str = "z9hG4bK";
        // Compared without case as all tokens are, RFC 3261 §7.3.1.
        let start = self.branch().and_then(|branch| branch.get(..COOKIE.len()));
        start.is_some_and(|start| start.eq_ignore_ascii_case(COOKIE))
    }

    /// The `rport` parameter: `Some(None)` asks for it, RFC 3581.
    #[must_use]
    pub fn rport(&self) -> Option<Option<u16>> {
        let value = self.param("rport")?;
        Some(value.and_then(|port| number(port.as_bytes())).and_then(|port| u16::try_from(port).ok()))
    }

    /// The `received` address; an IPv6 address with or without brackets (RFC 5118 §4.5).
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let value = self.param("received").flatten()?;
        let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value);
        inner.parse().ok()
    }

    /// The `maddr` parameter.
    #[must_use]
    pub fn maddr(&self) -> Option<&'a str> {
        self.param("maddr").flatten()
    }

    /// The first parameter of this name, in any case, as written: `Some(None)` for a flag.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params.find(name)
    }

    /// All parameters in order.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// Whether both have the same `sent-by`, RFC 3261 §17.2.3: host without case, port as written.
    #[must_use]
    pub fn same_sent_by(&self, other: &Via<'_>) -> bool {
        self.host == other.host && self.port == other.port
    }

    /// Writes the value with `received` and `rport` telling where the request came from, RFC 3261 §18.2.1 and
    /// RFC 3581 §4. Everything else stays byte for byte; what the peer claimed in these two is dropped.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_stamped(&self, out: &mut impl Write, source: SocketAddr) -> fmt::Result {
        out.write_str(self.head)?;
        for (name, value) in self.params {
            if name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport") {
                continue;
            }
            out.write_char(';')?;
            out.write_str(name)?;
            if let Some(value) = value {
                out.write_char('=')?;
                out.write_str(value)?;
            }
        }
        let wants_port = self.rport().is_some();
        if wants_port || self.host.ip() != Some(source.ip()) {
            write!(out, ";received={}", source.ip())?;
        }
        if wants_port {
            write!(out, ";rport={}", source.port())?;
        }
        Ok(())
    }
}

/// `host` or `host : port`.
fn split_port(text: &str) -> Result<(&str, Option<u16>), HeaderError> {
    let bracket = text.find(']').map_or(0, |at| at + 1);
    let Some(colon) = text.get(bracket..).and_then(|rest| rest.find(':')) else { return Ok((text, None)) };
    let (host, port) = text.split_at_checked(bracket + colon).unwrap_or((text, ""));
    let port = number(trim(port.get(1..).unwrap_or("")).as_bytes()).and_then(|port| u16::try_from(port).ok());
    Ok((trim(host), Some(port.ok_or(HeaderError::Malformed("Via port"))?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Via<'_> {
        Via::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn blanks_may_stand_everywhere() {
        let via = read("SIP  / 2.0\r\n / UDP  \r\n 192.0.2.2 : 4000 ;\r\n branch = z9hG4bKkdjuw ; x");
        assert_eq!((via.transport(), via.port(), via.branch()), ("UDP", Some(4_000), Some("z9hG4bKkdjuw")));
        assert_eq!(via.host().ip(), Some("192.0.2.2".parse().unwrap()));
        assert!(via.has_magic_branch());
        assert_eq!(via.param("x"), Some(None));
    }

    #[test]
    fn addresses_of_version_six() {
        let via = read("SIP/2.0/TLS [2001:db8::9:255]:5061;received=[2001:db8::9:1];branch=z9hG4bKas3-111");
        assert_eq!((via.port(), via.received()), (Some(5_061), Some("2001:db8::9:1".parse().unwrap())));
        assert_eq!(read("SIP/2.0/UDP [::1];received=::2").received(), Some("::2".parse().unwrap()));
        assert!(Via::parse(b"SIP/2.0/UDP 2001:db8::9:255;branch=z9hG4bKx").is_err());
    }

    #[test]
    fn sent_by_is_compared_without_case() {
        let via = read("SIP/2.0/UDP Phone.example:5060;branch=z9hG4bK1");
        assert!(via.same_sent_by(&read("SIP/2.0/TCP phone.EXAMPLE:5060")));
        assert!(!via.same_sent_by(&read("SIP/2.0/UDP phone.example")));
    }

    #[test]
    fn stamps_replace_what_the_peer_claimed() {
        let stamp = |text: &str| {
            let mut out = String::new();
            read(text).write_stamped(&mut out, "198.51.100.7:40123".parse().unwrap()).unwrap();
            out
        };
        assert_eq!(
            stamp("SIP/2.0/UDP 10.0.0.2:5060;rport;branch=z9hG4bK1;X=\"a;b\""),
            "SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK1;X=\"a;b\";received=198.51.100.7;rport=40123"
        );
        assert_eq!(
            stamp("SIP/2.0/UDP 198.51.100.7:5060;received=9.9.9.9;branch=z9hG4bK1"),
            "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1"
        );
        assert_eq!(
            stamp("SIP/2.0/TCP host.invalid;branch=z9hG4bK1"),
            "SIP/2.0/TCP host.invalid;branch=z9hG4bK1;received=198.51.100.7"
        );
    }

    #[test]
    fn foreign_protocols_and_missing_hosts_are_refused() {
        for text in
            ["", "SIP/2.0/UDP", "SIP/7.0/UDP a", "HTTP/2.0/TCP a", "SIP/2.0/UDP a:b", "SIP/2.0/UDP a:70000"]
        {
            assert!(Via::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}

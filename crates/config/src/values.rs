//! The kinds of values: each is parsed once and cannot be wrong afterwards.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Makes a value read and written as its text: serde by way of `FromStr` and `Display`.
macro_rules! text_value {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    };
}

/// How SIP arrives at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SipTransport {
    /// Datagrams.
    Udp,
    /// A stream without encryption.
    Tcp,
}

/// One address that listens for SIP: `udp://0.0.0.0:5060`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SipListen {
    /// The scheme of the text.
    pub transport: SipTransport,
    /// The address and port to bind; the port is never 0.
    pub addr: SocketAddr,
}

text_value!(SipListen);

impl FromStr for SipListen {
    type Err = String;

    fn from_str(text: &str) -> Result<SipListen, String> {
        let (scheme, addr) = listener(text, "udp://0.0.0.0:5060")?;
        let transport = match scheme {
            "udp" => SipTransport::Udp,
            "tcp" => SipTransport::Tcp,
            "tls" | "ws" | "wss" => {
                return Err(format!("{scheme}:// is not available in this version; use udp:// or tcp://"));
            }
            other => return Err(format!("unknown transport \"{other}\"; use udp:// or tcp://")),
        };
        Ok(SipListen { transport, addr: addr? })
    }
}

impl fmt::Display for SipListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            SipTransport::Udp => "udp",
            SipTransport::Tcp => "tcp",
        };
        write!(f, "{scheme}://{}", self.addr)
    }
}

/// One address of the HTTP API: `http://0.0.0.0:8080`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpListen {
    /// Whether TLS is spoken here.
    pub tls: bool,
    /// The address and port to bind; the port is never 0.
    pub addr: SocketAddr,
}

text_value!(HttpListen);

impl FromStr for HttpListen {
    type Err = String;

    fn from_str(text: &str) -> Result<HttpListen, String> {
        let (scheme, addr) = listener(text, "http://0.0.0.0:8080")?;
        let tls = match scheme {
            "http" => false,
            "https" => true,
            other => return Err(format!("unknown scheme \"{other}\"; use http:// or https://")),
        };
        Ok(HttpListen { tls, addr: addr? })
    }
}

impl fmt::Display for HttpListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.addr)
    }
}

/// The scheme, and the address or what is wrong with it (the scheme is judged first).
fn listener<'a>(text: &'a str, example: &str) -> Result<(&'a str, Result<SocketAddr, String>), String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("\"{text}\" names no transport; write it like \"{example}\""));
    };
    let addr = match rest.trim_end_matches('/').parse::<SocketAddr>() {
        Ok(addr) if addr.port() == 0 => Err(format!("\"{text}\": port 0 is not a port")),
        Ok(addr) => Ok(addr),
        Err(_) => Err(format!("\"{text}\" has no IP address with a port; write it like \"{example}\"")),
    };
    Ok((scheme, addr))
}

/// A network: `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

text_value!(Subnet);

impl Subnet {
    /// An address in it, the one it was written with.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether the address lies in this network. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(one)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                net.to_bits() & mask == one.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(one)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                net.to_bits() & mask == one.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Subnet, String> {
        let wrong = || format!("\"{text}\" is not a network; write it like \"10.0.0.0/8\" or \"192.0.2.7\"");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) => digits.parse::<u8>().ok().filter(|bits| *bits <= widest).ok_or_else(wrong)?,
            None => widest,
        };
        Ok(Subnet { address, prefix })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The address told to peers outside the local networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ExternalAddress {
    /// The address of the route towards each peer.
    #[default]
    Auto,
    /// This one.
    Fixed(IpAddr),
}

text_value!(ExternalAddress);

impl FromStr for ExternalAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<ExternalAddress, String> {
        if text == "auto" {
            return Ok(ExternalAddress::Auto);
        }
        match text.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => Err(format!(
                "\"{text}\" cannot be reached by anyone; write \"auto\" or the address others see"
            )),
            Ok(address) => Ok(ExternalAddress::Fixed(address)),
            Err(_) => Err(format!("\"{text}\" is neither \"auto\" nor an IP address")),
        }
    }
}

impl fmt::Display for ExternalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternalAddress::Auto => f.write_str("auto"),
            ExternalAddress::Fixed(address) => write!(f, "{address}"),
        }
    }
}

/// A range of UDP ports, both ends included: `10000-20000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port, at least one above the first: RTP and RTCP take two.
    pub last: u16,
}

text_value!(PortRange);

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<PortRange, String> {
        let ports = text.split_once('-').and_then(|(first, last)| {
            Some((first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?))
        });
        match ports {
            Some((first, last)) if first > 0 && last > first => Ok(PortRange { first, last }),
            Some(_) => Err(format!("\"{text}\" holds no pair of ports; the first must be below the last")),
            None => Err(format!("\"{text}\" is not a range of ports; write it like \"10000-20000\"")),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// A SIP domain: a host name or an IP address, lower case, without a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

text_value!(Domain);

impl Domain {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Domain {
    fn default() -> Domain {
        Domain("crosspoint.local".to_owned())
    }
}

impl FromStr for Domain {
    type Err = String;

    fn from_str(text: &str) -> Result<Domain, String> {
        let label = |label: &str| {
            let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            edge(label.chars().next())
                && edge(label.chars().next_back())
                && label.len() <= 63
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if text.len() <= 253 && (bare.parse::<IpAddr>().is_ok() || text.split('.').all(label)) {
            return Ok(Domain(text.to_ascii_lowercase()));
        }
        Err(format!(
            "\"{text}\" is not a domain; write a host name like \"pbx.example\", without port or sip:"
        ))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the database is: empty for SQLite in the data directory, else `postgres://…`. `Debug` hides the password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseUrl(String);

text_value!(DatabaseUrl);

impl DatabaseUrl {
    /// The whole address with its password, or `None` for SQLite.
    #[must_use]
    pub fn postgres(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|url| !url.is_empty())
    }

    /// The address without its password.
    #[must_use]
    pub fn redacted(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else { return self.0.clone() };
        let split = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        let path = path.split_once('?').map_or_else(|| path.to_owned(), |(path, _)| format!("{path}?…"));
        match authority.rsplit_once('@') {
            Some((user, host)) => {
                let user = user.split(':').next().unwrap_or_default();
                format!("{scheme}://{user}:***@{host}{path}")
            }
            None => format!("{scheme}://{authority}{path}"),
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<DatabaseUrl, String> {
        if text.is_empty() || text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(DatabaseUrl(text.to_owned()));
        }
        // The text may carry a password: only its scheme is repeated.
        let scheme = text.split_once("://").map_or("an address without a scheme", |(scheme, _)| scheme);
        Err(format!(
            "{scheme} is not a database we know; leave it empty (SQLite) or write postgres://user@host/name"
        ))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.redacted())
    }
}

/// A digest algorithm, by its name in a challenge (RFC 8760 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DigestAlgorithm {
    /// `MD5`.
    Md5,
    /// `SHA-256`.
    Sha256,
    /// `SHA-512-256`.
    Sha512Of256,
}

text_value!(DigestAlgorithm);

impl FromStr for DigestAlgorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<DigestAlgorithm, String> {
        match text.to_ascii_uppercase().as_str() {
            "MD5" => Ok(DigestAlgorithm::Md5),
            "SHA-256" => Ok(DigestAlgorithm::Sha256),
            "SHA-512-256" => Ok(DigestAlgorithm::Sha512Of256),
            _ => Err(format!("\"{text}\" is not a digest algorithm; use MD5, SHA-256 or SHA-512-256")),
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DigestAlgorithm::Md5 => "MD5",
            DigestAlgorithm::Sha256 => "SHA-256",
            DigestAlgorithm::Sha512Of256 => "SHA-512-256",
        })
    }
}

/// A text that is never shown; empty when not set.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The secret itself, or `None` when it is not set.
    #[must_use]
    pub fn reveal(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret(unset)" } else { "Secret(***)" })
    }
}

/// What is logged: a level, or levels by module: `info,crosspoint_switch=debug`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogLevel(String);

text_value!(LogLevel);

impl LogLevel {
    /// The directives.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LogLevel {
    fn default() -> LogLevel {
        LogLevel("info".to_owned())
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<LogLevel, String> {
        let level = |level: &str| {
            ["off", "error", "warn", "info", "debug", "trace"]
                .iter()
                .any(|known| level.eq_ignore_ascii_case(known))
        };
        for part in text.split(',').map(str::trim) {
            let name = part.rsplit_once('=').map_or(part, |(_, name)| name);
            if !level(name) {
                return Err(format!(
                    "\"{name}\" is not a log level; use error, warn, info, debug, trace or off"
                ));
            }
        }
        Ok(LogLevel(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed<T: FromStr<Err = String> + fmt::Display>(text: &str) -> Result<String, String> {
        text.parse::<T>().map(|value| value.to_string())
    }

    #[test]
    fn values_are_read_and_written_alike() {
        assert_eq!(parsed::<SipListen>("udp://0.0.0.0:5060").as_deref(), Ok("udp://0.0.0.0:5060"));
        assert_eq!(parsed::<SipListen>("tcp://[::1]:5070/").as_deref(), Ok("tcp://[::1]:5070"));
        assert_eq!(parsed::<HttpListen>("https://127.0.0.1:8443").as_deref(), Ok("https://127.0.0.1:8443"));
        assert_eq!(parsed::<Subnet>("10.0.0.0/8").as_deref(), Ok("10.0.0.0/8"));
        assert_eq!(parsed::<Subnet>("192.0.2.7").as_deref(), Ok("192.0.2.7/32"));
        assert_eq!(parsed::<ExternalAddress>("auto").as_deref(), Ok("auto"));
        assert_eq!(parsed::<ExternalAddress>("2001:db8::1").as_deref(), Ok("2001:db8::1"));
        assert_eq!(parsed::<PortRange>("4000-4001").as_deref(), Ok("4000-4001"));
        assert_eq!(parsed::<Domain>("PBX.Example").as_deref(), Ok("pbx.example"));
        assert_eq!(parsed::<Domain>("192.0.2.1").as_deref(), Ok("192.0.2.1"));
        assert_eq!(
            parsed::<LogLevel>("info,crosspoint_sip=DEBUG").as_deref(),
            Ok("info,crosspoint_sip=debug")
        );
        assert_eq!(parsed::<DatabaseUrl>("").as_deref(), Ok(""));
        for name in ["MD5", "SHA-256", "SHA-512-256"] {
            assert_eq!(parsed::<DigestAlgorithm>(&name.to_lowercase()).as_deref(), Ok(name));
        }
    }

    #[test]
    fn defaults_are_values_that_parse() {
        assert_eq!(Domain::default().as_str().parse(), Ok(Domain::default()));
        assert_eq!(LogLevel::default().as_str().parse(), Ok(LogLevel::default()));
    }

    #[test]
    fn wrong_values_say_what_is_right() {
        let table: &[(Result<String, String>, &str)] = &[
            (parsed::<SipListen>("tls://0.0.0.0:5061"), "not available in this version"),
            (parsed::<SipListen>("ws://0.0.0.0:8089"), "not available in this version"),
            (parsed::<SipListen>("wss://anything"), "not available in this version"),
            (parsed::<SipListen>("sctp://0.0.0.0:5060"), "use udp:// or tcp://"),
            (parsed::<SipListen>("0.0.0.0:5060"), "write it like \"udp://0.0.0.0:5060\""),
            (parsed::<SipListen>("udp://0.0.0.0"), "no IP address with a port"),
            (parsed::<SipListen>("udp://0.0.0.0:0"), "port 0"),
            (parsed::<HttpListen>("udp://0.0.0.0:8080"), "use http:// or https://"),
            (parsed::<Subnet>("10.0.0.0/33"), "not a network"),
            (parsed::<Subnet>("home"), "not a network"),
            (parsed::<ExternalAddress>("pbx.example"), "neither \"auto\" nor an IP address"),
            (parsed::<ExternalAddress>("0.0.0.0"), "cannot be reached"),
            (parsed::<PortRange>("20000-10000"), "first must be below"),
            (parsed::<PortRange>("10000"), "write it like"),
            (parsed::<Domain>("sip:pbx.example"), "without port or sip:"),
            (parsed::<Domain>(""), "not a domain"),
            (parsed::<LogLevel>("loud"), "not a log level"),
            (parsed::<DigestAlgorithm>("SHA-1"), "use MD5, SHA-256 or SHA-512-256"),
            (parsed::<DatabaseUrl>("mysql://u:secret@h/d"), "mysql is not a database we know"),
        ];
        for (outcome, expected) in table {
            let message = outcome.as_ref().expect_err(expected);
            assert!(message.contains(expected), "{message:?} does not say {expected:?}");
            assert!(!message.contains("secret@"), "{message}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("::/0", "2001:db8::1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
        ];
        for (net, address, expected) in table {
            let net: Subnet = net.parse().unwrap();
            assert_eq!(net.contains(address.parse().unwrap()), expected, "{net} {address}");
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let url: DatabaseUrl =
            "postgres://crosspoint:hunter2@db.example:5432/pbx?sslpassword=hunter3".parse().unwrap();
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgres://crosspoint:***@db.example:5432/pbx?…)");
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(***)");
        assert_eq!(url.postgres().map(str::len), Some(url.to_string().len()));
    }
}

//! One media description: an `m=` line and what follows it.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::line::{Line, fields, number};
use crate::{Codec, Direction, SdpError, limits};

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// T.38 fax.
    Image,
    /// Data channels, BFCP and so on.
    Application,
    /// Real-time text.
    Text,
    /// MSRP.
    Message,
    /// Anything else.
    Other,
}

/// The address of a `c=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// An IP address; a multicast TTL behind a `/` is ignored.
    Address(IpAddr),
    /// A host name, which this server does not resolve.
    Name(Bytes),
}

/// The value of an `a=rtcp` line (RFC 3605).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcpAddress {
    /// Where RTCP is expected.
    pub port: u16,
    /// At another address than the stream's.
    pub addr: Option<IpAddr>,
}

/// One media description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The `m=` line first.
    lines: Vec<Line>,
    kind_text: Bytes,
    port: u16,
    proto: Bytes,
    formats: Vec<Bytes>,
    /// Its own or the session's.
    connection: Option<Connection>,
    /// Its own or the session's.
    direction: Direction,
}

impl Media {
    /// What the stream carries.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        let kinds = [
            ("audio", MediaKind::Audio),
            ("video", MediaKind::Video),
            ("image", MediaKind::Image),
            ("application", MediaKind::Application),
            ("text", MediaKind::Text),
            ("message", MediaKind::Message),
        ];
        let known = kinds.into_iter().find(|(name, _)| self.kind_text.eq_ignore_ascii_case(name.as_bytes()));
        known.map_or(MediaKind::Other, |(_, kind)| kind)
    }

    /// The kind as written.
    #[must_use]
    pub fn kind_text(&self) -> &[u8] {
        &self.kind_text
    }

    /// The port; 0 refuses the stream (RFC 3264 §6).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The transport as written, `RTP/AVP`.
    #[must_use]
    pub fn proto(&self) -> &[u8] {
        &self.proto
    }

    /// Whether this is RTP without encryption.
    #[must_use]
    pub fn is_plain_rtp(&self) -> bool {
        self.proto.eq_ignore_ascii_case(b"RTP/AVP") || self.proto.eq_ignore_ascii_case(b"RTP/AVPF")
    }

    /// The formats as written: payload types for RTP.
    pub fn formats(&self) -> impl Iterator<Item = &[u8]> {
        self.formats.iter().map(AsRef::as_ref)
    }

    /// All lines in order, the `m=` line first.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether the stream is refused or ended.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.port == 0
    }

    /// Whether this is an open audio stream over plain RTP: what a relay takes.
    #[must_use]
    pub fn is_relayable(&self) -> bool {
        self.kind() == MediaKind::Audio && !self.is_refused() && self.is_plain_rtp()
    }

    /// The stream's address: its own `c=` line, else the session's (RFC 4566 §5.7).
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// The direction attribute as written: the stream's, else the session's, else both ways.
    #[must_use]
    pub fn written_direction(&self) -> Direction {
        self.direction
    }

    /// The direction with the old form of hold taken in: who gives the address `0.0.0.0` receives nothing
    /// (RFC 3264 §8.4).
    #[must_use]
    pub fn direction(&self) -> Direction {
        match self.connection {
            Some(Connection::Address(addr)) if addr.is_unspecified() => {
                Direction::of(self.direction.sends(), false)
            }
            _ => self.direction,
        }
    }

    /// The value of the first attribute with this name: `Some(None)` for one without a value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Option<&[u8]>> {
        self.attributes(name).next()
    }

    /// The values of all attributes with this name, in order.
    pub fn attributes<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a, 'n> {
        let named = self.lines.iter().filter_map(Line::attribute);
        named.filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The codecs in order of preference; dynamic payload types without an rtpmap are left out.
    #[must_use]
    pub fn codecs(&self) -> Vec<Codec> {
        let payloads = self.formats.iter().filter_map(|format| number::<u8>(format)).filter(|pt| *pt < 128);
        payloads.filter_map(|payload| self.codec(payload)).collect()
    }

    /// The codec behind a payload type.
    #[must_use]
    pub fn codec(&self, payload: u8) -> Option<Codec> {
        let mapped = self.attributes("rtpmap").flatten().filter_map(Codec::from_rtpmap);
        let codec = mapped.into_iter().find(|codec| codec.payload == payload);
        let codec = codec.or_else(|| Codec::of_static(payload))?;
        Some(Codec { fmtp: self.fmtp(payload), ..codec })
    }

    /// The parameters of a payload type, if they are text.
    fn fmtp(&self, payload: u8) -> Option<String> {
        self.attributes("fmtp").flatten().find_map(|value| {
            let space = value.iter().position(|byte| *byte == b' ')?;
            let (format, parameters) = value.split_at(space);
            (number::<u8>(format)? == payload).then_some(parameters)?;
            std::str::from_utf8(parameters).ok().map(|text| text.trim().to_owned())
        })
    }

    /// Milliseconds of sound per packet that the writer wants to receive.
    #[must_use]
    pub fn ptime_ms(&self) -> Option<u16> {
        let value = self.attribute("ptime")??;
        let whole = value.split(|byte| *byte == b'.').next()?;
        number::<u16>(whole.trim_ascii()).filter(|ptime| (1..=1_000).contains(ptime))
    }

    /// Where RTCP is expected, if not one port above RTP.
    #[must_use]
    pub fn rtcp(&self) -> Option<RtcpAddress> {
        let mut parts = fields(self.attribute("rtcp")??);
        let port = number::<u16>(parts.next()?).filter(|port| *port != 0)?;
        let addr = parts.nth(2).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        Some(RtcpAddress { port, addr })
    }

    /// Whether the writer wants RTCP on the RTP port (RFC 5761).
    #[must_use]
    pub fn rtcp_mux(&self) -> bool {
        self.attribute("rtcp-mux").is_some()
    }

    /// Where RTP goes: none without an address to send to (`0.0.0.0`, a host name, port 0).
    #[must_use]
    pub fn rtp_address(&self) -> Option<SocketAddr> {
        match self.connection {
            Some(Connection::Address(addr)) if !addr.is_unspecified() && self.port != 0 => {
                Some(SocketAddr::new(addr, self.port))
            }
            _ => None,
        }
    }

    /// Where RTCP goes: the `a=rtcp` address, else one port above RTP (RFC 3550 §11).
    #[must_use]
    pub fn rtcp_address(&self) -> Option<SocketAddr> {
        let rtp = self.rtp_address()?;
        match self.rtcp() {
            Some(RtcpAddress { addr: Some(addr), .. }) if addr.is_unspecified() => None,
            Some(RtcpAddress { port, addr }) => Some(SocketAddr::new(addr.unwrap_or(rtp.ip()), port)),
            None => Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)),
        }
    }

    /// Begins with an `m=` line.
    pub(crate) fn begin(at: usize, line: Line) -> Result<Media, SdpError> {
        let malformed = |what| SdpError::Malformed { line: at, what };
        let mut parts = fields(line.value());
        let kind_text = line.shared(parts.next().ok_or(malformed("a media kind"))?);
        // `49170/2` counts ports of layered streams; only the first matters here.
        let port = parts.next().and_then(|text| text.split(|byte| *byte == b'/').next());
        let port = port.and_then(number::<u16>).ok_or(malformed("a port below 65536"))?;
        let proto = line.shared(parts.next().ok_or(malformed("a transport"))?);
        let formats: Vec<Bytes> = parts.map(|part| line.shared(part)).collect();
        if formats.is_empty() {
            return Err(malformed("a format"));
        }
        if formats.len() > limits::MAX_FORMATS {
            return Err(SdpError::TooLarge { what: "formats" });
        }
        let direction = Direction::SendRecv;
        Ok(Media { lines: vec![line], kind_text, port, proto, formats, connection: None, direction })
    }

    /// Takes a line that follows.
    pub(crate) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Fills in what the session says where the stream is silent.
    pub(crate) fn finish(&mut self, connection: Option<&Connection>, direction: Option<Direction>) {
        self.connection = connection_of(&self.lines).or_else(|| connection.cloned());
        self.direction = direction_of(&self.lines).or(direction).unwrap_or_default();
        self.lines.shrink_to_fit();
    }
}

/// The first `c=` line's address. One that cannot be read counts as a name: nothing is sent there.
pub(crate) fn connection_of(lines: &[Line]) -> Option<Connection> {
    let line = lines.iter().find(|line| line.letter() == 'c')?;
    let host = fields(line.value()).nth(2)?;
    let bare = host.split(|byte| *byte == b'/').next().unwrap_or(host);
    let parsed = std::str::from_utf8(bare).ok().and_then(|text| text.parse().ok());
    Some(parsed.map_or_else(|| Connection::Name(line.shared(host)), Connection::Address))
}

/// The direction attribute among these lines; the last one counts.
pub(crate) fn direction_of(lines: &[Line]) -> Option<Direction> {
    let flags = lines.iter().filter_map(Line::attribute).filter(|(_, value)| value.is_none());
    flags.filter_map(|(name, _)| Direction::from_name(name)).last()
}

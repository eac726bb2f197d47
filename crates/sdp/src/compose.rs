//! Writing what we send.

use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Direction, Line, Origin, SdpError, Session};

/// Our end of a leg: the address that the peer shall send to. RTCP goes to the port above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Local {
    /// Our address as the peer sees it.
    pub addr: IpAddr,
    /// Our RTP port; RTCP is one above.
    pub rtp_port: u16,
}

/// An address as in `c=` and `o=` lines: `IN IP4 192.0.2.1`.
pub(crate) fn address(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(addr) => format!("IN IP4 {addr}"),
        IpAddr::V6(addr) => format!("IN IP6 {addr}"),
    }
}

/// A description under construction, without its first two lines.
pub(crate) struct Composer {
    rest: Vec<u8>,
    local: Local,
}

impl Composer {
    /// Begins with the session's lines; `passed` are attributes that go through from the other side.
    pub(crate) fn new<'a>(local: Local, passed: impl Iterator<Item = &'a Line>) -> Composer {
        let mut composer = Composer { rest: Vec::with_capacity(512), local };
        composer.line("s=-");
        composer.line(&format!("c={}", address(local.addr)));
        composer.line("t=0 0");
        passed.for_each(|line| line.write(&mut composer.rest));
        composer
    }

    /// Appends a line of our own.
    pub(crate) fn line(&mut self, text: &str) {
        self.rest.extend_from_slice(text.as_bytes());
        self.rest.extend_from_slice(b"\r\n");
    }

    /// Appends a line of the other side, byte-exact.
    pub(crate) fn pass(&mut self, line: &Line) {
        line.write(&mut self.rest);
    }

    /// Appends an `m=` line.
    pub(crate) fn media<'a>(
        &mut self,
        kind: &[u8],
        port: u16,
        proto: &[u8],
        formats: impl Iterator<Item = &'a [u8]>,
    ) {
        self.rest.extend_from_slice(b"m=");
        self.rest.extend_from_slice(kind);
        self.rest.extend_from_slice(format!(" {port} ").as_bytes());
        self.rest.extend_from_slice(proto);
        for format in formats {
            self.rest.push(b' ');
            self.rest.extend_from_slice(format);
        }
        self.rest.extend_from_slice(b"\r\n");
    }

    /// Appends what ends our audio description: where RTCP goes (RFC 3605) and the direction.
    pub(crate) fn audio_end(&mut self, direction: Direction) {
        self.line(&format!("a=rtcp:{}", self.local.rtp_port.saturating_add(1)));
        self.line(&format!("a={}", direction.as_str()));
    }

    /// Puts version and origin in front.
    pub(crate) fn finish(self, origin: &mut Origin) -> Result<Session, SdpError> {
        let value = origin.value_for(&self.rest, self.local.addr);
        let mut text = Vec::with_capacity(self.rest.len() + value.len() + 9);
        text.extend_from_slice(b"v=0\r\no=");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&self.rest);
        Session::from_bytes(Bytes::from(text))
    }
}

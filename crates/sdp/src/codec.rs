//! Codecs by payload type.

use serde::{Deserialize, Serialize};

use crate::line::{fields, number};

/// One format of an audio stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Codec {
    /// RTP payload type, 0..=127.
    pub payload: u8,
    /// Encoding name as written, `PCMU`.
    pub name: String,
    /// RTP clock in Hz; 8000 for G.722 (RFC 3551 §4.5.2).
    pub clock_rate: u32,
    /// Audio channels, 1 unless said otherwise.
    pub channels: u8,
    /// The format's parameters, byte for byte, if they are text.
    pub fmtp: Option<String>,
}

/// RFC 3551 §6, table 4: payload types that need no rtpmap.
const STATIC: &[(u8, &str, u32, u8)] = &[
    (0, "PCMU", 8_000, 1),
    (3, "GSM", 8_000, 1),
    (4, "G723", 8_000, 1),
    (5, "DVI4", 8_000, 1),
    (6, "DVI4", 16_000, 1),
    (7, "LPC", 8_000, 1),
    (8, "PCMA", 8_000, 1),
    (9, "G722", 8_000, 1),
    (10, "L16", 44_100, 2),
    (11, "L16", 44_100, 1),
    (12, "QCELP", 8_000, 1),
    (13, "CN", 8_000, 1),
    (14, "MPA", 90_000, 1),
    (15, "G728", 8_000, 1),
    (16, "DVI4", 11_025, 1),
    (17, "DVI4", 22_050, 1),
    (18, "G729", 8_000, 1),
];

impl Codec {
    /// A codec without parameters and with one channel.
    #[must_use]
    pub fn new(payload: u8, name: &str, clock_rate: u32) -> Codec {
        Codec { payload, name: name.to_owned(), clock_rate, channels: 1, fmtp: None }
    }

    /// RFC 4733 events at a clock rate, with the sixteen keys.
    #[must_use]
    pub fn telephone_event(payload: u8, clock_rate: u32) -> Codec {
        Codec { fmtp: Some("0-16".to_owned()), ..Codec::new(payload, "telephone-event", clock_rate) }
    }

    /// The codec of a static payload type (RFC 3551 §6).
    #[must_use]
    pub fn of_static(payload: u8) -> Option<Codec> {
        let (_, name, clock_rate, channels) = STATIC.iter().find(|entry| entry.0 == payload)?;
        Some(Codec { channels: *channels, ..Codec::new(payload, name, *clock_rate) })
    }

    /// From the value of an `a=rtpmap` line: `101 telephone-event/8000`.
    pub(crate) fn from_rtpmap(value: &[u8]) -> Option<Codec> {
        let mut parts = fields(value);
        let payload = number::<u8>(parts.next()?).filter(|payload| *payload < 128)?;
        let mut encoding = parts.next()?.split(|byte| *byte == b'/');
        let name = std::str::from_utf8(encoding.next()?).ok().filter(|name| !name.is_empty())?;
        let clock_rate = number::<u32>(encoding.next()?).filter(|rate| *rate > 0)?;
        let channels = encoding.next().and_then(number).unwrap_or(1);
        Some(Codec { channels, ..Codec::new(payload, name, clock_rate) })
    }

    /// Whether both name the same encoding, clock and channels, whatever their payload types.
    #[must_use]
    pub fn same_encoding(&self, other: &Codec) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
    }

    /// Whether these are RFC 4733 events and not audio.
    #[must_use]
    pub fn is_telephone_event(&self) -> bool {
        self.name.eq_ignore_ascii_case("telephone-event")
    }

    /// Whether this is comfort noise (RFC 3389).
    #[must_use]
    pub fn is_comfort_noise(&self) -> bool {
        self.name.eq_ignore_ascii_case("CN")
    }

    /// Whether a call can be held with it alone: neither events nor comfort noise.
    #[must_use]
    pub fn is_audio(&self) -> bool {
        !self.is_telephone_event() && !self.is_comfort_noise()
    }

    /// The value of the codec's `a=rtpmap` line.
    pub(crate) fn rtpmap(&self) -> String {
        let Codec { payload, name, clock_rate, channels, .. } = self;
        if *channels > 1 {
            format!("{payload} {name}/{clock_rate}/{channels}")
        } else {
            format!("{payload} {name}/{clock_rate}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtpmap_values() {
        let opus = Codec::from_rtpmap(b"107 opus/48000/2").unwrap();
        assert_eq!(
            (opus.payload, opus.name.as_str(), opus.clock_rate, opus.channels),
            (107, "opus", 48_000, 2)
        );
        assert_eq!(opus.rtpmap(), "107 opus/48000/2");
        let event = Codec::from_rtpmap(b"101  telephone-event/8000").unwrap();
        assert!(event.is_telephone_event() && !event.is_audio());
        for wrong in ["", "128 X/8000", "0", "0 PCMU", "0 /8000", "0 PCMU/", "-1 PCMU/8000", "0 PCMU/0"] {
            assert_eq!(Codec::from_rtpmap(wrong.as_bytes()), None, "{wrong}");
        }
    }
}

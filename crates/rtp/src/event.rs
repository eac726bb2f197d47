//! Telephone events.

/// The payload of a telephone-event packet (RFC 4733 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Event code: 0 to 9 the digits, 10 `*`, 11 `#`, 12 to 15 A to D, 16 hook flash.
    pub event: u8,
    /// The last packets of an event carry this.
    pub end: bool,
    /// Attenuation, 0..=63: dBm0 without its sign.
    pub volume: u8,
    /// Since the event began, in units of the clock.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads a payload; of several events packed together, the first.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<TelephoneEvent> {
        let ([event, flags, d0, d1], _) = payload.split_first_chunk::<4>()?;
        let duration = u16::from_be_bytes([*d0, *d1]);
        Some(TelephoneEvent { event: *event, end: flags & 0x80 != 0, volume: flags & 0x3f, duration })
    }

    /// The key as written on a phone.
    #[must_use]
    pub fn key(self) -> Option<char> {
        "0123456789*#ABCD".chars().nth(usize::from(self.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_key_that_ends() {
        let event = TelephoneEvent::parse(&[11, 0x8a, 0x03, 0x20]).unwrap();
        assert_eq!(event, TelephoneEvent { event: 11, end: true, volume: 10, duration: 800 });
        assert_eq!(event.key(), Some('#'));
        assert_eq!(TelephoneEvent::parse(&[16, 0, 0, 0]).unwrap().key(), None);
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    }
}

//! What a datagram on a media port is.

/// The protocols that share a media port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RTP version 2.
    Rtp,
    /// RTCP version 2.
    Rtcp,
    /// STUN.
    Stun,
    /// DTLS.
    Dtls,
    /// None of them.
    Junk,
}

/// Tells the protocols apart by their first bytes (RFC 7983 §7), RTP from RTCP by the second (RFC 5761 §4).
#[must_use]
pub fn classify(datagram: &[u8]) -> Kind {
    match datagram {
        [128..=191, ..] if is_rtcp(datagram) => Kind::Rtcp,
        [128..=191, ..] => Kind::Rtp,
        [0..=3, ..] => Kind::Stun,
        [20..=63, ..] => Kind::Dtls,
        _ => Kind::Junk,
    }
}

/// Whether a version 2 packet on a shared port is RTCP: packet types 192 to 223 (RFC 5761 §4).
#[must_use]
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, 192..=223, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_by_their_first_bytes() {
        for (bytes, kind) in [
            (&[0x80, 0][..], Kind::Rtp),
            (&[0x90, 0x80 | 101], Kind::Rtp),
            (&[0x80, 200], Kind::Rtcp),
            (&[0x81, 201], Kind::Rtcp),
            (&[0x80, 191], Kind::Rtp),
            (&[0x00, 0x01], Kind::Stun),
            (&[22, 254], Kind::Dtls),
            (&[0x40, 0], Kind::Junk),
            (&[0xc0, 0], Kind::Junk),
            (&[], Kind::Junk),
        ] {
            assert_eq!(classify(bytes), kind, "{bytes:?}");
        }
    }
}

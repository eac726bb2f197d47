//! One RTP packet, read in place.

/// Why a datagram is not RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// Shorter than its header, CSRC list, extension or padding say.
    #[error("shorter than its header says")]
    TooShort,
    /// Another version than 2.
    #[error("not RTP version 2")]
    Version,
}

const HEADER_BYTES: usize = 12;
const SSRC_AT: std::ops::Range<usize> = 8..12;

/// Profile and words of a header extension, if there is one.
type Extension<'a> = Option<(u16, &'a [u8])>;

/// A view of an RTP packet (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// The first packet of a talk spurt, for audio.
    pub marker: bool,
    /// Payload type, 0..=127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// In units of the codec's clock.
    pub timestamp: u32,
    /// Synchronization source.
    pub ssrc: u32,
    /// Header extension: profile and its words, if there is one.
    pub extension: Option<(u16, &'a [u8])>,
    /// The payload without padding.
    pub payload: &'a [u8],
}

impl<'a> RtpPacket<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`RtpError`] when it is not RTP version 2 or shorter than it says.
    pub fn parse(datagram: &'a [u8]) -> Result<RtpPacket<'a>, RtpError> {
        let (header, rest) = datagram.split_first_chunk::<HEADER_BYTES>().ok_or(RtpError::TooShort)?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *header;
        if flags >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let csrc_bytes = usize::from(flags & 0x0f) * 4;
        let rest = rest.get(csrc_bytes..).ok_or(RtpError::TooShort)?;
        let (extension, rest) = if flags & 0x10 == 0 { (None, rest) } else { split_extension(rest)? };
        let payload = if flags & 0x20 == 0 { rest } else { without_padding(rest)? };
        Ok(RtpPacket {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            extension,
            payload,
        })
    }
}

/// Puts another SSRC into an RTP packet; a datagram too short for one is left alone.
pub fn rewrite_ssrc(datagram: &mut [u8], ssrc: u32) {
    if let Some(field) = datagram.get_mut(SSRC_AT) {
        field.copy_from_slice(&ssrc.to_be_bytes());
    }
}

/// RFC 3550 §5.3.1: profile, length in words, words.
fn split_extension(rest: &[u8]) -> Result<(Extension<'_>, &[u8]), RtpError> {
    let ([p0, p1, l0, l1], rest) = rest.split_first_chunk::<4>().ok_or(RtpError::TooShort)?;
    let bytes = usize::from(u16::from_be_bytes([*l0, *l1])) * 4;
    let (words, rest) = rest.split_at_checked(bytes).ok_or(RtpError::TooShort)?;
    Ok((Some((u16::from_be_bytes([*p0, *p1]), words)), rest))
}

/// RFC 3550 §5.1: the last byte counts the padding, itself included.
fn without_padding(rest: &[u8]) -> Result<&[u8], RtpError> {
    let padding = usize::from(*rest.last().ok_or(RtpError::TooShort)?);
    let kept = rest.len().checked_sub(padding).filter(|_| padding > 0).ok_or(RtpError::TooShort)?;
    rest.get(..kept).ok_or(RtpError::TooShort)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_field_is_read() {
        let bytes = [
            0xb1,
            0x80 | 101,
            0x12,
            0x34,
            0,
            0,
            0,
            160,
            0xde,
            0xad,
            0xbe,
            0xef, // padding, extension, one CSRC
            0,
            0,
            0,
            9, // CSRC
            0xbe,
            0xde,
            0,
            1,
            1,
            2,
            3,
            4, // extension
            5,
            6,
            7,
            0,
            2, // payload and padding
        ];
        let packet = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(packet.payload_type, 101);
        assert!(packet.marker);
        assert_eq!((packet.sequence, packet.timestamp, packet.ssrc), (0x1234, 160, 0xdead_beef));
        assert_eq!(packet.extension, Some((0xbede, &[1, 2, 3, 4][..])));
        assert_eq!(packet.payload, [5, 6, 7]);
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let plain = [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(RtpPacket::parse(&plain).unwrap().payload, []);
        assert_eq!(RtpPacket::parse(&plain[..11]), Err(RtpError::TooShort));
        let with = |flags: u8, tail: &[u8]| [&[flags], &plain[1..], tail].concat();
        assert_eq!(RtpPacket::parse(&with(0x40, &[])), Err(RtpError::Version));
        assert_eq!(RtpPacket::parse(&with(0x81, &[0; 3])), Err(RtpError::TooShort));
        assert_eq!(RtpPacket::parse(&with(0x90, &[0, 0, 0, 1, 0])), Err(RtpError::TooShort));
        assert_eq!(RtpPacket::parse(&with(0xa0, &[])), Err(RtpError::TooShort));
        assert_eq!(RtpPacket::parse(&with(0xa0, &[1, 3])), Err(RtpError::TooShort));
        assert_eq!(RtpPacket::parse(&with(0xa0, &[1, 0])), Err(RtpError::TooShort));
        assert_eq!(RtpPacket::parse(&with(0xa0, &[7, 1])).unwrap().payload, [7]);
    }

    #[test]
    fn another_ssrc_changes_four_bytes_only() {
        let mut bytes = *b"\x80\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03xyz";
        rewrite_ssrc(&mut bytes, 0x0102_0304);
        assert_eq!(&bytes, b"\x80\x00\x00\x01\x00\x00\x00\x02\x01\x02\x03\x04xyz");
        rewrite_ssrc(&mut bytes[..9], 7);
        assert_eq!(bytes[8], 1);
    }

    proptest! {
        #[test]
        fn no_datagram_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(packet) = RtpPacket::parse(&bytes) {
                prop_assert!(packet.payload.len() + HEADER_BYTES <= bytes.len());
            }
        }
    }
}

//! RTCP packets, read in place.

/// Sender report.
pub const SENDER_REPORT: u8 = 200;
/// Receiver report.
pub const RECEIVER_REPORT: u8 = 201;
/// Source description.
pub const SOURCE_DESCRIPTION: u8 = 202;
/// Goodbye.
pub const BYE: u8 = 203;

const BLOCK_BYTES: usize = 24;

/// Why a datagram is not RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// Shorter than a packet says, or bytes left over.
    #[error("lengths do not add up")]
    Length,
    /// Another version than 2.
    #[error("not RTCP version 2")]
    Version,
    /// A packet type outside 192 to 223 (RFC 5761 §4).
    #[error("not an RTCP packet type")]
    Type,
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// RFC 3550 §6.4.1.
    SenderReport(SenderReport<'a>),
    /// RFC 3550 §6.4.2.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// What it received.
        reports: Reports<'a>,
    },
    /// RFC 3550 §6.6; its body: sources, then an optional reason.
    Bye(&'a [u8]),
    /// Another type with its body after the common header.
    Other {
        /// Packet type.
        packet_type: u8,
        /// Count or format field.
        count: u8,
        /// What follows the first four bytes.
        body: &'a [u8],
    },
}

/// A sender report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport<'a> {
    /// Who sends.
    pub ssrc: u32,
    /// The sender's wall clock as NTP time: seconds since 1900 and their fraction.
    pub ntp: u64,
    /// The same moment in the stream's clock.
    pub rtp_timestamp: u32,
    /// RTP packets sent.
    pub packets: u32,
    /// Payload bytes sent.
    pub octets: u32,
    /// What it received.
    pub reports: Reports<'a>,
}

impl SenderReport<'_> {
    /// The middle 32 bits of the NTP time: what a receiver gives back as LSR.
    #[must_use]
    pub const fn ntp_middle(&self) -> u32 {
        (self.ntp >> 16) as u32
    }
}

/// What a receiver says about one source (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The source it is about.
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; duplicates can make it negative.
    pub lost: i32,
    /// Extended highest sequence number.
    pub highest_sequence: u32,
    /// In units of the codec's clock.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0: none came.
    pub last_report: u32,
    /// Since that report came, in 1/65536 s.
    pub delay: u32,
}

/// The report blocks of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reports<'a>(&'a [u8]);

impl Iterator for Reports<'_> {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        let (block, rest) = self.0.split_first_chunk::<BLOCK_BYTES>()?;
        self.0 = rest;
        let fraction_and_lost = word(block, 1)?;
        Some(Report {
            ssrc: word(block, 0)?,
            fraction_lost: (fraction_and_lost >> 24) as u8,
            // 24 bits, signed: moved to the top and back to spread the sign.
            lost: (fraction_and_lost << 8).cast_signed() >> 8,
            highest_sequence: word(block, 2)?,
            jitter: word(block, 3)?,
            last_report: word(block, 4)?,
            delay: word(block, 5)?,
        })
    }
}

/// A compound whose lengths add up (RFC 3550 §6.1). Reduced-size RTCP (RFC 5506) is taken as well: the first packet
/// may be of any type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compound<'a>(&'a [u8]);

impl<'a> Compound<'a> {
    /// Checks a datagram to its end.
    ///
    /// # Errors
    /// [`RtcpError`] when it is not RTCP.
    pub fn parse(datagram: &'a [u8]) -> Result<Compound<'a>, RtcpError> {
        let mut rest = datagram;
        loop {
            let (head, after) = split_packet(rest)?;
            if !(192..=223).contains(&head.packet_type) {
                return Err(RtcpError::Type);
            }
            rest = after;
            if rest.is_empty() {
                return Ok(Compound(datagram));
            }
        }
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let (raw, rest) = split_packet(self.0).ok()?;
        self.0 = rest;
        Some(raw.read())
    }
}

/// A packet by its common header.
struct Raw<'a> {
    count: u8,
    packet_type: u8,
    body: &'a [u8],
}

impl<'a> Raw<'a> {
    /// Reads the types that matter; one that is too short for its type stays [`Packet::Other`].
    fn read(&self) -> Packet<'a> {
        let Raw { count, packet_type, body } = *self;
        let known = match packet_type {
            SENDER_REPORT => self.sender_report().map(Packet::SenderReport),
            RECEIVER_REPORT => {
                word(body, 0).map(|ssrc| Packet::ReceiverReport { ssrc, reports: self.reports(4) })
            }
            BYE => Some(Packet::Bye(body)),
            _ => None,
        };
        known.unwrap_or(Packet::Other { packet_type, count, body })
    }

    fn sender_report(&self) -> Option<SenderReport<'a>> {
        let body = self.body;
        Some(SenderReport {
            ssrc: word(body, 0)?,
            ntp: u64::from(word(body, 1)?) << 32 | u64::from(word(body, 2)?),
            rtp_timestamp: word(body, 3)?,
            packets: word(body, 4)?,
            octets: word(body, 5)?,
            reports: self.reports(24),
        })
    }

    /// As many blocks as the count says and the body holds.
    fn reports(&self, from: usize) -> Reports<'a> {
        let blocks = self.body.get(from..).unwrap_or_default();
        let end = blocks.len().min(usize::from(self.count) * BLOCK_BYTES);
        Reports(blocks.get(..end).unwrap_or_default())
    }
}

/// The first packet and what follows it.
fn split_packet(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), RtcpError> {
    let ([flags, packet_type, l0, l1], rest) = bytes.split_first_chunk::<4>().ok_or(RtcpError::Length)?;
    if flags >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let length = usize::from(u16::from_be_bytes([*l0, *l1])) * 4;
    let (body, rest) = rest.split_at_checked(length).ok_or(RtcpError::Length)?;
    Ok((Raw { count: flags & 0x1f, packet_type: *packet_type, body }, rest))
}

/// The n-th 32-bit word.
fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let chunk = bytes.get(index * 4..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A sender report with one block, a source description, a goodbye.
    fn compound() -> Vec<u8> {
        let mut bytes = vec![0x81, SENDER_REPORT, 0, 12];
        for word in [1_u32, 0x0102_0304, 0x0506_0708, 160, 50, 8_000] {
            bytes.extend(word.to_be_bytes());
        }
        for word in [2_u32, 0x40ff_fffe, 0x0001_0007, 12, 0x0304_0506, 65_536] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend([0x81, SOURCE_DESCRIPTION, 0, 2, 0, 0, 0, 1, 1, 1, b'x', 0]);
        bytes.extend([0x81, BYE, 0, 1, 0, 0, 0, 1]);
        bytes
    }

    #[test]
    fn a_compound_is_read_packet_by_packet() {
        let bytes = compound();
        let packets: Vec<_> = Compound::parse(&bytes).unwrap().collect();
        let Packet::SenderReport(report) = packets[0] else { panic!("{packets:?}") };
        assert_eq!((report.ssrc, report.rtp_timestamp, report.packets, report.octets), (1, 160, 50, 8_000));
        assert_eq!(report.ntp_middle(), 0x0304_0506);
        let blocks: Vec<_> = report.reports.collect();
        let expected = Report {
            ssrc: 2,
            fraction_lost: 64,
            lost: -2,
            highest_sequence: 0x0001_0007,
            jitter: 12,
            last_report: 0x0304_0506,
            delay: 65_536,
        };
        assert_eq!(blocks, [expected]);
        assert!(matches!(packets[1], Packet::Other { packet_type: SOURCE_DESCRIPTION, count: 1, .. }));
        assert_eq!(packets[2], Packet::Bye(&[0, 0, 0, 1]));
        assert_eq!(packets.len(), 3);
    }

    #[test]
    fn lengths_must_add_up() {
        let bytes = compound();
        assert_eq!(Compound::parse(&bytes[..bytes.len() - 1]), Err(RtcpError::Length));
        assert_eq!(Compound::parse(&[]), Err(RtcpError::Length));
        assert_eq!(Compound::parse(&[0x40, 200, 0, 0]), Err(RtcpError::Version));
        assert_eq!(Compound::parse(&[0x80, 0, 0, 0]), Err(RtcpError::Type));
        let short = [0x85, RECEIVER_REPORT, 0, 1, 0, 0, 0, 9];
        let Some(Packet::ReceiverReport { ssrc, reports }) = Compound::parse(&short).unwrap().next() else {
            panic!("not a receiver report")
        };
        assert_eq!((ssrc, reports.count()), (9, 0), "five blocks promised, none there");
    }

    proptest! {
        #[test]
        fn no_datagram_panics(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(compound) = Compound::parse(&bytes) {
                for packet in compound {
                    if let Packet::SenderReport(SenderReport { reports, .. })
                    | Packet::ReceiverReport { reports, .. } = packet
                    {
                        prop_assert!(reports.count() <= 31);
                    }
                }
            }
        }
    }
}

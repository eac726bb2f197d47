//! Statistics of a received stream.

use clock::Time;
use serde::{Deserialize, Serialize};

use crate::RtpPacket;

/// A larger step ahead is a new beginning, not loss (RFC 3550 §A.1).
const MAX_DROPOUT: u16 = 3_000;
/// A larger step back is a new beginning, not reordering (RFC 3550 §A.1).
const MAX_MISORDER: u16 = 100;
/// A larger difference of transit times is a clock that was set, not jitter.
const MAX_TRANSIT_STEP_NS: i64 = 5_000_000_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// How a packet fits into its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first of a stream: at the start, after another SSRC, after the sender began anew.
    First,
    /// After all that came before; packets may be missing in between.
    InOrder,
    /// Before one that came earlier.
    Late,
    /// Came already.
    Duplicate,
    /// A jump too large to be loss; the next one decides whether the sender began anew.
    Stray,
}

/// Loss, jitter, reordering and SSRC changes of one received stream (RFC 3550 §A.1, §A.3, §A.8).
///
/// Counts go on over SSRC changes and new beginnings of the sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    stream: Option<Stream>,
    packets: u64,
    lost_before: u64,
    out_of_order: u64,
    duplicates: u64,
    ssrc_changes: u64,
    /// Sixteen times the jitter, in ns: the filter of §A.8 without its rounding loss.
    jitter_16_ns: i64,
}

/// What a receiver has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reception {
    /// Packets that came, duplicates included.
    pub packets: u64,
    /// Packets that never came; a late one is not missing.
    pub lost: u64,
    /// Packets that came after a later one.
    pub out_of_order: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// How often the SSRC changed.
    pub ssrc_changes: u64,
    /// Interarrival jitter in µs.
    pub jitter_us: u64,
}

/// A run of sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stream {
    ssrc: u32,
    /// Extended: counts wrap-arounds above bit 16.
    first: u64,
    highest: u64,
    /// Packets that came, duplicates not counted.
    distinct: u64,
    /// Bit k: `highest - k` has come.
    window: u64,
    /// After a stray packet: the number that would confirm a new beginning.
    confirm: Option<u16>,
    /// Time and timestamp of the last packet that was measured.
    measured: Option<(Time, u32)>,
}

impl Receiver {
    /// Counts a packet. `clock_rate` is that of its payload type, in Hz; 0 leaves it out of the jitter (unknown, or a
    /// telephone-event, whose timestamp stands still).
    pub fn receive(&mut self, now: Time, packet: &RtpPacket<'_>, clock_rate: u32) -> Arrival {
        self.packets += 1;
        let arrival = self.place(packet);
        match arrival {
            Arrival::Late => self.out_of_order += 1,
            Arrival::Duplicate => self.duplicates += 1,
            Arrival::First | Arrival::InOrder | Arrival::Stray => {}
        }
        if clock_rate > 0 && !matches!(arrival, Arrival::Duplicate | Arrival::Stray) {
            self.measure(now, packet.timestamp, clock_rate);
        }
        arrival
    }

    /// What has been found so far.
    #[must_use]
    pub fn reception(&self) -> Reception {
        Reception {
            packets: self.packets,
            lost: self.lost_before + self.stream.map_or(0, |stream| stream.lost()),
            out_of_order: self.out_of_order,
            duplicates: self.duplicates,
            ssrc_changes: self.ssrc_changes,
            jitter_us: (self.jitter_16_ns / 16 / 1_000).unsigned_abs(),
        }
    }

    /// The SSRC of the present stream.
    #[must_use]
    pub fn ssrc(&self) -> Option<u32> {
        self.stream.map(|stream| stream.ssrc)
    }

    /// Puts the packet into its stream, or begins one.
    fn place(&mut self, packet: &RtpPacket<'_>) -> Arrival {
        let sequence = packet.sequence;
        match &mut self.stream {
            Some(stream) if stream.ssrc == packet.ssrc => match stream.place(sequence) {
                Some(arrival) => arrival,
                None => self.begin(packet),
            },
            Some(_) => {
                self.ssrc_changes += 1;
                self.begin(packet)
            }
            None => self.begin(packet),
        }
    }

    /// Closes the account of the stream so far and begins one with this packet.
    fn begin(&mut self, packet: &RtpPacket<'_>) -> Arrival {
        self.lost_before += self.stream.map_or(0, |stream| stream.lost());
        self.stream = Some(Stream::begin(packet));
        Arrival::First
    }

    /// RFC 3550 §A.8, in ns, so that a change of the clock rate does not matter.
    fn measure(&mut self, now: Time, timestamp: u32, clock_rate: u32) {
        let Some(stream) = &mut self.stream else { return };
        if let Some((then, before)) = stream.measured.replace((now, timestamp)) {
            let passed = i64::try_from(now.since(then).as_nanos()).unwrap_or(i64::MAX);
            let played = i64::from(timestamp.wrapping_sub(before).cast_signed()) * NANOS_PER_SECOND
                / i64::from(clock_rate);
            let difference = passed.saturating_sub(played).saturating_abs();
            if difference <= MAX_TRANSIT_STEP_NS {
                self.jitter_16_ns += difference - (self.jitter_16_ns + 8) / 16;
            }
        }
    }
}

impl Stream {
    fn begin(packet: &RtpPacket<'_>) -> Stream {
        // One cycle up, so that packets just before the first have an extended number too.
        let first = u64::from(packet.sequence) + (1 << 16);
        let (ssrc, confirm, measured) = (packet.ssrc, None, None);
        Stream { ssrc, first, highest: first, distinct: 1, window: 1, confirm, measured }
    }

    /// Where a number belongs; none when the sender began anew.
    fn place(&mut self, sequence: u16) -> Option<Arrival> {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        let behind = (self.highest as u16).wrapping_sub(sequence);
        if ahead > 0 && ahead < MAX_DROPOUT {
            self.highest += u64::from(ahead);
            self.window = self.window.checked_shl(ahead.into()).unwrap_or(0) | 1;
            self.distinct += 1;
            self.confirm = None;
            return Some(Arrival::InOrder);
        }
        if behind <= MAX_MISORDER {
            return Some(self.place_late(behind));
        }
        if self.confirm == Some(sequence) {
            return None;
        }
        self.confirm = Some(sequence.wrapping_add(1));
        Some(Arrival::Stray)
    }

    /// A number that is not above the highest.
    fn place_late(&mut self, behind: u16) -> Arrival {
        let bit = 1_u64.checked_shl(behind.into()).unwrap_or(0);
        if self.window & bit != 0 {
            return Arrival::Duplicate;
        }
        self.window |= bit;
        self.distinct += 1;
        // Sent before the first that came: the stream is longer than thought, or it would count as found loss.
        self.first = self.first.min(self.highest - u64::from(behind));
        Arrival::Late
    }

    /// RFC 3550 §A.3: expected less received.
    fn lost(&self) -> u64 {
        (self.highest - self.first + 1).saturating_sub(self.distinct)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn packet(ssrc: u32, sequence: u16, timestamp: u32) -> RtpPacket<'static> {
        RtpPacket {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc,
            extension: None,
            payload: &[0; 160],
        }
    }

    fn feed(receiver: &mut Receiver, sequences: &[u16]) -> Vec<Arrival> {
        let each = sequences.iter().map(|sequence| receiver.receive(Time::ZERO, &packet(1, *sequence, 0), 0));
        each.collect()
    }

    #[test]
    fn gaps_are_lost_until_filled() {
        let mut receiver = Receiver::default();
        use Arrival::{Duplicate, First, InOrder, Late};
        let found = feed(&mut receiver, &[65_534, 65_535, 2, 1, 1, 2, 3]);
        assert_eq!(found, [First, InOrder, InOrder, Late, Duplicate, Duplicate, InOrder]);
        let reception = receiver.reception();
        assert_eq!(reception.lost, 1, "65534 65535 [0] 1 2 3");
        assert_eq!((reception.packets, reception.out_of_order, reception.duplicates), (7, 1, 2));
        feed(&mut receiver, &[0]);
        assert_eq!(receiver.reception().lost, 0);
    }

    #[test]
    fn a_packet_sent_before_the_first_is_late_not_negative_loss() {
        let mut receiver = Receiver::default();
        assert_eq!(feed(&mut receiver, &[0, 65_535, 1]), [Arrival::First, Arrival::Late, Arrival::InOrder]);
        assert_eq!(receiver.reception().lost, 0);
    }

    #[test]
    fn a_new_beginning_needs_two_packets_and_is_not_loss() {
        let mut receiver = Receiver::default();
        let found = feed(&mut receiver, &[10, 12, 30_000, 13, 40_000, 40_001, 40_002]);
        use Arrival::{First, InOrder, Stray};
        assert_eq!(found, [First, InOrder, Stray, InOrder, Stray, First, InOrder]);
        assert_eq!(receiver.reception().lost, 1, "11 only");
        assert_eq!(receiver.reception().ssrc_changes, 0);
    }

    #[test]
    fn another_ssrc_keeps_the_account() {
        let mut receiver = Receiver::default();
        feed(&mut receiver, &[1, 3]);
        receiver.receive(Time::ZERO, &packet(2, 50_000, 0), 8_000);
        receiver.receive(Time::ZERO, &packet(2, 50_003, 0), 8_000);
        assert_eq!(receiver.reception().lost, 3);
        assert_eq!((receiver.reception().ssrc_changes, receiver.ssrc()), (1, Some(2)));
    }

    #[test]
    fn jitter_follows_the_formula() {
        let mut receiver = Receiver::default();
        let mut now = Time::from_secs(1);
        let mut expected = 0.0_f64;
        for index in 0..200_u32 {
            // 20 ms frames that come 18 and 22 ms apart: |D| is 2 ms each time.
            if index > 0 {
                now += Duration::from_millis(if index % 2 == 0 { 18 } else { 22 });
                expected += (2_000.0 - expected) / 16.0;
            }
            receiver.receive(now, &packet(1, index as u16, index * 160), 8_000);
        }
        let jitter = receiver.reception().jitter_us;
        assert!((jitter as f64 - expected).abs() < 2.0, "{jitter} against {expected}");
    }

    #[test]
    fn silence_suppression_and_events_are_no_jitter() {
        let mut receiver = Receiver::default();
        let at = |ms: u64| Time::from_secs(1) + Duration::from_millis(ms);
        receiver.receive(at(0), &packet(1, 1, 0), 8_000);
        receiver.receive(at(20), &packet(1, 2, 160), 8_000);
        for index in 0..5 {
            receiver.receive(at(40 + index * 20), &packet(1, 3 + index as u16, 320), 0);
        }
        receiver.receive(at(2_020), &packet(1, 8, 16_160), 8_000);
        assert_eq!(receiver.reception().jitter_us, 0);
        assert_eq!(receiver.reception().lost, 0);
    }

    #[test]
    fn any_order_of_numbers_is_counted_without_overflow() {
        let mut receiver = Receiver::default();
        let mut state = 1_u32;
        for _ in 0..100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            receiver.receive(Time::ZERO, &packet(state >> 31, (state >> 8) as u16, state), 8_000);
        }
        assert_eq!(receiver.reception().packets, 100_000);
    }
}

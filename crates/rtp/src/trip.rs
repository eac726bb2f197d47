//! Round trips measured by a relay.

use std::time::Duration;

use clock::Time;
use serde::{Deserialize, Serialize};

/// Sender reports remembered: one is sent each 5 s (RFC 3550 §6.2), and a report refers to one of the latest.
const KEPT: usize = 4;
/// Longer answers are clocks gone wrong.
const LONGEST: Duration = Duration::from_secs(10);

/// Measures the round trip to a peer from the receiver reports it sends about sender reports that passed us on the way
/// to it (RFC 3550 §6.4.1: LSR and DLSR). The sender's clock does not matter: only when we sent each report on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTrip {
    sent: [(u32, Time); KEPT],
    next: usize,
    latest: Option<Duration>,
}

impl RoundTrip {
    /// A sender report with these middle 32 bits of its NTP time was sent to the peer.
    pub fn sent(&mut self, now: Time, ntp_middle: u32) {
        if let Some(slot) = self.sent.get_mut(self.next % KEPT) {
            *slot = (ntp_middle, now);
        }
        self.next = self.next.wrapping_add(1);
    }

    /// The peer sent a report block with these values; `delay` in 1/65536 s.
    pub fn reported(&mut self, now: Time, last_report: u32, delay: u32) {
        // RFC 3550 §6.4.1: zero means that no sender report has come yet.
        if last_report == 0 {
            return;
        }
        let Some((_, at)) = self.sent.iter().find(|(ntp, _)| *ntp == last_report) else { return };
        let held = Duration::from_nanos(u64::from(delay) * 1_000_000_000 / 65_536);
        let trip = now.since(*at).checked_sub(held);
        self.latest = trip.filter(|trip| *trip <= LONGEST).or(self.latest);
    }

    /// The latest round trip.
    #[must_use]
    pub fn latest(&self) -> Option<Duration> {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_peer_held_is_taken_off() {
        let mut trip = RoundTrip::default();
        let start = Time::from_secs(100);
        trip.sent(start, 0xabcd_0001);
        trip.reported(start + Duration::from_millis(540), 0xabcd_0001, 32_768);
        assert_eq!(trip.latest(), Some(Duration::from_millis(40)));
        trip.reported(start + Duration::from_millis(400), 0xabcd_0001, 32_768);
        assert_eq!(
            trip.latest(),
            Some(Duration::from_millis(40)),
            "held longer than it was away: not believed"
        );
        trip.reported(start + Duration::from_secs(1), 7, 0);
        trip.reported(start + Duration::from_secs(1), 0, 0);
        assert_eq!(trip.latest(), Some(Duration::from_millis(40)), "unknown reports change nothing");
    }

    #[test]
    fn only_the_latest_reports_are_kept() {
        let mut trip = RoundTrip::default();
        (1..=5).for_each(|second| trip.sent(Time::from_secs(second.into()), second));
        trip.reported(Time::from_secs(6), 1, 0);
        assert_eq!(trip.latest(), None);
        trip.reported(Time::from_secs(6), 2, 0);
        assert_eq!(trip.latest(), Some(Duration::from_secs(4)));
    }
}

//! Learning where a stream comes from.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clock::Time;

/// The times that rule learning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Learning {
    /// For this time after the first packet a better match takes over.
    pub(crate) window: Duration,
    /// The source must have been silent for this time before another is believed.
    pub(crate) takeover: Duration,
}

/// How well a source fits what was signalled. The first that comes keeps its place against others that fit no better,
/// so a stranger who sends along cannot take a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The source of before the signalled address changed: late packets.
    Former,
    /// Any other.
    Stranger,
    /// Where the peer's signalling comes from: the outside of its NAT.
    Signalling,
    /// The signalled address with another port.
    Host,
    /// Address and port as signalled.
    Exact,
}

/// The source a stream is bound to.
#[derive(Clone, Copy, Debug)]
struct Source {
    addr: SocketAddr,
    fit: Fit,
    first: Time,
    last: Time,
}

/// The source of one stream (RTP or RTCP of a leg), learned from its packets.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Latch {
    /// First, because it is all that a packet needs when its stream has been learned.
    source: Option<Source>,
    signalled: Option<SocketAddr>,
    /// Where the peer's signalling comes from, or its other stream.
    nearby: Option<IpAddr>,
    former: Option<SocketAddr>,
}

impl Latch {
    /// A new description came. Another address begins the learning anew; none (hold) keeps what was learned.
    pub(crate) fn signal(&mut self, addr: Option<SocketAddr>, nearby: Option<IpAddr>) {
        self.nearby = nearby.or(self.nearby);
        if addr.is_none() || addr == self.signalled {
            return;
        }
        if self.signalled.is_some() {
            self.former = self.source.take().map(|source| source.addr);
        }
        self.signalled = addr;
    }

    /// Where the other stream of the leg comes from, which counts like the source of the signalling.
    pub(crate) fn hint(&mut self, nearby: IpAddr) {
        self.nearby = Some(nearby);
    }

    /// Whether a valid packet from there belongs to the stream. `open`: another source may follow one that fell
    /// silent; not while the stream is held, when silence says nothing.
    pub(crate) fn accept(&mut self, now: Time, from: SocketAddr, open: bool, times: Learning) -> bool {
        if let Some(source) = &mut self.source
            && source.addr == from
        {
            source.last = now;
            return true;
        }
        let fit = self.fit(from);
        let taken = match self.source {
            None => true,
            Some(source) => {
                let learning = now.since(source.first) < times.window;
                learning && fit > source.fit || open && now.since(source.last) >= times.takeover
            }
        };
        if taken {
            self.source = Some(Source { addr: from, fit, first: now, last: now });
        }
        taken
    }

    /// Where the stream comes from.
    pub(crate) fn source(&self) -> Option<SocketAddr> {
        self.source.map(|source| source.addr)
    }

    /// Where the other way goes.
    pub(crate) fn destination(&self, symmetric: bool) -> Option<SocketAddr> {
        if symmetric { self.source().or(self.signalled) } else { self.signalled }
    }

    fn fit(&self, from: SocketAddr) -> Fit {
        if self.signalled == Some(from) {
            Fit::Exact
        } else if self.former == Some(from) {
            Fit::Former
        } else if self.signalled.is_some_and(|addr| addr.ip() == from.ip()) {
            Fit::Host
        } else if self.nearby == Some(from.ip()) {
            Fit::Signalling
        } else {
            Fit::Stranger
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Learning = Learning { window: Duration::from_secs(2), takeover: Duration::from_secs(3) };

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn at(ms: u64) -> Time {
        Time::from_secs(1_000) + Duration::from_millis(ms)
    }

    fn latch(signalled: &str) -> Latch {
        let mut latch = Latch::default();
        latch.signal(Some(addr(signalled)), None);
        latch
    }

    #[test]
    fn before_anything_comes_it_goes_where_was_signalled() {
        let mut latch = latch("10.0.0.1:4000");
        assert_eq!(latch.destination(true), Some(addr("10.0.0.1:4000")));
        assert!(latch.accept(at(0), addr("198.51.100.1:61000"), true, TIMES));
        assert_eq!(latch.destination(true), Some(addr("198.51.100.1:61000")));
        assert_eq!(latch.destination(false), Some(addr("10.0.0.1:4000")));
    }

    #[test]
    fn within_the_window_a_better_fit_wins_and_a_worse_one_does_not() {
        let mut latch = latch("203.0.113.5:4000");
        latch.hint("198.51.100.1".parse().unwrap());
        let stranger = addr("192.0.2.66:1");
        assert!(latch.accept(at(0), stranger, true, TIMES));
        assert!(!latch.accept(at(1), addr("192.0.2.66:2"), true, TIMES), "no better");
        assert!(latch.accept(at(2), addr("198.51.100.1:9"), true, TIMES), "from where it signals");
        assert!(latch.accept(at(3), addr("203.0.113.5:9"), true, TIMES), "the host");
        assert!(latch.accept(at(4), addr("203.0.113.5:4000"), true, TIMES), "exactly");
        assert!(!latch.accept(at(5), stranger, true, TIMES));
        assert_eq!(latch.source(), Some(addr("203.0.113.5:4000")));
    }

    #[test]
    fn after_the_window_the_source_is_locked_until_it_falls_silent() {
        let mut latch = latch("203.0.113.5:4000");
        let (first, exact) = (addr("198.51.100.1:9"), addr("203.0.113.5:4000"));
        for ms in [0, 1_000, 2_500] {
            assert!(latch.accept(at(ms), first, true, TIMES));
        }
        assert!(!latch.accept(at(2_501), exact, true, TIMES));
        assert!(!latch.accept(at(5_499), exact, true, TIMES));
        assert!(!latch.accept(at(5_500), exact, false, TIMES), "held: silence says nothing");
        assert!(latch.accept(at(5_500), exact, true, TIMES));
        assert!(!latch.accept(at(5_501), first, true, TIMES));
    }

    #[test]
    fn another_signalled_address_begins_anew_and_late_packets_lose() {
        let mut latch = latch("10.0.0.1:4000");
        let (old, new) = (addr("198.51.100.1:61000"), addr("198.51.100.1:61002"));
        assert!(latch.accept(at(0), old, true, TIMES));
        latch.signal(Some(addr("10.0.0.1:4000")), None);
        assert_eq!(latch.source(), Some(old), "nothing new");
        latch.signal(None, None);
        assert_eq!(latch.source(), Some(old), "hold");
        latch.signal(Some(addr("10.0.0.1:4008")), None);
        assert_eq!(latch.destination(true), Some(addr("10.0.0.1:4008")));
        assert!(latch.accept(at(9_000), old, true, TIMES), "nobody else yet");
        assert!(latch.accept(at(9_001), new, true, TIMES));
        assert!(!latch.accept(at(9_002), old, true, TIMES));
    }
}

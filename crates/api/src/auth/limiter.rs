//! How often someone may try to log in.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use clock::Time;
use parking_lot::Mutex;

/// Sources and names remembered at a time: about 1 MiB; the least recently seen are forgotten first.
const MAX_REMEMBERED: usize = 10_000;
/// Forgotten together when the table is full, so that a flood does not search it each time.
const FORGOTTEN_AT_ONCE: usize = MAX_REMEMBERED / 8;

/// Tries that one source or one name has at once, and how soon one comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tries in a row.
    pub burst: u32,
    /// Time until one more is allowed.
    pub refill: Duration,
}

/// Token buckets in a table of bounded size.
pub(crate) struct Limiter<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// `used_until`: the time when every try taken so far has come back (the "theoretical arrival time" of GCRA).
struct Bucket {
    used_until: Time,
    seen: Time,
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    pub(crate) fn new(rate: Rate) -> Limiter<K> {
        Limiter { rate, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one try, or says how long to wait for the next.
    pub(crate) fn take(&self, key: &K, now: Time) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= MAX_REMEMBERED && !buckets.contains_key(key) {
            forget(&mut buckets, now);
        }
        let bucket = buckets.entry(key.clone()).or_insert(Bucket { used_until: now, seen: now });
        bucket.seen = now;
        let used_until = bucket.used_until.max(now) + self.rate.refill;
        let over = used_until.since(now + self.rate.refill * self.rate.burst);
        if over.is_zero() {
            bucket.used_until = used_until;
            Ok(())
        } else {
            Err(over)
        }
    }

    /// Gives a try back: it was a good one.
    pub(crate) fn give_back(&self, key: &K) {
        if let Some(bucket) = self.buckets.lock().get_mut(key) {
            bucket.used_until = bucket.used_until - self.rate.refill;
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.buckets.lock().len()
    }
}

/// Drops what has nothing left to remember, or else the least recently seen.
fn forget<K: Eq + Hash + Clone>(buckets: &mut HashMap<K, Bucket>, now: Time) {
    buckets.retain(|_, bucket| bucket.used_until > now);
    if buckets.len() < MAX_REMEMBERED {
        return;
    }
    let mut seen: Vec<Time> = buckets.values().map(|bucket| bucket.seen).collect();
    let (_, oldest_kept, _) = seen.select_nth_unstable(FORGOTTEN_AT_ONCE);
    let oldest_kept = *oldest_kept;
    buckets.retain(|_, bucket| bucket.seen > oldest_kept);
}

/// What counts as one source: an IPv4 address, or an IPv6 /64, which is what one customer is given.
pub(crate) fn source_of(addr: IpAddr) -> IpAddr {
    match addr.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, refill: Duration::from_secs(10) };

    fn at(secs: u64) -> Time {
        Time::from_secs(1_000 + secs)
    }

    #[test]
    fn a_burst_is_allowed_then_one_at_a_time() {
        let limiter = Limiter::new(RATE);
        for _ in 0..3 {
            assert_eq!(limiter.take(&"a", at(0)), Ok(()));
        }
        assert_eq!(limiter.take(&"a", at(0)), Err(Duration::from_secs(10)));
        assert_eq!(limiter.take(&"a", at(4)), Err(Duration::from_secs(6)));
        assert_eq!(limiter.take(&"b", at(4)), Ok(()), "others are not touched");
        assert_eq!(limiter.take(&"a", at(10)), Ok(()));
        assert_eq!(limiter.take(&"a", at(10)), Err(Duration::from_secs(10)));
    }

    #[test]
    fn good_tries_are_given_back() {
        let limiter = Limiter::new(RATE);
        for _ in 0..50 {
            assert_eq!(limiter.take(&"a", at(0)), Ok(()));
            limiter.give_back(&"a");
        }
    }

    #[test]
    fn the_table_is_bounded() {
        let limiter = Limiter::new(RATE);
        for n in 0..3 * MAX_REMEMBERED as u64 {
            assert_eq!(limiter.take(&n, Time::from_micros(n.cast_signed())), Ok(()));
            assert!(limiter.len() <= MAX_REMEMBERED);
        }
        // The most recent are still remembered.
        let last = 3 * MAX_REMEMBERED as u64 - 1;
        let now = Time::from_micros(last.cast_signed());
        assert_eq!((limiter.take(&last, now), limiter.take(&last, now)), (Ok(()), Ok(())));
        assert!(limiter.take(&last, now).is_err());
    }

    #[test]
    fn a_v6_customer_is_one_source() {
        let source = |text: &str| source_of(text.parse().unwrap());
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }
}

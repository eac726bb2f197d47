//! The ports of the range, in pairs.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{io, iter};

use clock::{Random, Time};

use crate::Error;
use crate::io::Socket;

/// A pair that another program holds is tried again after this time.
const HELD_ELSEWHERE: Duration = Duration::from_secs(10);
/// Pairs tried for one session: a range that others use up costs its callers time, not the machine.
const MOST_TRIES: usize = 64;

/// A bound pair of ports, taken from the pool.
pub(crate) struct Pair {
    /// Its place in the range.
    pub(crate) index: u16,
    /// Odd while the pair is in use; rises by one with each taking and each release.
    pub(crate) generation: u32,
    /// The even port.
    pub(crate) rtp_port: u16,
    pub(crate) rtp: Socket,
    pub(crate) rtcp: Socket,
}

/// All pairs of the range: free ones in a queue that was shuffled at the start, so that ports cannot be guessed from
/// one another and a released pair comes last.
pub(crate) struct PortPool {
    bind: IpAddr,
    ports: RangeInclusive<u16>,
    first: u16,
    generations: Box<[AtomicU32]>,
    free: Mutex<VecDeque<Free>>,
    in_use: AtomicUsize,
    quarantine: Duration,
}

/// A pair that is not in use.
#[derive(Clone, Copy, Debug)]
struct Free {
    index: u16,
    usable_at: Time,
}

impl PortPool {
    /// The pool of a range.
    pub(crate) fn new(
        bind: IpAddr,
        ports: RangeInclusive<u16>,
        quarantine: Duration,
        random: &mut Random,
    ) -> Result<PortPool, Error> {
        // RFC 3550 §11: RTP on an even port, RTCP on the odd one above. Port 0 is none.
        let first = ports.start().max(&2).checked_next_multiple_of(2).ok_or(Error::NoPorts(ports.clone()))?;
        let count = (u32::from(*ports.end()) + 1).saturating_sub(first.into()) / 2;
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        if count == 0 {
            return Err(Error::NoPorts(ports));
        }
        let mut free: Vec<Free> = (0..count).map(|index| Free { index, usable_at: Time::ZERO }).collect();
        for place in (1..free.len()).rev() {
            let other = random.below(place as u64 + 1);
            free.swap(place, usize::try_from(other).unwrap_or(place));
        }
        let generations = iter::repeat_with(AtomicU32::default).take(count.into()).collect();
        let (free, in_use) = (Mutex::new(VecDeque::from(free)), AtomicUsize::new(0));
        Ok(PortPool { bind, ports, first, generations, free, in_use, quarantine })
    }

    /// How many pairs there are.
    pub(crate) fn pairs(&self) -> usize {
        self.generations.len()
    }

    /// How many pairs hold a session.
    pub(crate) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Relaxed)
    }

    /// Takes a free pair and binds both ports: four system calls. A pair that another program holds is passed over.
    pub(crate) fn take(&self, now: Time) -> Result<Pair, Error> {
        for _ in 0..MOST_TRIES {
            let index = self.next(now).ok_or_else(|| self.exhausted())?;
            match self.bind(index) {
                Ok((rtp_port, rtp, rtcp)) => {
                    self.in_use.fetch_add(1, Ordering::Relaxed);
                    let generation = self.generation(index).fetch_add(1, Ordering::AcqRel).wrapping_add(1);
                    return Ok(Pair { index, generation, rtp_port, rtp, rtcp });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    self.put_back(Free { index, usable_at: now + HELD_ELSEWHERE });
                }
                Err(error) => {
                    self.put_back(Free { index, usable_at: now });
                    return Err(Error::Socket(error));
                }
            }
        }
        Err(self.exhausted())
    }

    /// Ends the use of a pair under this generation; false when that is over already. Its ports stay open until
    /// [`PortPool::give_back`].
    pub(crate) fn end(&self, index: u16, generation: u32) -> bool {
        let over = generation.wrapping_add(1);
        let counter = self.generations.get(usize::from(index));
        generation % 2 == 1
            && counter.is_some_and(|counter| {
                counter.compare_exchange(generation, over, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            })
    }

    /// Whether a pair is in use under this generation.
    pub(crate) fn is_current(&self, index: u16, generation: u32) -> bool {
        let counter = self.generations.get(usize::from(index));
        generation % 2 == 1 && counter.is_some_and(|counter| counter.load(Ordering::Acquire) == generation)
    }

    /// Takes a pair back whose ports are closed; it rests before it is used again.
    pub(crate) fn give_back(&self, now: Time, index: u16) {
        self.in_use.fetch_sub(1, Ordering::Relaxed);
        self.put_back(Free { index, usable_at: now + self.quarantine });
    }

    fn next(&self, now: Time) -> Option<u16> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that rest are not strictly in order of their time (a held port rests longer), so one turn of the queue
        // is looked through at most.
        for _ in 0..free.len() {
            let head = free.pop_front()?;
            if head.usable_at <= now {
                return Some(head.index);
            }
            free.push_back(head);
        }
        None
    }

    fn put_back(&self, pair: Free) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push_back(pair);
    }

    fn bind(&self, index: u16) -> io::Result<(u16, Socket, Socket)> {
        let rtp_port = self.first + index * 2;
        let rtp = Socket::bind(SocketAddr::new(self.bind, rtp_port))?;
        let rtcp = Socket::bind(SocketAddr::new(self.bind, rtp_port + 1))?;
        Ok((rtp_port, rtp, rtcp))
    }

    fn generation(&self, index: u16) -> &AtomicU32 {
        static NONE: AtomicU32 = AtomicU32::new(0);
        self.generations.get(usize::from(index)).unwrap_or(&NONE)
    }

    fn exhausted(&self) -> Error {
        Error::NoFreePort { ports: self.ports.clone(), pairs: self.pairs(), in_use: self.in_use() }
    }
}

//! RTP peers that send a known tone and count and keep what they hear.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use clock::SystemClock;

use crate::audio::{RATE, Sine, hear};
use crate::{Bound, Codec, Heard};

/// One packet.
const PTIME: Duration = Duration::from_millis(20);
const SAMPLES: u32 = RATE / 50;
const HEADER: usize = 12;
/// What a peer keeps of what it hears: the last two seconds.
const KEPT_SAMPLES: usize = 16_000;

/// Many peers, driven by one thread on a 20 ms clock.
#[derive(Debug)]
pub struct TonePeers {
    peers: Arc<Mutex<Vec<Peer>>>,
    /// Dropped to stop the thread.
    running: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One peer: an address that sends and hears RTP.
#[derive(Clone, Debug)]
pub struct TonePeer {
    index: usize,
    addr: SocketAddr,
    peers: Arc<Mutex<Vec<Peer>>>,
}

/// What a peer counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Packets sent.
    pub sent: u64,
    /// Packets received, each once.
    pub received: u64,
    /// Packets received again.
    pub duplicates: u64,
    /// Packets with another payload type or from another source than before.
    pub strange: u64,
}

#[derive(Debug)]
struct Peer {
    socket: UdpSocket,
    target: Option<SocketAddr>,
    codec: Codec,
    tone: Sine,
    sequence: u16,
    timestamp: u32,
    source: u32,
    counted: Counted,
    heard: Vec<i16>,
    seen: HashSet<u16>,
    from: Option<SocketAddr>,
}

impl TonePeers {
    /// Starts the thread, with no peers yet.
    #[must_use]
    pub fn start() -> TonePeers {
        let peers: Arc<Mutex<Vec<Peer>>> = Arc::default();
        let (running, stopped) = sync_channel::<()>(0);
        let driven = Arc::clone(&peers);
        let thread = std::thread::spawn(move || {
            let clock = SystemClock::new();
            let mut next = clock.now();
            loop {
                locked(&driven).iter_mut().for_each(Peer::tick);
                // Absolute times, so that the average rate is exact; after a stop of the machine no burst.
                next += PTIME;
                next = next.max(clock.now() - PTIME * 3);
                match stopped.recv_timeout(next.since(clock.now())) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => break,
                }
            }
        });
        TonePeers { peers, running: Some(running), thread: Some(thread) }
    }

    /// Adds a peer on a free port of `ip`; it hears at once and sends after [`TonePeer::send_to`].
    ///
    /// `level` is in dB relative to full scale.
    #[must_use]
    pub fn add(&self, ip: IpAddr, codec: Codec, hz: f64, level: f64) -> TonePeer {
        let socket = UdpSocket::bind((ip, 0)).expect("a socket for RTP");
        socket.set_nonblocking(true).expect("a socket that does not block");
        let addr = socket.local_addr().expect("a bound socket");
        let mut peers = locked(&self.peers);
        let index = peers.len();
        peers.push(Peer {
            socket,
            target: None,
            codec,
            tone: Sine::new(hz, level),
            sequence: 65_500,
            timestamp: 1_000_000,
            source: 0x7e57_0000 + u32::try_from(index).unwrap_or(0),
            counted: Counted::default(),
            heard: Vec::new(),
            seen: HashSet::new(),
            from: None,
        });
        TonePeer { index, addr, peers: Arc::clone(&self.peers) }
    }
}

impl Drop for TonePeers {
    fn drop(&mut self) {
        self.running.take();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl TonePeer {
    /// The address to put into SDP.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Begins to send, or goes on to another address.
    pub fn send_to(&self, target: SocketAddr) {
        self.with(|peer| peer.target = Some(target));
    }

    /// Stops sending; gives the number of packets sent in all.
    pub fn stop(&self) -> u64 {
        self.with(|peer| {
            peer.target = None;
            peer.counted.sent
        })
    }

    /// What was counted so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.with(|peer| peer.counted)
    }

    /// Where the last packet came from.
    #[must_use]
    pub fn heard_from(&self) -> Option<SocketAddr> {
        self.with(|peer| peer.from)
    }

    /// Waits until `received` packets have come in all; gives what was counted then, or when the time is up.
    #[must_use]
    pub fn wait_received(&self, received: u64, within: Duration) -> Counted {
        let bound = Bound::within(within);
        loop {
            let counted = self.counted();
            if counted.received >= received || bound.is_over() {
                return counted;
            }
            tick(PTIME);
        }
    }

    /// Waits for a second of new audio, then says what it sounds like; what was heard before does not count.
    ///
    /// # Panics
    /// When no audio comes within the time.
    #[must_use]
    pub fn listen(&self, within: Duration) -> Heard {
        self.with(|peer| peer.heard.clear());
        let bound = Bound::within(within);
        loop {
            let heard = self.with(|peer| peer.heard.clone());
            if heard.len() >= 8_000 {
                return hear(&heard[heard.len() - 8_000..], RATE);
            }
            assert!(!bound.is_over(), "only {} samples were heard in {within:?}", heard.len());
            tick(PTIME);
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Peer) -> T) -> T {
        act(&mut locked(&self.peers)[self.index])
    }
}

impl Peer {
    fn tick(&mut self) {
        self.receive();
        if let Some(target) = self.target {
            self.send(target);
        }
    }

    fn send(&mut self, target: SocketAddr) {
        let mut packet = Vec::with_capacity(HEADER + 160);
        let marker = if self.counted.sent == 0 { 0x80 } else { 0 };
        packet.extend([0x80, marker | self.codec.payload()]);
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(self.source.to_be_bytes());
        packet.extend((0..SAMPLES).map(|_| self.codec.encode(self.tone.next())));
        // A port that is not there any more (the call has ended) is reported by the kernel: no concern of the sender.
        if self.socket.send_to(&packet, target).is_ok() {
            self.counted.sent += 1;
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
    }

    fn receive(&mut self) {
        let mut buffer = [0; 2_048];
        while let Ok((size, from)) = self.socket.recv_from(&mut buffer) {
            let Some((header, payload)) = buffer[..size].split_at_checked(HEADER) else { continue };
            let sequence = u16::from_be_bytes([header[2], header[3]]);
            if !self.seen.insert(sequence) {
                self.counted.duplicates += 1;
                continue;
            }
            // Numbers come again after 65,536 packets: forget the far side of the circle.
            self.seen.remove(&sequence.wrapping_add(0x8000));
            self.counted.received += 1;
            let strange =
                header[1] & 0x7f != self.codec.payload() || self.from.is_some_and(|known| known != from);
            self.counted.strange += u64::from(strange);
            self.from = Some(from);
            self.heard.extend(payload.iter().map(|byte| self.codec.decode(*byte)));
            if self.heard.len() > 2 * KEPT_SAMPLES {
                self.heard.drain(..KEPT_SAMPLES);
            }
        }
    }
}

fn locked(peers: &Mutex<Vec<Peer>>) -> MutexGuard<'_, Vec<Peer>> {
    peers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the peers time to act; the caller looks again and has a bound.
fn tick(time: Duration) {
    std::thread::park_timeout(time);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PATIENCE;

    #[test]
    fn two_peers_hear_each_others_tones_and_lose_nothing() {
        let peers = TonePeers::start();
        let ip = "127.0.0.1".parse().unwrap();
        let (one, other) =
            (peers.add(ip, Codec::Pcmu, 440.0, -12.0), peers.add(ip, Codec::Pcmu, 1_000.0, -20.0));
        one.send_to(other.addr());
        other.send_to(one.addr());
        let (at_one, at_other) = (one.listen(PATIENCE), other.listen(PATIENCE));
        assert!(at_one.is_tone(1_000.0, -20.0) && at_other.is_tone(440.0, -12.0), "{at_one:?} {at_other:?}");
        let sent = one.stop();
        let counted = other.wait_received(sent, PATIENCE);
        assert_eq!((counted.received, counted.duplicates, counted.strange), (sent, 0, 0));
    }
}

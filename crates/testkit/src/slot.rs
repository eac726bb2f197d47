//! A place of its own for each test that runs at the same time.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::ops::Range;

/// Tests that may run at once.
const SLOTS: u16 = 100;
/// Ports of one slot for programs that bind every address.
const SHARED_PORTS: u16 = 96;
/// Below the range from which the kernel takes ephemeral ports.
const FIRST_SHARED_PORT: u16 = 22_000;

/// A network `127.x.y.0/24` and a range of ports that no other test uses while this value lives.
///
/// Held by a lock on a file, so it is free again when the test ends in any way.
#[derive(Debug)]
pub struct Slot {
    number: u16,
    _held: File,
}

impl Slot {
    /// Takes a free slot.
    ///
    /// # Panics
    /// When all are taken.
    #[must_use]
    pub fn take() -> Slot {
        let dir = std::env::temp_dir().join("crosspoint-slots");
        fs::create_dir_all(&dir).expect("the directory of the slots");
        // Begin somewhere else each time: what a test before left in the air does not come down here.
        let start = u16::try_from(std::process::id() % u32::from(SLOTS)).unwrap_or(0);
        for number in (0..SLOTS).map(|n| (n + start) % SLOTS) {
            let file = File::create(dir.join(number.to_string())).expect("the file of a slot");
            if file.try_lock().is_ok() {
                return Slot { number, _held: file };
            }
        }
        panic!("all {SLOTS} slots are taken: are that many tests running?");
    }

    /// An address of this slot.
    #[must_use]
    pub fn ip(&self, host: u8) -> IpAddr {
        let [high, low] = (self.number + 0x5000).to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(127, high, low, host))
    }

    /// Ports for programs that bind all addresses.
    #[must_use]
    pub fn shared_ports(&self) -> Range<u16> {
        let first = FIRST_SHARED_PORT + self.number * SHARED_PORTS;
        first..first + SHARED_PORTS
    }

    /// A port that is free on `ip` for UDP and TCP, from `first` on.
    #[must_use]
    pub fn free_port(&self, ip: IpAddr, first: u16) -> u16 {
        (first..u16::MAX)
            .find(|port| UdpSocket::bind((ip, *port)).is_ok() && TcpListener::bind((ip, *port)).is_ok())
            .expect("a free port")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_slots_differ_and_a_dropped_one_is_free_again() {
        let (one, other) = (Slot::take(), Slot::take());
        assert_ne!(one.ip(1), other.ip(1));
        assert!(one.shared_ports().all(|port| !other.shared_ports().contains(&port)));
        let number = one.number;
        drop(one);
        assert_eq!(Slot::take().number, number);
    }
}

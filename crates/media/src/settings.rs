//! What the operator decides.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Settings of the media plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The address that all ports are bound to.
    pub bind: IpAddr,
    /// The ports for RTP (even) and RTCP (the odd one above).
    pub ports: RangeInclusive<u16>,
    /// Worker threads; 0: one per core.
    pub workers: usize,
    /// [`crate::Event::Silent`] is sent after this time without RTP on a leg that should send.
    pub silence: Duration,
    /// For this time after a leg's first packet a source that fits the signalled address better takes over.
    pub learning: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            ports: 10_000..=20_000,
            workers: 0,
            silence: Duration::from_secs(30),
            learning: Duration::from_secs(2),
        }
    }
}

/// Times that hardly anybody needs to change; tests do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// A released port pair stays unused for this time, so that late packets of the old call do not reach a new one.
    pub quarantine: Duration,
    /// A learned source must have been silent for this time before another one is believed.
    pub takeover: Duration,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning { quarantine: Duration::from_secs(3), takeover: Duration::from_secs(3) }
    }
}

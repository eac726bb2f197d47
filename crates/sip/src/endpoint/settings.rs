//! What an endpoint is told once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// T1: the estimate of a round trip, RFC 3261 §17.1.1.1.
pub const T1: Duration = Duration::from_millis(500);
/// T2: the longest interval between repetitions of a non-INVITE request or an INVITE response, RFC 3261 §17.1.2.2.
pub const T2: Duration = Duration::from_secs(4);
/// T4: how long a message may stay in the network, RFC 3261 §17.1.2.2.
pub const T4: Duration = Duration::from_secs(5);
/// Timer C must exceed three minutes, RFC 3261 §16.6 item 11.
pub const TIMER_C: Duration = Duration::from_secs(185);

/// What an endpoint is told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The value of User-Agent in requests and Server in responses; empty: neither is written.
    pub server_name: String,
    /// The estimate of a round trip.
    pub t1: Duration,
    /// The longest interval between repetitions.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
    /// How long an INVITE may go without a provisional response once one came; `None`: for ever.
    pub timer_c: Option<Duration>,
    /// The shard that our Call-IDs lead back to.
    pub shard: u16,
    /// The value of Allow in INVITE, its 2xx, and 200 to OPTIONS; empty: not written.
    pub allow: String,
    /// The option tags we support, comma separated: the value of Supported beside Allow, and what a Require may name.
    pub supported: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            server_name: "Crosspoint".to_owned(),
            t1: T1,
            t2: T2,
            t4: T4,
            timer_c: Some(TIMER_C),
            shard: 0,
            allow: "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, REFER, MESSAGE, REGISTER"
                .to_owned(),
            supported: String::new(),
        }
    }
}

//! The origin line of what we send.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::compose::address;

/// Our `o=` line on one leg: the version rises by one each time the rest of the description differs from what was
/// written last, and only then (RFC 3264 §8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    username: String,
    session_id: u64,
    version: u64,
    /// FNV-1a of the description written last, without its `o=` line.
    last: Option<u64>,
}

impl Origin {
    /// The origin of a new leg; the first description written carries version 1. A `username` that is empty or holds
    /// anything but visible ASCII becomes `-`.
    #[must_use]
    pub fn new(username: &str, session_id: u64) -> Origin {
        let fit = !username.is_empty() && username.bytes().all(|byte| byte.is_ascii_graphic());
        // RFC 3264 §5: both numbers must be representable as 64 bit signed integers.
        let session_id = session_id & i64::MAX.cast_unsigned();
        Origin { username: if fit { username } else { "-" }.to_owned(), session_id, version: 1, last: None }
    }

    /// The version written last.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The `o=` value for a description with this rest.
    pub(crate) fn value_for(&mut self, rest: &[u8], local: IpAddr) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in address(local).as_bytes().iter().chain(rest) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.last.is_some_and(|last| last != hash) {
            self.version += 1;
        }
        self.last = Some(hash);
        format!("{} {} {} {}", self.username, self.session_id, self.version, address(local))
    }
}

//! Names of sessions and of those who own them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One leg's media: a pair of ports on one worker. Never the same twice while the server runs: the generation of the
/// port pair is part of it, so an id kept too long means nothing and does no harm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(u64);

const PAIR_SHIFT: u32 = 32;
const WORKER_SHIFT: u32 = 48;

impl SessionId {
    /// From its parts: worker below 65,536, port pair below 32,768, generation.
    pub(crate) fn of(worker: u16, pair: u16, generation: u32) -> SessionId {
        SessionId(u64::from(worker) << WORKER_SHIFT | u64::from(pair) << PAIR_SHIFT | u64::from(generation))
    }

    /// As a number, for those who keep it without knowing this crate.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// From the number of [`SessionId::as_u64`].
    #[must_use]
    pub const fn from_u64(number: u64) -> SessionId {
        SessionId(number)
    }

    /// The worker that owns it.
    pub(crate) const fn worker(self) -> u16 {
        (self.0 >> WORKER_SHIFT) as u16
    }

    /// Which port pair of the range.
    pub(crate) const fn pair(self) -> u16 {
        (self.0 >> PAIR_SHIFT) as u16
    }

    /// How often the pair had been used before.
    pub(crate) const fn generation(self) -> u32 {
        self.0 as u32
    }
}

/// `worker:pair:generation`.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.worker(), self.pair(), self.generation())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// Whom the events about a session concern; this crate only hands it back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The signalling shard.
    pub shard: u16,
    /// Whatever the shard wants to find its leg by.
    pub token: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        let id = SessionId::of(3, 4_999, u32::MAX);
        assert_eq!((id.worker(), id.pair(), id.generation()), (3, 4_999, u32::MAX));
        assert_eq!(SessionId::from_u64(id.as_u64()), id);
        assert_eq!(id.to_string(), "3:4999:4294967295");
    }
}

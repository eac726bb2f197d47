//! State is data: a shard written down and read back.

use super::{Env, Shard, State};

/// The version of the written form; another one is not read.
const VERSION: u16 = 1;

/// A state that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// Written by another release.
    #[error("the state has version {0}, this release reads version {VERSION}")]
    Version(u16),
    /// Damaged.
    #[error("the state is damaged: {0}")]
    Damaged(#[from] postcard::Error),
}

impl Shard {
    /// Writes the state down. All effects and transmits have been polled before; effects are not part of it.
    ///
    /// # Errors
    /// [`Unreadable::Damaged`] when a value cannot be written.
    pub fn write(&self) -> Result<Vec<u8>, Unreadable> {
        debug_assert!(self.state.effects.is_empty(), "effects are drained before the state is written");
        Ok(postcard::to_stdvec(&(VERSION, &self.state))?)
    }

    /// Reads a state that [`Shard::write`] wrote.
    ///
    /// # Errors
    /// [`Unreadable::Version`] and [`Unreadable::Damaged`].
    pub fn read(bytes: &[u8], env: Env) -> Result<Shard, Unreadable> {
        let (version, rest) = postcard::take_from_bytes::<u16>(bytes)?;
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        let state: State = postcard::from_bytes(rest)?;
        Ok(Shard { env, state })
    }
}

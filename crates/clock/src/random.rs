//! Seeded randomness.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// A cryptographic random stream whose whole state is data.
///
/// Tags, branches, Call-IDs and ids come from here. Seeded from the operating system in the server, from a number in
/// tests; written down and read back, it goes on where it was, so a restored state sends the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Random(ChaCha12Rng);

impl Random {
    /// A stream that a test can repeat.
    #[must_use]
    pub fn seeded(seed: u64) -> Random {
        Random(ChaCha12Rng::seed_from_u64(seed))
    }

    /// A stream seeded with 32 bytes.
    #[must_use]
    pub fn from_bytes(seed: [u8; 32]) -> Random {
        Random(ChaCha12Rng::from_seed(seed))
    }

    /// A stream seeded by the operating system.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn from_system() -> std::io::Result<Random> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        Ok(Random::from_bytes(seed))
    }

    /// The next 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 when `bound` is 0. The bias is below 2⁻³² for bounds below 2³².
    pub fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.u64()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// Fills `out` with random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    /// A stream of its own, independent of what this one gives later.
    #[must_use]
    pub fn fork(&mut self) -> Random {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Random::from_bytes(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let mut first = Random::seeded(7);
        let mut again = Random::seeded(7);
        assert_eq!((first.u64(), first.u64()), (again.u64(), again.u64()));
        assert_ne!(Random::seeded(8).u64(), Random::seeded(7).u64());
    }

    #[test]
    fn below_stays_below() {
        let mut random = Random::seeded(1);
        assert!((0..1_000).all(|_| random.below(10) < 10));
        assert_eq!(random.below(0), 0);
    }
}

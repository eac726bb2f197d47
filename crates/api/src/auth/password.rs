//! Passwords of people: Argon2id, checked on threads that may block, a few at a time.

use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Checked when there is no such user, so that the answer takes as long as for one that exists.
/// Its parameters are Argon2's defaults, those of every hash we make; nothing hashes to it.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y3Jvc3Nwb2ludC1kZWNveQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Checks at once per core: each takes a core for some 20 ms and 19 MiB.
const CHECKS_PER_CORE: usize = 1;
/// Logins that may wait for their check; more are told to come back.
const MAX_WAITING: usize = 64;
/// When they are told to come back.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Makes the hash that is stored for a person's password (PHC string).
///
/// Takes some 20 ms of CPU: not for a thread that must not block.
///
/// # Errors
/// When the operating system has no randomness for the salt.
pub fn hash_password(password: &str) -> Result<String, std::io::Error> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| std::io::Error::other(error.to_string()))
}

/// Checks passwords without blocking the threads that serve requests, and without letting a flood of
/// logins take all cores and memory.
pub(crate) struct Checker {
    running: Semaphore,
    admitted: Semaphore,
}

impl Checker {
    pub(crate) fn new() -> Checker {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let running = cores * CHECKS_PER_CORE;
        Checker { running: Semaphore::new(running), admitted: Semaphore::new(running + MAX_WAITING) }
    }

    /// Whether `password` belongs to `stored` (a PHC string); takes equally long without one.
    pub(crate) async fn check(&self, password: String, stored: Option<String>) -> Result<bool, Problem> {
        let busy = || Problem::unavailable("busy", "Too many logins at once.", RETRY_AFTER);
        let _admitted = self.admitted.try_acquire().map_err(|_| busy())?;
        let _running = self.running.acquire().await.map_err(|_| busy())?;
        let checked = tokio::task::spawn_blocking(move || match stored {
            Some(stored) => matches(&password, &stored),
            None => {
                matches(&password, DECOY);
                false
            }
        });
        checked.await.map_err(|error| Problem::internal(&error))
    }
}

fn matches(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let stored = hash_password("correct horse").unwrap();
        let checker = Checker::new();
        assert!(checker.check("correct horse".into(), Some(stored.clone())).await.unwrap());
        assert!(!checker.check("correct horsf".into(), Some(stored)).await.unwrap());
        assert!(!checker.check("correct horse".into(), None).await.unwrap());
    }

    #[test]
    fn the_decoy_costs_what_a_real_hash_costs() {
        let parameters = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(parameters(DECOY), parameters(&hash_password("x").unwrap()));
        let parts = |phc: &str| phc.split('$').map(str::len).next_back();
        assert_eq!(parts(DECOY), parts(&hash_password("x").unwrap()), "as many bytes");
        assert!(PasswordHash::new(DECOY).is_ok());
    }

    #[test]
    fn salts_differ() {
        assert_ne!(hash_password("x").unwrap(), hash_password("x").unwrap());
    }
}

//! Scenes for one shard of the switch on virtual time; every step also with the shard written down, dropped and read back.

#[expect(clippy::unwrap_used, reason = "what is not there fails its test")]
mod auth;
mod calls;
#[expect(clippy::unwrap_used, reason = "what is not there fails its test")]
mod endings;
#[expect(clippy::unwrap_used, clippy::panic, reason = "a phone that cannot go on fails its test")]
mod phone;
mod registers;
mod requests;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the stage of the tests: what goes wrong here fails the test"
)]
mod stage;

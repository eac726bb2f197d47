//! Call scripts: `a invites; b1 rings; a cancels || b1 answers` → readable actions.

mod races;
mod refusing;
mod ringing;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the stage of the tests: what goes wrong here fails the test"
)]
mod stage;
mod talking;

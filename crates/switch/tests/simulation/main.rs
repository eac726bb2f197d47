//! The whole switch on virtual time: phones that do anything at any time, a network that loses, repeats and reorders, a
//! database that pauses, a shard that is written down and read back in the middle of everything.
//!
//! Whatever happens, at the end every call has exactly one record, no media session is held, no dialog is left on any
//! side, and no account's place is taken. A failure prints its seed; `SEED=7 cargo test` plays one alone.

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a simulation that cannot go on has failed")]
mod phone;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a simulation that cannot go on has failed"
)]
mod world;

use world::{Weather, World};

/// Seeds of one run of the tests; each is a different quarter of an hour.
const SEEDS: std::ops::Range<u64> = 0..25;

fn seeds() -> Vec<u64> {
    match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => SEEDS.collect(),
    }
}

/// Plays a seed and says which one it was when it fails.
#[expect(clippy::print_stderr, reason = "the seed of a failure is what a person needs to see")]
fn play(seed: u64, weather: Weather) -> usize {
    let played = std::panic::catch_unwind(|| {
        let mut world = World::new(seed, weather);
        world.run();
        world.settle();
        world.check();
        world.calls_made()
    });
    match played {
        Ok(calls) => calls,
        Err(cause) => {
            eprintln!("this was seed {seed} with {weather:?}");
            std::panic::resume_unwind(cause)
        }
    }
}

#[test]
fn in_fair_weather_nothing_is_left_behind() {
    let calls: usize = seeds().into_iter().map(|seed| play(seed, Weather::Fair)).sum();
    assert!(calls >= seeds().len(), "the phones were idle: {calls} calls");
}

#[test]
fn in_a_storm_nothing_is_left_behind() {
    let calls: usize = seeds().into_iter().map(|seed| play(seed, Weather::Storm)).sum();
    assert!(calls >= seeds().len(), "the phones were idle: {calls} calls");
}

#[test]
fn the_same_seed_plays_the_same_way_whether_or_not_the_state_is_written_down() {
    for seed in seeds().into_iter().take(10) {
        let log = |restore| {
            let mut world = World::new(seed, Weather::Storm);
            world.always_restore = Some(restore);
            world.run();
            world.settle();
            world.log
        };
        let (plain, restored) = (log(false), log(true));
        let differs = plain.iter().zip(&restored).find(|(one, other)| one != other);
        assert_eq!((differs, plain.len()), (None, restored.len()), "seed {seed}");
    }
}

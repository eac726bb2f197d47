//! Time, seeded randomness and values that must not be logged.

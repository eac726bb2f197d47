//! Session descriptions, offer and answer, media plans.

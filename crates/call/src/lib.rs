//! The call: events in, actions out.

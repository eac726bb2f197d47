//! Tests of the whole live beside this file.

//! The configuration file: sections, defaults, errors that name line and key.

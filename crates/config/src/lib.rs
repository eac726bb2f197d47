//! The configuration: one TOML file, the environment above it, the command line above that.
//!
//! Everything has a default, so a file is optional. Each value knows where it came from ([`Source`]), and whatever is
//! wrong is refused before anything starts, with the file and line or the variable, the key, and the nearest valid
//! name. Only keys that have an effect exist: a key of a later version is an unknown key.
//!
//! The crate reads no file and no environment itself: the binary hands both in as [`Inputs`], so a test does too.
//! It knows none of the shells; the binary makes their settings from the sections.
//!
//! ```
//! use crosspoint_config::{Inputs, load};
//!
//! let mut inputs = Inputs::default();
//! inputs.environment.push(("CROSSPOINT_DOMAIN".to_owned(), "pbx.example".to_owned()));
//! let loaded = load(&inputs)?;
//! assert_eq!(loaded.config.domain.as_str(), "pbx.example");
//! # Ok::<(), crosspoint_config::Error>(())
//! ```

mod check;
mod document;
mod effective;
mod environment;
mod file;
mod keys;
mod load;
mod problem;
mod sections;
mod values;

#[cfg(test)]
mod tests;

pub use document::{reference, schema};
pub use effective::Setting;
pub use load::{Inputs, Loaded, Source, TextFile, load};
pub use problem::{Error, Problem};
pub use sections::{Admin, Config, Database, Http, Log, LogFormat, Media, Network, Peer, Security, Sip, Tls};
pub use values::{
    DatabaseUrl, DigestAlgorithm, Domain, ExternalAddress, HttpListen, LogLevel, PortRange, Secret,
    SipListen, SipTransport, Subnet,
};

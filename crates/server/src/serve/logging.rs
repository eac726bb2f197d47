//! Log lines: to standard error, for people or for machines.

use std::io::IsTerminal;

use anyhow::anyhow;
use config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Sends every event from now on to standard error, as `[log]` says.
///
/// # Errors
/// When the level cannot be understood, or logging was begun already.
pub(crate) fn begin(log: &Log) -> anyhow::Result<()> {
    let filter =
        EnvFilter::builder().parse(log.level.as_str()).map_err(|error| anyhow!("log.level: {error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let coloured = std::io::stderr().is_terminal();
    match log.format {
        LogFormat::Pretty => {
            registry.with(fmt::layer().with_ansi(coloured).with_writer(std::io::stderr)).try_init()?
        }
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()?
        }
    }
    Ok(())
}

//! `serve`: puts the parts together, runs them, and takes them apart in order.

pub(crate) mod certificate;
mod data_dir;
mod first_start;
pub(crate) mod limits;
mod local_access;
mod logging;
mod measures;
mod run;
pub(crate) mod secrets;
mod seed;
mod settings;

use anyhow::{Context, anyhow};

use crate::cli::Place;
use crate::failure::Failure;
use crate::inputs;

/// The number of this node, part of every id; one node is all there is in this version.
const NODE: u16 = 1;
/// Threads for what waits (API, SIP over TCP, database); signalling and media have their own.
const MOST_TOKIO_THREADS: usize = 4;

/// Runs the server until it is told to stop.
///
/// # Errors
/// [`Failure::Usage`] for a wrong configuration, [`Failure::Failed`] when a part cannot start.
pub(crate) fn run(place: &Place) -> Result<(), Failure> {
    let loaded = inputs::load(place)?;
    logging::begin(&loaded.config.log)?;
    for note in &loaded.notes {
        tracing::info!("{note}");
    }
    limits::raise_open_files();
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow!("the cryptographic provider was installed twice"))?;
    data_dir::close_new_files();
    data_dir::prepare(&loaded.config.data_dir)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MOST_TOKIO_THREADS))
        .thread_name("tokio")
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let file = inputs::path(place);
    let outcome = runtime.block_on(run::until_stopped(loaded, file));
    // Nothing that is left may keep the process alive.
    runtime.shutdown_background();
    outcome.map_err(Failure::from)
}

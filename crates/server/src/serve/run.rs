//! From the data directory to the open doors, and back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use api::Serving;
use clock::{Random, SystemClock, Time};
use config::{Config, Loaded};
use model::Uids;
use storage::Storage;
use switch::Exchange;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::secrets::Secrets;
use super::settings::{self, Facts};
use super::{NODE, certificate, first_start, local_access, measures, seed};
use crate::address::Advertised;
use crate::output;

/// A stop that takes longer is given up: whatever supervises us would kill us next.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Everything that runs.
struct Running {
    storage: Storage,
    exchange: Exchange,
    serving: Serving,
    local: local_access::Local,
    close_doors: watch::Sender<bool>,
}

/// Starts all parts, tells the operator, waits for a signal, stops all parts.
///
/// # Errors
/// When a part cannot start; what was started before is stopped by the end of the process.
pub(super) async fn until_stopped(loaded: Loaded, file: Option<PathBuf>) -> anyhow::Result<()> {
    // Listening for signals comes first: a stop during the start is not lost.
    let mut signals = Signals::new()?;
    let running = start(&loaded, file).await?;
    signals.next().await;
    tracing::info!("stopping: no new calls; another signal stops at once");
    tokio::select! {
        stopped = tokio::time::timeout(STOP_WITHIN, stop(running)) => match stopped {
            Ok(()) => tracing::info!("stopped"),
            Err(_) => tracing::warn!("stopped before everything had ended"),
        },
        () = signals.next() => tracing::warn!("stopped at once"),
    }
    Ok(())
}

async fn start(loaded: &Loaded, file: Option<PathBuf>) -> anyhow::Result<Running> {
    let config = &loaded.config;
    let clock = SystemClock::new();
    let mut random = Random::from_system().context("the operating system has no randomness")?;
    let render = measures::begin()?;
    let secrets = Secrets::load_or_make(&config.data_dir, &mut random)?;
    let storage = Storage::open(settings::storage(config, &secrets)).await?;
    let epoch = storage.next_epoch(NODE).await?;
    let names = seed::names(&storage, config.domain.as_str()).await?;
    let advertised = Arc::new(Advertised::new(config, clock));
    let facts =
        Facts { config, secrets: &secrets, names: &names, epoch, advertised: Arc::clone(&advertised) };
    let exchange = Exchange::start(settings::switch(&facts), storage.clone(), Handle::current()).await?;
    let mut ids = Uids::new(NODE, epoch, random.fork());
    let now = clock.now();
    let made = seed::first_start(
        seed::Target { storage: &storage, exchange: &exchange },
        config.admin.password.reveal(),
        (&mut random, &mut ids),
        now,
    )
    .await?;
    let started = Arc::new(AtomicBool::new(false));
    let (serving, close_doors) =
        open_doors(&facts, (&exchange, &storage), (clock, file), (render, Arc::clone(&started))).await?;
    let local = local_access::leave(
        &storage,
        &config.data_dir,
        &settings::local_url(config, serving.addrs()),
        &mut ids,
        now,
    )
    .await?;
    // Only now: whoever waited for readiness finds the key of the command line.
    started.store(true, Ordering::Release);
    tell(&facts, made.as_ref());
    if made.is_some() {
        seed::shown(&storage, now).await?;
    }
    Ok(Running { storage, exchange, serving, local, close_doors })
}

/// The API.
async fn open_doors(
    facts: &Facts<'_>,
    (exchange, storage): (&Exchange, &Storage),
    (clock, file): (SystemClock, Option<PathBuf>),
    (render, started): (measures::Render, Arc<AtomicBool>),
) -> anyhow::Result<(Serving, watch::Sender<bool>)> {
    let config: &Config = facts.config;
    let tls = config
        .http
        .listen
        .iter()
        .any(|listen| listen.tls)
        .then(|| certificate::server_config(config))
        .transpose()?;
    let started_at: Time = clock.now();
    let state = api::State {
        exchange: exchange.clone(),
        storage: storage.clone(),
        settings: settings::api(facts, file),
        clock,
        started_at,
        metrics: measures::with_exchange(render, exchange.clone()),
        started,
    };
    let (close_doors, closed) = watch::channel(false);
    let doors = settings::doors(config, tls.as_ref());
    let serving = api::serve(doors, api::router(state), until_closed(closed)).await?;
    Ok((serving, close_doors))
}

/// Ends when the doors are to be closed, or nobody can say so any more.
async fn until_closed(mut closed: watch::Receiver<bool>) {
    let _ = closed.wait_for(|closed| *closed).await;
}

/// Prints what the operator needs.
fn tell(facts: &Facts<'_>, made: Option<&first_start::Made>) {
    let reached = settings::reached(facts);
    output::line(&match made {
        Some(made) => first_start::first(&reached, made),
        None => first_start::again(&reached),
    });
    if let Some(added) = &facts.names.added {
        tracing::info!(domain = %added, realm = %facts.names.realm, "we answer for this domain too; accounts keep theirs, and the realm");
    }
}

/// Doors last to open, first to close; memory last.
async fn stop(running: Running) {
    let Running { storage, exchange, serving, local, close_doors } = running;
    exchange.drain();
    local.remove(&storage).await;
    let _ = close_doors.send(true);
    if let Err(error) = serving.ended().await {
        tracing::warn!(%error, "the API did not end well");
    }
    exchange.stop().await;
    storage.close().await;
}

/// SIGTERM of a supervisor, SIGINT of a keyboard.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Signals> {
        let on = |kind| signal(kind).context("cannot listen for signals");
        Ok(Signals { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

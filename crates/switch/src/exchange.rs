//! The exchange as the faces hold it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use clock::{Random, SystemClock};
use media::Media;
use model::{AccountId, Binding, CallUid, Directory, Uids};
use parking_lot::Mutex;
use signaling::{Listen, Mailbox, Signaling};
use storage::{Storage, Write, Writer};
use tokio::runtime::Handle;
use uri::Aor;

use crate::accounts::Accounts;
use crate::core::{Command, Env, Report, Rules, Shard, Shared};
use crate::shell::{Gauges, Input, Measures, Outside, Relay, Replies, Worker};
use crate::view::{CallView, Counters};
use crate::{Error, Identity, Settings};

/// A shard that does not answer a command within this time is stopping or overloaded.
const COMMAND_WAIT: Duration = Duration::from_secs(2);

/// How long the end waits for the BYEs of running calls to be answered.
const FAREWELL: Duration = Duration::from_secs(3);

/// How long the end waits for the database.
const FLUSH_WAIT: Duration = Duration::from_secs(10);

/// The running exchange. Cheap to clone; the last clone does not stop it, [`Exchange::stop`] does.
#[derive(Clone)]
pub struct Exchange {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) core: Core,
    pub(crate) settings: Settings,
    pub(crate) storage: Storage,
    pub(crate) writer: Writer,
    planes: Mutex<Option<Planes>>,
    mailboxes: Vec<Mailbox<Input>>,
    gauges: Vec<Arc<Gauges>>,
    replies: Arc<Replies>,
    listen: Vec<Listen>,
    draining: AtomicBool,
}

/// What the faces share with the shards.
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) clock: SystemClock,
    pub(crate) uids: Mutex<Uids>,
    /// One change of the accounts at a time, so that revisions and directories come in the same order.
    pub(crate) provisioning: tokio::sync::Mutex<()>,
}

/// What stops.
struct Planes {
    signaling: Signaling<Input>,
    media: Arc<Media>,
}

/// Starting and stopping.
impl Exchange {
    /// Closes the records an earlier epoch left open, loads accounts and live bindings, binds the sockets, starts the
    /// workers.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Signaling`] (a listener cannot be bound), [`Error::Media`], [`Error::Random`].
    pub async fn start(settings: Settings, storage: Storage, handle: Handle) -> Result<Exchange, Error> {
        let clock = SystemClock::new();
        let mut random = Random::from_system().map_err(Error::Random)?;
        let Settings { identity, registrar, calls, digest, .. } = &settings;
        let rules = Arc::new(Rules::new(identity.clone(), registrar.clone(), calls.clone(), digest));
        let shared = Arc::new(recall(&storage, &rules, clock).await?);
        let prepared = signaling::prepare::<Input>(settings.signaling.clone())?;
        let (mailboxes, listen) = (prepared.mailboxes().to_vec(), prepared.local_addrs());
        let relay = Arc::new(Relay::new(&mailboxes));
        let media = Arc::new(Media::start(settings.media.clone(), Arc::<Relay>::clone(&relay), clock)?);
        let writer = Writer::start(storage.clone(), Arc::<Relay>::clone(&relay));
        let gauges: Vec<Arc<Gauges>> = mailboxes.iter().map(|_| Arc::default()).collect();
        let replies = Arc::new(Replies::default());
        let env = Env { shared: Arc::clone(&shared), rules: Arc::clone(&rules) };
        let uids = Mutex::new(Uids::new(identity.node, identity.epoch, random.fork()));
        let signaling = prepared.start(clock, &handle, |number, _| {
            let shard = u16::try_from(number).unwrap_or(u16::MAX);
            let outside = Outside {
                shard,
                media: Arc::clone(&media),
                writer: writer.clone(),
                media_address: Arc::clone(&settings.media_address),
                replies: Arc::clone(&replies),
                measures: Measures::new(),
                backlog: VecDeque::new(),
                pressed: false,
                stored: false,
            };
            let shard = Shard::new(shard, env.clone(), random.fork());
            Worker::new(shard, outside, relay.inbox(number), gauges.get(number).cloned().unwrap_or_default())
        })?;
        let planes = Mutex::new(Some(Planes { signaling, media }));
        let (provisioning, draining) = (tokio::sync::Mutex::default(), AtomicBool::new(false));
        let core = Core { shared, rules, clock, uids, provisioning };
        let inner =
            Inner { core, settings, storage, writer, planes, mailboxes, gauges, replies, listen, draining };
        Ok(Exchange { inner: Arc::new(inner) })
    }

    /// Takes no new work from now on: new INVITE and REGISTER get 503, calls go on.
    pub fn drain(&self) {
        self.inner.draining.store(true, Ordering::Release);
        for mailbox in &self.inner.mailboxes {
            // A full mailbox: the next command of the kind finds room, and readiness is off already.
            drop(mailbox.try_send(Input::Command(Command::Drain)));
        }
    }

    /// Whether [`Exchange::drain`] was called.
    #[must_use]
    pub fn draining(&self) -> bool {
        self.inner.draining.load(Ordering::Acquire)
    }

    /// Ends every call with BYE, flushes what is written behind, closes the sockets, joins the workers.
    pub async fn stop(&self) {
        self.drain();
        self.ask(|id| Command::Stop { id }).await;
        let farewell = async {
            for gauges in &self.inner.gauges {
                while gauges.calls.load(Ordering::Relaxed) > 0 {
                    gauges.idle.notified().await;
                }
            }
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::warn!("stopping with calls that did not end in time");
        }
        let flushed = tokio::time::timeout(FLUSH_WAIT, self.inner.writer.flush()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::error!("stopping before the database has taken everything");
        }
        let planes = self.inner.planes.lock().take();
        let Some(Planes { signaling, media }) = planes else { return };
        let joined = tokio::task::spawn_blocking(move || {
            signaling.stop();
            drop(media);
        });
        if joined.await.is_err() {
            tracing::error!("a worker could not be joined");
        }
    }
}

/// What the database remembers: accounts and live contacts. Calls that an earlier run left open are closed.
async fn recall(storage: &Storage, rules: &Rules, clock: SystemClock) -> Result<Shared, Error> {
    let now = clock.now();
    let Identity { node, epoch, .. } = rules.identity;
    let lost = storage.cdrs().close_lost(node, epoch, now).await?;
    if lost > 0 {
        tracing::warn!(lost, "records that an earlier run left open were closed as node_lost");
    }
    storage.bindings().remove_expired(now).await?;
    let directory = Directory::new(storage.accounts().all().await?, storage.settings().revision().await?);
    let shared = Shared::new(directory, rules, now);
    shared.locations.load(storage.bindings().live(now).await?);
    Ok(shared)
}

/// Looking.
impl Exchange {
    /// Accounts: create, update, delete, find, list.
    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts::new(&self.inner)
    }

    /// The present directory.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.inner.core.shared.directory_snapshot()
    }

    /// The settings it runs with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Where it listens for SIP, as bound.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<Listen> {
        self.inner.listen.clone()
    }

    /// Live contacts, of one address of record or of all; ordered by address of record.
    #[must_use]
    pub fn registrations(&self, aor: Option<&Aor>) -> Vec<Binding> {
        let Core { shared, clock, .. } = &self.inner.core;
        let Some(aor) = aor else { return shared.locations.all(clock.now()) };
        let account = shared.directory().account_by_aor(aor).map(|account| account.id);
        account.map(|account| shared.locations.of(account, clock.now())).unwrap_or_default()
    }

    /// Removes the contacts of an account; how many there were.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the account is unknown, [`Error::Unavailable`] when the database takes nothing.
    pub async fn remove_registration(&self, account: AccountId) -> Result<usize, Error> {
        let shared = &self.inner.core.shared;
        if shared.directory().account(account).is_none() {
            return Err(Error::NotFound("account"));
        }
        let removed = shared.locations.remove(account);
        let count = removed.len();
        for binding in removed {
            let write = Write::BindingRemove { account, key: binding.id };
            self.inner.writer.submit(write, None).map_err(|_| Error::Unavailable)?;
        }
        self.inner.writer.flush().await.map_err(|_| Error::Unavailable)?;
        Ok(count)
    }

    /// Totals.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let inner = &self.inner;
        let sum = |of: fn(&Gauges) -> &AtomicUsize| {
            inner.gauges.iter().map(|gauges| of(gauges).load(Ordering::Relaxed)).sum()
        };
        let media_ports = inner.planes.lock().as_ref().map_or(0, |planes| planes.media.ports_in_use());
        Counters {
            registrations: inner.core.shared.locations.len(),
            calls: sum(|gauges| &gauges.calls),
            transactions: sum(|gauges| &gauges.transactions),
            dialogs: sum(|gauges| &gauges.dialogs),
            media_ports,
            accounts: inner.core.shared.directory().len(),
        }
    }
}

/// Calls.
impl Exchange {
    /// Every running call, oldest first, with media counters not older than a moment.
    pub async fn active_calls(&self) -> Vec<CallView> {
        self.show(None).await
    }

    /// One running call.
    pub async fn call(&self, uid: CallUid) -> Option<CallView> {
        self.show(Some(uid)).await.pop()
    }

    /// Ends a running call as the operator.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no such call runs.
    pub async fn hangup(&self, uid: CallUid) -> Result<(), Error> {
        let reports = self.ask(|id| Command::HangUp { id, uid }).await;
        let found = reports.contains(&Report::HungUp(true));
        if found { Ok(()) } else { Err(Error::NotFound("call")) }
    }

    async fn show(&self, uid: Option<CallUid>) -> Vec<CallView> {
        let reports = self.ask(|id| Command::Show { id, uid }).await;
        let mut calls: Vec<CallView> = reports
            .into_iter()
            .flat_map(|report| if let Report::Calls(calls) = report { calls } else { Vec::new() })
            .collect();
        calls.sort_by_key(|call| (call.started_at, call.uid));
        calls
    }

    /// Sends a command to every shard; the reports that come in time.
    async fn ask(&self, command: impl Fn(u64) -> Command) -> Vec<Report> {
        let mut expected = Vec::with_capacity(self.inner.mailboxes.len());
        for mailbox in &self.inner.mailboxes {
            let (id, report) = self.inner.replies.expect();
            match mailbox.try_send(Input::Command(command(id))) {
                Ok(()) => expected.push((id, report)),
                Err(_) => self.inner.replies.give_up(id),
            }
        }
        let mut reports = Vec::with_capacity(expected.len());
        for (id, report) in expected {
            match tokio::time::timeout(COMMAND_WAIT, report).await {
                Ok(Ok(report)) => reports.push(report),
                _ => self.inner.replies.give_up(id),
            }
        }
        reports
    }
}

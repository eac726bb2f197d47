//! A database for one test.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_storage::{CommitSink, Settings, Storage, Ticket, Writer};
use parking_lot::Mutex;
use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;
use testkit::Postgres;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long any event may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const KEY: [u8; 32] = [7; 32];

/// An open storage that can be closed and opened again.
pub(crate) struct Lab {
    pub(crate) storage: Storage,
    pub(crate) settings: Settings,
    /// The address for looking behind the back of the storage.
    pub(crate) address: String,
    dir: TempDir,
    server: Option<Arc<Postgres>>,
}

/// A database that nobody has open.
pub(crate) struct Closed {
    pub(crate) settings: Settings,
    address: String,
    dir: TempDir,
    server: Option<Arc<Postgres>>,
}

impl Closed {
    pub(crate) async fn open(self) -> Lab {
        let Closed { settings, address, dir, server } = self;
        let storage = Storage::open(settings.clone()).await.unwrap();
        Lab { storage, settings, address, dir, server }
    }
}

impl Lab {
    pub(crate) async fn sqlite() -> Lab {
        let dir = tempfile::tempdir().unwrap();
        let address = format!("sqlite://{}/crosspoint.db", dir.path().display());
        let settings = Settings::new(dir.path().to_owned(), KEY);
        Closed { settings, address, dir, server: None }.open().await
    }

    pub(crate) async fn postgres() -> Lab {
        let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
        Lab::postgres_on(server).await
    }

    pub(crate) async fn postgres_on(server: Arc<Postgres>) -> Lab {
        let dir = tempfile::tempdir().unwrap();
        let address = server.database();
        let settings = Settings { url: Some(address.clone()), ..Settings::new(dir.path().to_owned(), KEY) };
        Closed { settings, address, dir, server: Some(server) }.open().await
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) async fn close(self) -> Closed {
        let Lab { storage, settings, address, dir, server } = self;
        storage.close().await;
        Closed { settings, address, dir, server }
    }

    /// Closes the storage and opens it again, as a restart does.
    pub(crate) async fn reopen(self) -> Lab {
        self.close().await.open().await
    }

    /// A connection of its own to the same database.
    pub(crate) async fn back_door(&self) -> AnyConnection {
        AnyConnection::connect(&self.address).await.unwrap()
    }

    pub(crate) fn writer(&self) -> (Writer, Arc<Heard>) {
        let heard = Arc::new(Heard::default());
        (Writer::start(self.storage.clone(), Arc::clone(&heard) as Arc<dyn CommitSink>), heard)
    }
}

/// Hears of commits.
#[derive(Default)]
pub(crate) struct Heard {
    tickets: Mutex<Vec<Ticket>>,
    rang: Notify,
}

impl CommitSink for Heard {
    fn committed(&self, tickets: &[Ticket]) {
        self.tickets.lock().extend(tickets);
        self.rang.notify_waiters();
    }
}

impl Heard {
    /// Waits until so many tickets were heard, and gives them in order of number.
    pub(crate) async fn at_least(&self, count: usize) -> Vec<Ticket> {
        let wait = async {
            loop {
                let rang = self.rang.notified();
                let mut heard = self.tickets.lock().clone();
                if heard.len() >= count {
                    heard.sort();
                    return heard;
                }
                rang.await;
            }
        };
        timeout(PATIENCE, wait).await.expect("the commits were not heard")
    }

    pub(crate) fn so_far(&self) -> Vec<Ticket> {
        self.tickets.lock().clone()
    }
}

/// Asks again and again until the answer is there.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let wait = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tick.tick().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

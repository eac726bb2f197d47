//! A worker with nothing to watch sleeps. A program of its own: it looks at the threads of the process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::fs;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use clock::SystemClock;
use crosspoint_media::{Event, Media, Owner, Settings, Sink};

struct Channel(SyncSender<Event>);

impl Sink for Channel {
    fn media_event(&self, event: Event) {
        self.0.try_send(event).unwrap();
    }
}

/// How often the worker went to sleep.
fn sleeps() -> u64 {
    let mut tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let worker =
        tasks.find(|task| fs::read_to_string(task.join("comm")).unwrap().trim() == "media-0").unwrap();
    let status = fs::read_to_string(worker.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn an_idle_worker_does_not_tick() {
    let (sender, events) = sync_channel(8);
    let settings = Settings {
        bind: "127.84.0.2".parse().unwrap(),
        ports: 20_000..=20_009,
        workers: 1,
        silence: Duration::from_millis(5),
        ..Settings::default()
    };
    let media = Media::start(settings, Arc::new(Channel(sender)), SystemClock::new()).unwrap();
    let session = media.reserve(1, Owner::default()).unwrap().session;
    media.query(session).unwrap();
    events.recv_timeout(Duration::from_secs(5)).unwrap();
    // The last turn may end after its event was seen; from here on there is nothing to do.
    let before = sleeps();
    assert!(events.recv_timeout(Duration::from_millis(300)).is_err());
    assert!(sleeps() - before <= 1, "slept {} times in 300 ms", sleeps() - before);
}

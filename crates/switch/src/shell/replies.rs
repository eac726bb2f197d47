//! Who waits for the report of which command.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::core::Report;

/// The waiting senders, by the number of their command.
#[derive(Default)]
pub(crate) struct Replies {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Report>>>,
    next: AtomicU64,
}

impl Replies {
    /// A number for a command, and where its report will come.
    pub(crate) fn expect(&self) -> (u64, oneshot::Receiver<Report>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().insert(id, sender);
        (id, receiver)
    }

    /// A report came.
    pub(crate) fn deliver(&self, id: u64, report: Report) {
        let sender = self.waiting.lock().remove(&id);
        // Whoever asked may have gone; then nobody is interested.
        sender.into_iter().for_each(|sender| drop(sender.send(report.clone())));
    }

    /// No report will come.
    pub(crate) fn give_up(&self, id: u64) {
        self.waiting.lock().remove(&id);
    }
}

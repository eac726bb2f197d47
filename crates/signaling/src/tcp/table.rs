//! Which connections are open, and how many each source may have.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use clock::Time;
use sip::{ConnectionId, Flow, Transport};
use tokio::sync::mpsc;

use super::link::{Link, accepted};
use crate::Limits;

/// The open connections.
pub(super) struct Table {
    links: HashMap<ConnectionId, Arc<Link>>,
    by_remote: HashMap<SocketAddr, ConnectionId>,
    per_source: HashMap<IpAddr, usize>,
    next: u64,
}

/// A new connection and the far end of its write queue.
pub(super) struct Opened {
    pub(super) link: Arc<Link>,
    pub(super) queue: mpsc::Receiver<Bytes>,
}

impl Table {
    /// Ids go up from the time of the start, so that an id of an earlier process is never taken for one of ours.
    pub(super) fn new(now: Time) -> Table {
        Table {
            links: HashMap::new(),
            by_remote: HashMap::new(),
            per_source: HashMap::new(),
            next: now.as_nanos() & !1,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    /// The flow's own connection; where it names none, or one of ours that has ended, any to the same peer.
    pub(super) fn find(&self, flow: &Flow) -> Option<Arc<Link>> {
        let id = match flow.connection {
            Some(id) if accepted(id) || self.links.contains_key(&id) => id,
            _ => *self.by_remote.get(&flow.remote)?,
        };
        self.links.get(&id).cloned()
    }

    /// A connection to be made by us; `None` when there are too many.
    pub(super) fn open_out(&mut self, asked: Flow, limits: &Limits, now: Time) -> Option<Opened> {
        (self.links.len() < limits.connections).then(|| self.open(asked, false, limits, now))
    }

    /// A connection made by a peer; `None` when there are too many.
    pub(super) fn open_in(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        limits: &Limits,
        now: Time,
    ) -> Option<Opened> {
        let from_source = self.per_source.get(&remote.ip()).copied().unwrap_or(0);
        if self.links.len() >= limits.connections || from_source >= limits.connections_per_source {
            return None;
        }
        self.per_source.insert(remote.ip(), from_source + 1);
        let flow = Flow { transport: Transport::Tcp, local, remote, connection: None };
        Some(self.open(flow, true, limits, now))
    }

    fn open(&mut self, flow: Flow, accepted: bool, limits: &Limits, now: Time) -> Opened {
        self.next += 2;
        let id = ConnectionId(self.next | u64::from(accepted));
        let (sender, queue) = mpsc::channel(limits.write_queue.max(1));
        let link = Arc::new(Link::new(id, flow, sender, now));
        self.by_remote.insert(flow.remote, id);
        self.links.insert(id, Arc::clone(&link));
        Opened { link, queue }
    }

    /// Forgets a connection; gives the number of those left.
    pub(super) fn remove(&mut self, link: &Link) -> usize {
        if self.links.remove(&link.id).is_some() && accepted(link.id) {
            let source = link.remote.ip();
            let left = self.per_source.get(&source).copied().unwrap_or(0).saturating_sub(1);
            if left == 0 {
                self.per_source.remove(&source);
            } else {
                self.per_source.insert(source, left);
            }
        }
        if self.by_remote.get(&link.remote) == Some(&link.id) {
            self.by_remote.remove(&link.remote);
        }
        self.links.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_its_own_limit_and_gets_its_place_back() {
        let limits = Limits { connections: 3, connections_per_source: 2, ..Limits::default() };
        let mut table = Table::new(Time::from_secs(1));
        let local = addr("127.0.0.1:5060");
        let mut open = |from: &str| table.open_in(local, addr(from), &limits, Time::ZERO).map(|o| o.link);
        let first = open("127.0.0.2:1").unwrap();
        open("127.0.0.2:2").unwrap();
        assert!(open("127.0.0.2:3").is_none());
        open("127.0.0.3:1").unwrap();
        assert!(open("127.0.0.4:1").is_none());
        assert_eq!(table.remove(&first), 2);
        assert!(table.open_in(local, addr("127.0.0.2:4"), &limits, Time::ZERO).is_some());
    }

    #[test]
    fn a_flow_finds_its_own_connection_or_that_of_its_peer() {
        let limits = Limits::default();
        let mut table = Table::new(Time::ZERO);
        let (local, remote) = (addr("127.0.0.1:5060"), addr("127.0.0.2:5060"));
        let asked = Flow { transport: Transport::Tcp, local, remote, connection: None };
        let made = table.open_out(asked, &limits, Time::ZERO).unwrap().link;
        assert_eq!(table.find(&asked).unwrap().id, made.id);
        assert_eq!(table.find(&made.flow()).unwrap().id, made.id);
        let taken = table.open_in(local, addr("127.0.0.2:9"), &limits, Time::ZERO).unwrap().link;
        table.remove(&taken);
        assert!(table.find(&taken.flow()).is_none());
        table.remove(&made);
        assert!(table.find(&asked).is_none());
    }
}

//! What a shard wants done outside, done.

use std::collections::VecDeque;
use std::sync::Arc;

use media::{Media, Owner};
use storage::{Ticket, Write, Writer};

use super::{Measures, Replies};
use crate::core::{Effect, MediaCommand, MediaInput, MediaToken};
use crate::settings::Advertise;

/// Above so many waiting writes the database is not keeping up: new work is shed, and endings wait here.
const STORAGE_PRESSED: u64 = 90_000;

/// Closed records that wait here while the database has no room; more would be a day's calls.
const MAX_BACKLOG: usize = 100_000;

/// The world of one worker.
pub(crate) struct Outside {
    pub(crate) shard: u16,
    pub(crate) media: Arc<Media>,
    pub(crate) writer: Writer,
    pub(crate) media_address: Advertise,
    pub(crate) replies: Arc<Replies>,
    pub(crate) measures: Measures,
    pub(crate) backlog: VecDeque<Write>,
    pub(crate) pressed: bool,
    /// Something was handed to the database since it was looked at.
    pub(crate) stored: bool,
}

impl Outside {
    /// Performs an effect; the answer to a reservation comes back at once.
    pub(crate) fn perform(&mut self, effect: Effect) -> Option<MediaInput> {
        match effect {
            Effect::Store(write, ticket) => self.store(write, ticket),
            Effect::Media(command) => return self.media(command),
            Effect::Count(counted) => self.measures.count(counted),
            Effect::Report { id, report } => self.replies.deliver(id, report),
        }
        None
    }

    /// Looks whether the database keeps up, and hands over what waits here.
    pub(crate) fn look_at_storage(&mut self) {
        if !self.stored && !self.pressed && self.backlog.is_empty() {
            return;
        }
        self.stored = false;
        self.pressed = self.writer.counts().waiting >= STORAGE_PRESSED;
        while let Some(write) = self.backlog.pop_front_if(|_| !self.pressed) {
            if self.writer.submit(write, None).is_err() {
                self.measures.not_stored.increment(1);
                return;
            }
        }
    }

    fn store(&mut self, write: Write, ticket: Option<u64>) {
        self.stored = true;
        if let Write::CdrClose(cdr) = &write {
            self.measures.call_ended(cdr);
            if self.pressed && self.backlog.len() < MAX_BACKLOG {
                self.backlog.push_back(write);
                return;
            }
        }
        let ticket = ticket.map(|number| Ticket { shard: self.shard, number });
        if self.writer.submit(write, ticket).is_err() {
            self.pressed = true;
            self.measures.not_stored.increment(1);
        }
    }

    fn media(&mut self, command: MediaCommand) -> Option<MediaInput> {
        match command {
            MediaCommand::Reserve { token, group, peer } => return Some(self.reserve(token, group, peer)),
            MediaCommand::Apply { session, plan, target } => {
                if let Err(error) = self.media.apply(session, *plan, target) {
                    self.measures.media_busy.increment(1);
                    tracing::warn!(%error, %session, "media.apply");
                }
            }
            MediaCommand::Release(session) => self.media.release(session),
            // Who asked shows what it has.
            MediaCommand::Query(session) => drop(self.media.query(session)),
        }
        None
    }

    fn reserve(&mut self, token: MediaToken, group: u64, peer: std::net::IpAddr) -> MediaInput {
        let owner = Owner { shard: self.shard, token: token.0 };
        // The calls of all shards are numbered from 0: the shard keeps their groups apart.
        match self.media.reserve(u64::from(self.shard) << 48 | group, owner) {
            Ok(reserved) => {
                let local = sdp::Local { addr: (self.media_address)(peer), rtp_port: reserved.rtp_port };
                MediaInput::Reserved { token, session: reserved.session, local }
            }
            Err(error) => {
                self.measures.media_busy.increment(1);
                tracing::warn!(%error, "media.reserve");
                MediaInput::NotReserved { token }
            }
        }
    }
}

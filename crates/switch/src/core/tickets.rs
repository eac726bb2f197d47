//! Waiting for commits.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Time;
use model::{AccountId, BindingKey};
use serde::{Deserialize, Serialize};
use sip::{Method, Name, Reply, ServerTx, StatusCode};

use super::{Counted, Effect, Env, RETRY_AFTER_S, State};

/// How long a REGISTER waits for its commit before it is refused with 503; the answer to a call has a bound of its own.
/// Shorter than 64*T1, so that the client hears it.
const TICKET_WAIT: Duration = Duration::from_secs(10);

/// Those who wait for a commit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tickets {
    waiting: BTreeMap<u64, Ticket>,
    next: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    due: Time,
    waiting: Waiting,
}

/// Who waits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Waiting {
    /// A REGISTER with new or changed contacts.
    Register {
        tx: ServerTx,
        /// The headers of its 200.
        headers: sip::Headers,
        account: AccountId,
        keys: Vec<BindingKey>,
    },
    /// A call whose answer waits.
    Call(u64),
}

/// The shard takes the high bits of its tickets, so that no two of the exchange are equal.
const SHARD_SHIFT: u32 = 48;

impl Tickets {
    /// For the shard with this number.
    pub(crate) fn of_shard(shard: u16) -> Tickets {
        Tickets { waiting: BTreeMap::new(), next: u64::from(shard) << SHARD_SHIFT }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The number the next ticket will have.
    pub(crate) fn upcoming(&self) -> u64 {
        self.next
    }

    pub(crate) fn issue(&mut self, now: Time, waiting: Waiting) -> u64 {
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, Ticket { due: now + TICKET_WAIT, waiting });
        number
    }

    /// Tickets are due in the order in which they were issued.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.waiting.first_key_value().map(|(_, ticket)| ticket.due)
    }
}

impl State {
    pub(crate) fn ticket_committed(&mut self, env: &Env, now: Time, number: u64) {
        let Some(ticket) = self.tickets.waiting.remove(&number) else { return };
        match ticket.waiting {
            Waiting::Register { tx, headers, account, keys } => {
                env.shared.locations.durable(account, &keys, number);
                self.count(Some(Method::Register), StatusCode::OK);
                self.endpoint.respond(now, tx, Reply { headers, ..Reply::new(StatusCode::OK) });
            }
            Waiting::Call(serial) => self.call_event(env, now, serial, call::Event::Committed),
        }
    }

    pub(crate) fn ticket_timeouts(&mut self, _env: &Env, now: Time) {
        while self.tickets.next_due().is_some_and(|due| due <= now) {
            let Some((_, ticket)) = self.tickets.waiting.pop_first() else { return };
            self.effects.push_back(Effect::Count(Counted::TicketLost));
            if let Waiting::Register { tx, .. } = ticket.waiting {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                self.count(Some(Method::Register), status);
                self.endpoint.respond(now, tx, Reply::new(status).header(Name::RetryAfter, RETRY_AFTER_S));
            }
        }
    }
}

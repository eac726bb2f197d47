//! The exchange as the faces hold it.

use std::sync::Arc;

use model::{AccountId, Binding, CallUid, Directory};
use storage::Storage;
use tokio::runtime::Handle;
use uri::Aor;

use crate::accounts::Accounts;
use crate::view::{CallView, ChannelView, Counters};
use crate::{Error, Settings};

/// The running exchange. Cheap to clone; the last clone does not stop it, [`Exchange::stop`] does.
#[derive(Clone)]
pub struct Exchange {
    inner: Arc<Inner>,
}

struct Inner {}

impl Exchange {
    /// Closes the records an earlier epoch left open, loads accounts and live bindings, binds the sockets, starts the
    /// workers.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Signaling`] (a listener cannot be bound), [`Error::Media`], [`Error::Random`].
    pub async fn start(settings: Settings, storage: Storage, handle: Handle) -> Result<Exchange, Error> { unimplemented!() }

    /// Accounts: create, update, delete, find, list.
    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> { Accounts::new(self) }

    /// The present directory.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> { unimplemented!() }

    /// The settings it runs with.
    #[must_use]
    pub fn settings(&self) -> &Settings { unimplemented!() }

    /// Live contacts, of one address of record or of all; ordered by address of record.
    #[must_use]
    pub fn registrations(&self, aor: Option<&Aor>) -> Vec<Binding> { unimplemented!() }

    /// Removes the contacts of an account; how many there were.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the account is unknown.
    pub async fn remove_registration(&self, account: AccountId) -> Result<usize, Error> { unimplemented!() }

    /// Every running call, oldest first, with media counters not older than a moment.
    pub async fn active_calls(&self) -> Vec<CallView> { unimplemented!() }

    /// One running call.
    pub async fn call(&self, uid: CallUid) -> Option<CallView> { unimplemented!() }

    /// Ends a running call as the operator.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no such call runs.
    pub async fn hangup(&self, uid: CallUid) -> Result<(), Error> { unimplemented!() }

    /// Every media channel of the running calls.
    pub async fn channels(&self) -> Vec<ChannelView> { unimplemented!() }

    /// Totals.
    #[must_use]
    pub fn counters(&self) -> Counters { unimplemented!() }

    /// Takes no new work from now on: new INVITE and REGISTER get 503, calls go on.
    pub fn drain(&self) { unimplemented!() }

    /// Whether [`Exchange::drain`] was called.
    #[must_use]
    pub fn draining(&self) -> bool { unimplemented!() }

    /// Where it listens for SIP, as bound.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<signaling::Listen> { unimplemented!() }

    /// Ends every call with BYE, flushes what is written behind, closes the sockets, joins the workers.
    pub async fn stop(&self) { unimplemented!() }
}

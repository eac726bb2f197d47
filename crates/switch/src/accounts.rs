//! Accounts: stored first, then swapped into the directory.

use std::sync::Arc;

use model::{Account, AccountChange, AccountId, Listing, NewAccount, Page, TenantId};

use crate::{Error, Exchange};

/// Which accounts a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Of this tenant only.
    pub tenant: Option<TenantId>,
    /// Whose username, display name or extension contains this, without regard to case.
    pub search: Option<String>,
}

/// The accounts of an exchange; made by [`Exchange::accounts`].
pub struct Accounts<'a> {
    exchange: &'a Exchange,
}

impl<'a> Accounts<'a> {
    pub(crate) fn new(exchange: &'a Exchange) -> Accounts<'a> {
        Accounts { exchange }
    }

    /// Stores a new account and makes it known to every worker. An empty domain stands for the server's.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a field out of its rules, [`Error::Taken`] when username or extension is in use,
    /// [`Error::Storage`].
    pub async fn create(&self, new: NewAccount) -> Result<Arc<Account>, Error> { unimplemented!() }

    /// Changes an account; running calls keep what they began with.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Taken`], [`Error::Storage`].
    pub async fn update(&self, tenant: TenantId, id: AccountId, change: AccountChange) -> Result<Arc<Account>, Error> { unimplemented!() }

    /// Removes an account and its contacts; running calls go on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn delete(&self, tenant: TenantId, id: AccountId) -> Result<(), Error> { unimplemented!() }

    /// One account of a tenant, by id.
    #[must_use]
    pub fn find(&self, tenant: TenantId, id: AccountId) -> Option<Arc<Account>> { unimplemented!() }

    /// One account by username in a domain (`None`: the server's).
    #[must_use]
    pub fn find_by_username(&self, username: &str, domain: Option<&str>) -> Option<Arc<Account>> { unimplemented!() }

    /// A page of accounts, oldest first.
    #[must_use]
    pub fn list(&self, filter: &AccountFilter, page: Page) -> Listing<Arc<Account>> { unimplemented!() }
}

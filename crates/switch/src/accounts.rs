//! Accounts: stored first, then swapped into the directory.

use model::{Account, AccountId, Ha1, Listing, Page, Permissions, Template, TenantId};

use crate::{Error, Exchange};

/// The secret of an account.
#[derive(Clone)]
pub enum Secret {
    /// A password; only its HA1 values are kept.
    Password(String),
    /// HA1 values made elsewhere for our realm.
    Ha1(Ha1),
}

/// An account to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The user part of its address of record.
    pub username: String,
    /// Its domain; `None`: the server's.
    pub domain: Option<String>,
    /// Its secret.
    pub secret: Secret,
    /// Name shown to others; `None`: the username.
    pub display_name: Option<String>,
    /// Its mail address.
    pub email: Option<String>,
    /// The application's own user id.
    pub external_id: Option<String>,
    /// Its short number.
    pub extension: Option<String>,
    /// The set of routes it may dial; `None`: `default`.
    pub context: Option<String>,
    /// Transport and media profile.
    pub template: Template,
    /// Contacts at once; `None`: 5.
    pub max_contacts: Option<u32>,
    /// Calls at once; `None`: 3.
    pub max_concurrent_calls: Option<u32>,
    /// What it may do; `None`: the default set.
    pub permissions: Option<Permissions>,
    /// The number it shows outside.
    pub caller_id: Option<String>,
    /// May register and call.
    pub enabled: bool,
    /// Has a weak secret on purpose.
    pub development_only: bool,
}

/// Changes to an account: `None` keeps what is there.
#[derive(Clone, Default)]
pub struct AccountChanges {
    /// A new secret.
    pub secret: Option<Secret>,
    /// A new name shown to others.
    pub display_name: Option<String>,
    /// A new mail address, or none.
    pub email: Option<Option<String>>,
    /// A new user id of the application, or none.
    pub external_id: Option<Option<String>>,
    /// A new short number, or none.
    pub extension: Option<Option<String>>,
    /// A new set of routes.
    pub context: Option<String>,
    /// A new profile.
    pub template: Option<Template>,
    /// A new bound of contacts.
    pub max_contacts: Option<u32>,
    /// A new bound of calls.
    pub max_concurrent_calls: Option<u32>,
    /// A new set of permissions.
    pub permissions: Option<Permissions>,
    /// A new number shown outside, or none.
    pub caller_id: Option<Option<String>>,
    /// Whether it may register and call.
    pub enabled: Option<bool>,
    /// Whether its secret is weak on purpose.
    pub development_only: Option<bool>,
}

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

    /// Stores a new account and makes it known to every worker.
    ///
    /// # Errors
    /// [`Error::Taken`] when username or extension is in use, [`Error::Invalid`] for a name that cannot be one,
    /// [`Error::Storage`].
    pub async fn create(&self, new: NewAccount) -> Result<Account, Error> { unimplemented!() }

    /// Changes an account; running calls keep what they began with.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Taken`], [`Error::Storage`].
    pub async fn update(&self, tenant: TenantId, id: AccountId, changes: AccountChanges) -> Result<Account, Error> { unimplemented!() }

    /// Removes an account and its contacts; running calls go on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn delete(&self, tenant: TenantId, id: AccountId) -> Result<(), Error> { unimplemented!() }

    /// One account of a tenant, by id.
    #[must_use]
    pub fn find(&self, tenant: TenantId, id: AccountId) -> Option<Account> { unimplemented!() }

    /// One account by username in a domain (`None`: the server's).
    #[must_use]
    pub fn find_by_username(&self, username: &str, domain: Option<&str>) -> Option<Account> { unimplemented!() }

    /// A page of accounts, ordered by username.
    #[must_use]
    pub fn list(&self, filter: &AccountFilter, page: Page) -> Listing<Account> { unimplemented!() }
}

//! Accounts: stored first, then swapped into the directory.

use std::sync::Arc;

use model::{Account, AccountChange, AccountId, Directory, Ha1, Listing, NewAccount, Page, TenantId};
use sip::digest::{Algorithm, ha1};
use storage::Write;
use uri::Aor;

use crate::Error;
use crate::exchange::Inner;

/// Which accounts a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Of this tenant only.
    pub tenant: Option<TenantId>,
    /// Whose username, display name, extension or foreign id contains this, without regard to case.
    pub search: Option<String>,
}

/// The accounts of an exchange; made by [`crate::Exchange::accounts`].
pub struct Accounts<'a> {
    inner: &'a Inner,
}

impl<'a> Accounts<'a> {
    pub(crate) fn new(inner: &'a Inner) -> Accounts<'a> {
        Accounts { inner }
    }

    /// Stores a new account and makes it known to every worker. An empty domain stands for the server's.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a field out of its rules, [`Error::Taken`] when username or extension is in use,
    /// [`Error::Storage`].
    pub async fn create(&self, new: NewAccount) -> Result<Arc<Account>, Error> {
        let account = self.checked(new)?;
        let _one_at_a_time = self.inner.core.provisioning.lock().await;
        let stored = self.inner.storage.accounts().insert(&account).await;
        let revision = stored.map_err(|error| taken(error, &account))?;
        let account = Arc::new(account);
        self.swap(|directory| directory.with_account(Arc::clone(&account), revision));
        Ok(account)
    }

    /// Stores many new accounts in one transaction; one that is refused does not hold up the others. The results come
    /// in the order of the accounts.
    ///
    /// # Errors
    /// [`Error::Storage`] when none could be stored. Per account as [`Accounts::create`].
    pub async fn create_each(&self, new: Vec<NewAccount>) -> Result<Vec<Result<Arc<Account>, Error>>, Error> {
        let checked: Vec<Result<Account, Error>> = new.into_iter().map(|new| self.checked(new)).collect();
        let good: Vec<Account> =
            checked.iter().filter_map(|account| account.as_ref().ok().cloned()).collect();
        let _one_at_a_time = self.inner.core.provisioning.lock().await;
        let (stored, revision) = self.inner.storage.accounts().insert_each(&good).await?;
        let mut stored = stored.into_iter();
        let results: Vec<_> = checked
            .into_iter()
            .map(|account| {
                let account = account?;
                stored.next().unwrap_or(Ok(())).map_err(|error| taken(error, &account))?;
                Ok(Arc::new(account))
            })
            .collect();
        let made: Vec<_> =
            results.iter().filter_map(|result: &Result<_, Error>| result.as_ref().ok()).collect();
        self.swap(|directory| {
            made.iter()
                .fold(directory.clone(), |next, account| next.with_account(Arc::clone(account), revision))
        });
        Ok(results)
    }

    /// Changes an account; running calls keep what they began with.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Taken`], [`Error::Storage`].
    pub async fn update(
        &self,
        tenant: TenantId,
        id: AccountId,
        change: AccountChange,
    ) -> Result<Arc<Account>, Error> {
        let _one_at_a_time = self.inner.core.provisioning.lock().await;
        let before = self.find(tenant, id).ok_or(Error::NotFound("account"))?;
        let now = self.inner.core.clock.now();
        let domain = before.domain().to_owned();
        let account =
            change.apply(&before, now, |username, password| self.digest(username, &domain, password))?;
        let stored = self.inner.storage.accounts().update(&account).await;
        let revision = stored.map_err(|error| taken(error, &account))?.ok_or(Error::NotFound("account"))?;
        let account = Arc::new(account);
        self.swap(|directory| directory.with_account(Arc::clone(&account), revision));
        if !account.enabled || account.secrets != before.secrets {
            // Who may not register any more, or registered with a secret that is no longer good, is not called either.
            self.forget_contacts(id);
        }
        Ok(account)
    }

    /// Removes an account and its contacts; running calls go on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn delete(&self, tenant: TenantId, id: AccountId) -> Result<(), Error> {
        let _one_at_a_time = self.inner.core.provisioning.lock().await;
        let revision =
            self.inner.storage.accounts().delete(tenant, id).await?.ok_or(Error::NotFound("account"))?;
        self.swap(|directory| directory.without(id, revision));
        self.forget_contacts(id);
        Ok(())
    }

    /// One account of a tenant, by id.
    #[must_use]
    pub fn find(&self, tenant: TenantId, id: AccountId) -> Option<Arc<Account>> {
        let directory = self.inner.core.shared.directory();
        directory.account(id).filter(|account| account.tenant == tenant).cloned()
    }

    /// One account by username in a domain (`None`: the server's).
    #[must_use]
    pub fn find_by_username(&self, username: &str, domain: Option<&str>) -> Option<Arc<Account>> {
        let domain = domain.unwrap_or(&self.inner.core.rules.identity.domain);
        let aor = Aor::new(username, domain).ok()?;
        self.inner.core.shared.directory().account_by_aor(&aor).cloned()
    }

    /// A page of accounts, oldest first.
    #[must_use]
    pub fn list(&self, filter: &AccountFilter, page: Page) -> Listing<Arc<Account>> {
        let directory = self.inner.core.shared.directory_snapshot();
        let search = filter.search.as_deref().map(str::to_lowercase);
        let found: Vec<_> = directory
            .accounts()
            .filter(|account| filter.tenant.is_none_or(|tenant| account.tenant == tenant))
            .filter(|account| search.as_deref().is_none_or(|search| mentions(account, search)))
            .collect();
        let total = found.len() as u64;
        let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let take = usize::try_from(page.limit()).unwrap_or(0);
        let items = found.into_iter().skip(skip).take(take).cloned().collect();
        Listing::new(items, total, page)
    }

    fn checked(&self, mut new: NewAccount) -> Result<Account, Error> {
        let core = &self.inner.core;
        if new.domain.is_empty() {
            new.domain.clone_from(&core.rules.identity.domain);
        }
        let now = core.clock.now();
        let id = core.uids.lock().next(now);
        let domain = new.domain.to_ascii_lowercase();
        Ok(new.into_account(id, now, |username, password| self.digest(username, &domain, password))?)
    }

    /// What is kept of a password, for the realm of the domain.
    fn digest(&self, username: &str, domain: &str, password: &str) -> Ha1 {
        let realm = self.inner.core.rules.realm_of(domain);
        let with = |algorithm| ha1(algorithm, username, realm, password);
        Ha1 {
            md5: with(Algorithm::Md5),
            sha256: with(Algorithm::Sha256),
            sha512_256: with(Algorithm::Sha512_256),
        }
    }

    fn swap(&self, next: impl FnOnce(&Directory) -> Directory) {
        let shared = &self.inner.core.shared;
        let next = next(&shared.directory());
        shared.swap_directory(next);
    }

    fn forget_contacts(&self, account: AccountId) {
        for binding in self.inner.core.shared.locations.remove(account) {
            let write = Write::BindingRemove { account, key: binding.id };
            if self.inner.writer.submit(write, None).is_err() {
                tracing::warn!(%account, "a contact could not be removed from the database; it ends with its expiry");
            }
        }
    }
}

fn mentions(account: &Account, search: &str) -> bool {
    let texts = [Some(account.username()), Some(&*account.display_name), account.extension.as_deref()];
    let texts = texts.into_iter().chain([account.external_id.as_deref()]).flatten();
    texts.into_iter().any(|text| text.to_lowercase().contains(search))
}

/// A refusal of the database that is the fault of who asked.
fn taken(error: storage::Error, account: &Account) -> Error {
    let storage::Error::Duplicate { field } = &error else { return Error::Storage(error) };
    match field.as_str() {
        "extension" => {
            Error::Taken { field: "extension", value: account.extension.clone().unwrap_or_default() }
        }
        _ => Error::Taken { field: "username", value: account.username().to_owned() },
    }
}

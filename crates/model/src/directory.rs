//! What calls are decided with: all accounts, as an immutable value.

use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use uri::Aor;

use crate::{Account, AccountId, TenantId};

/// All accounts of the exchange at one revision.
///
/// Persistent maps: a change makes a new directory that shares all but a few nodes with the old one, so a running
/// decision keeps its snapshot and nothing is ever rebuilt as a whole. Iteration is in order of id, never of hash.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    by_id: OrdMap<AccountId, Arc<Account>>,
    by_aor: HashMap<Aor, Arc<Account>>,
    by_extension: HashMap<TenantId, HashMap<String, Arc<Account>>>,
    domains: OrdMap<String, usize>,
    revision: u64,
}

impl Directory {
    /// A directory of these accounts, as read at the start.
    #[must_use]
    pub fn new(accounts: impl IntoIterator<Item = Account>, revision: u64) -> Directory {
        let mut directory = Directory::default();
        for account in accounts {
            directory.insert(Arc::new(account));
        }
        directory.revision = revision;
        directory
    }

    /// The revision of the stored accounts that it shows.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is no account at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Arc<Account>> {
        self.by_id.get(&id)
    }

    /// The account that an address-of-record names.
    #[must_use]
    pub fn account_by_aor(&self, aor: &Aor) -> Option<&Arc<Account>> {
        self.by_aor.get(aor)
    }

    /// The account with this short number in the tenant.
    #[must_use]
    pub fn by_extension(&self, tenant: TenantId, extension: &str) -> Option<&Arc<Account>> {
        self.by_extension.get(&tenant)?.get(extension)
    }

    /// All accounts in order of id.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.by_id.values()
    }

    /// The domains that have accounts, in order.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.keys().map(String::as_str)
    }

    /// Whether any account is in this domain (in lower case).
    #[must_use]
    pub fn has_domain(&self, domain: &str) -> bool {
        self.domains.contains_key(domain)
    }

    /// The directory with this account added or changed, at the revision that storage gave the change.
    #[must_use]
    pub fn with_account(&self, account: Arc<Account>, revision: u64) -> Directory {
        let mut next = self.clone();
        next.remove(account.id);
        next.insert(account);
        next.revision = revision;
        next
    }

    /// The directory without this account.
    #[must_use]
    pub fn without(&self, id: AccountId, revision: u64) -> Directory {
        let mut next = self.clone();
        next.remove(id);
        next.revision = revision;
        next
    }

    fn insert(&mut self, account: Arc<Account>) {
        self.by_aor.insert(account.aor.clone(), Arc::clone(&account));
        if let Some(extension) = &account.extension {
            self.by_extension
                .entry(account.tenant)
                .or_default()
                .insert(extension.clone(), Arc::clone(&account));
        }
        *self.domains.entry(account.domain().to_owned()).or_insert(0) += 1;
        self.by_id.insert(account.id, account);
    }

    fn remove(&mut self, id: AccountId) {
        let Some(account) = self.by_id.remove(&id) else { return };
        self.by_aor.remove(&account.aor);
        if let (Some(extension), Some(of_tenant)) =
            (&account.extension, self.by_extension.get_mut(&account.tenant))
        {
            of_tenant.remove(extension);
        }
        match self.domains.get_mut(account.domain()) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.domains.remove(account.domain());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clock::Time;

    use super::*;
    use crate::{Ha1, NewAccount, Uid};

    fn account(id: u8, username: &str, domain: &str, extension: Option<&str>) -> Account {
        let mut new = NewAccount::new(TenantId::DEFAULT, username, domain, "correct horse");
        new.extension = extension.map(str::to_owned);
        let none = || Ha1 { md5: String::new(), sha256: String::new(), sha512_256: String::new() };
        new.into_account(AccountId(Uid::from_bytes([id; 16])), Time::ZERO, |_, _| none()).unwrap()
    }

    fn names(found: Option<&Arc<Account>>) -> Option<&str> {
        found.map(|account| account.username())
    }

    #[test]
    fn finds_accounts_by_id_aor_and_extension() {
        let ann = account(1, "ann", "a.example", Some("6001"));
        let directory = Directory::new([ann.clone(), account(2, "bob", "b.example", None)], 5);
        assert_eq!((directory.len(), directory.revision()), (2, 5));
        assert_eq!(names(directory.account(ann.id)), Some("ann"));
        assert_eq!(names(directory.account_by_aor(&ann.aor)), Some("ann"));
        assert_eq!(names(directory.by_extension(TenantId::DEFAULT, "6001")), Some("ann"));
        assert_eq!(names(directory.by_extension(TenantId(Uid::from_bytes([9; 16])), "6001")), None);
        assert_eq!(names(directory.by_extension(TenantId::DEFAULT, "6002")), None);
        assert_eq!(directory.domains().collect::<Vec<_>>(), ["a.example", "b.example"]);
    }

    #[test]
    fn a_change_leaves_no_trace_of_the_old_number() {
        let before = Directory::new([account(1, "ann", "a.example", Some("6001"))], 1);
        let after = before.with_account(Arc::new(account(1, "ann", "a.example", Some("6002"))), 2);
        assert_eq!(names(after.by_extension(TenantId::DEFAULT, "6001")), None);
        assert_eq!(names(after.by_extension(TenantId::DEFAULT, "6002")), Some("ann"));
        assert_eq!((after.len(), after.revision()), (1, 2));
        assert_eq!(
            names(before.by_extension(TenantId::DEFAULT, "6001")),
            Some("ann"),
            "the old snapshot is untouched"
        );
    }

    #[test]
    fn a_domain_is_known_as_long_as_it_has_accounts() {
        let ann = account(1, "ann", "a.example", None);
        let two = Directory::new([ann.clone(), account(2, "bob", "a.example", None)], 1);
        let one = two.without(ann.id, 2);
        assert!(one.has_domain("a.example") && one.account_by_aor(&ann.aor).is_none());
        let none = one.without(AccountId(Uid::from_bytes([2; 16])), 3);
        assert!(!none.has_domain("a.example") && none.is_empty());
        assert_eq!(none.without(ann.id, 4).len(), 0, "removing twice is harmless");
    }

    #[test]
    fn accounts_come_in_order_of_id() {
        let made = [5, 1, 9, 3].map(|id| account(id, &format!("u{id}"), "a.example", None));
        let directory = Directory::new(made, 1);
        let order: Vec<_> = directory.accounts().map(|account| account.username()).collect();
        assert_eq!(order, ["u1", "u3", "u5", "u9"]);
    }
}

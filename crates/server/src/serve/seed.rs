//! The first start: the realm, the first person, two accounts to try. Done again when the first start was cut short
//! before its passwords were shown.

use clock::{Random, Time};
use model::{NewAccount, Role, Template, TenantId, Uids, User};
use storage::Storage;
use switch::Exchange;

use super::first_start::{DemoAccount, Made};
use super::secrets::password;

/// Names of the values kept in the database.
const REALM: &str = "realm";
const DOMAIN: &str = "domain";
const SHOWN: &str = "first_start_shown_at";
/// The first person.
const ADMIN: &str = "admin";
/// The accounts to try: name, kind, and what it is for.
const ACCOUNTS: [(&str, Template, &str); 2] =
    [("6001", Template::Webrtc, "browser"), ("6010", Template::Softphone, "softphone")];

/// Domain and realm; they never change after the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The domain of accounts that name none.
    pub(super) domain: String,
    /// The digest realm.
    pub(super) realm: String,
    /// The configured domain, when it is another one by now: we answer for it too.
    pub(super) added: Option<String>,
}

/// The names of the first start, and the one that was configured since.
///
/// # Errors
/// When the database fails.
pub(super) async fn names(storage: &Storage, configured: &str) -> anyhow::Result<Names> {
    let domain = storage.settings().keep_first(DOMAIN, configured).await?;
    let realm = storage.settings().keep_first(REALM, configured).await?;
    let added = Some(configured.to_owned()).filter(|configured| *configured != domain);
    Ok(Names { domain, realm, added })
}

/// Where things are made.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) storage: &'a Storage,
    pub(super) exchange: &'a Exchange,
}

/// Makes the first person and the accounts to try, at the first start; `None` at every later one.
///
/// # Errors
/// When the database fails.
pub(super) async fn first_start(
    target: Target<'_>,
    admin_password: Option<&str>,
    (random, ids): (&mut Random, &mut Uids),
    now: Time,
) -> anyhow::Result<Option<Made>> {
    if target.storage.settings().read(SHOWN).await?.is_some() {
        return Ok(None);
    }
    let generated = admin_password.is_none().then(|| password(random));
    let admin = admin_password.map(str::to_owned).or_else(|| generated.clone()).unwrap_or_default();
    person(target.storage, admin, ids, now).await?;
    let mut accounts = Vec::new();
    for (username, template, purpose) in ACCOUNTS {
        let password = password(random);
        account(target.exchange, (username, template), &password).await?;
        accounts.push(DemoAccount { username, purpose, password });
    }
    Ok(Some(Made { admin_password: generated, accounts }))
}

/// The passwords were shown: the first start is over.
///
/// # Errors
/// When the database fails.
pub(super) async fn shown(storage: &Storage, now: Time) -> anyhow::Result<()> {
    Ok(storage.settings().put(SHOWN, &now.to_rfc3339()).await?)
}

async fn person(storage: &Storage, password: String, ids: &mut Uids, now: Time) -> anyhow::Result<()> {
    let password_hash = tokio::task::spawn_blocking(move || api::hash_password(&password)).await??;
    match storage.users().find_by_username(ADMIN).await? {
        Some(user) => {
            storage.users().update(&User { password_hash, updated_at: now, ..user }).await?;
        }
        None => {
            let user = User {
                id: ids.next(now),
                tenant: TenantId::DEFAULT,
                username: ADMIN.to_owned(),
                password_hash,
                role: Role::Admin,
                created_at: now,
                updated_at: now,
            };
            storage.users().insert(&user).await?;
        }
    }
    Ok(())
}

async fn account(
    exchange: &Exchange,
    (username, template): (&str, Template),
    password: &str,
) -> anyhow::Result<()> {
    if let Some(earlier) = exchange.accounts().find_by_username(username, None) {
        exchange.accounts().delete(earlier.tenant, earlier.id).await?;
    }
    // An empty domain stands for the server's.
    let new = NewAccount {
        extension: Some(username.to_owned()),
        template,
        ..NewAccount::new(TenantId::DEFAULT, username, "", password)
    };
    exchange.accounts().create(new).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn opened(dir: &tempfile::TempDir) -> Storage {
        Storage::open(storage::Settings::new(dir.path().to_owned(), [7; 32])).await.unwrap()
    }

    #[tokio::test]
    async fn the_realm_stays_and_a_new_domain_is_added() {
        let dir = tempfile::tempdir().unwrap();
        let storage = opened(&dir).await;
        let first = names(&storage, "pbx.example").await.unwrap();
        let kept = |added: Option<&str>| Names {
            domain: "pbx.example".to_owned(),
            realm: "pbx.example".to_owned(),
            added: added.map(str::to_owned),
        };
        assert_eq!(first, kept(None));
        assert_eq!(names(&storage, "new.example").await.unwrap(), kept(Some("new.example")));
        assert_eq!(names(&storage, "pbx.example").await.unwrap(), kept(None));
    }

    #[tokio::test]
    async fn the_admin_is_made_once_and_gets_a_new_password_when_the_start_was_cut_short() {
        let dir = tempfile::tempdir().unwrap();
        let storage = opened(&dir).await;
        let mut ids = Uids::new(1, 1, Random::seeded(1));
        let now = Time::from_secs(1_800_000_000);
        person(&storage, "first-password".to_owned(), &mut ids, now).await.unwrap();
        let first = storage.users().find_by_username(ADMIN).await.unwrap().unwrap();
        assert_eq!(first.role, Role::Admin);
        assert!(first.password_hash.starts_with("$argon2id$"), "{}", first.password_hash);
        person(&storage, "second-password".to_owned(), &mut ids, now).await.unwrap();
        let second = storage.users().find_by_username(ADMIN).await.unwrap().unwrap();
        assert_eq!(second.id, first.id);
        assert_ne!(second.password_hash, first.password_hash);
    }
}

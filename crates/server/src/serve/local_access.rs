//! What the command line on this machine needs to talk to us: an address, and a key that lives as long as we do.

use std::path::{Path, PathBuf};

use clock::Time;
use model::{Page, TenantId, TokenId, Uids};
use storage::Storage;

use super::secrets::write_private;
use crate::client::Access;

/// The name of the key in the list of keys.
const NAME: &str = "command line of this machine";

/// The key that was left.
pub(super) struct Local {
    id: TokenId,
    path: PathBuf,
}

/// Makes a key, replaces that of an earlier start, and writes both where the command line looks.
///
/// # Errors
/// When the database or the data directory cannot be written.
pub(super) async fn leave(
    storage: &Storage,
    data_dir: &Path,
    url: &str,
    ids: &mut Uids,
    now: Time,
) -> anyhow::Result<Local> {
    forget_earlier(storage).await?;
    let (token, kept) = api::local_key(ids.next(now), TenantId::DEFAULT, NAME, now)?;
    let id = kept.id;
    storage.tokens().insert(&kept).await?;
    let access = Access { url: url.to_owned(), token, pid: std::process::id() };
    let path = Access::path(data_dir);
    write_private(&path, &serde_json::to_vec(&access)?)?;
    Ok(Local { id, path })
}

/// A server that was killed could not remove its key.
async fn forget_earlier(storage: &Storage) -> anyhow::Result<()> {
    let mut page = Page { page: 1, per_page: 500 };
    loop {
        let found = storage.tokens().list(TenantId::DEFAULT, page).await?;
        let last = found.items.is_empty();
        for token in found.items.iter().filter(|token| token.name == NAME) {
            storage.tokens().delete(TenantId::DEFAULT, token.id).await?;
        }
        if last || u64::from(page.page) * u64::from(page.per_page) >= found.total {
            return Ok(());
        }
        page.page += 1;
    }
}

impl Local {
    /// Takes the key back.
    pub(super) async fn remove(self, storage: &Storage) {
        if let Err(error) = storage.tokens().delete(TenantId::DEFAULT, self.id).await {
            tracing::warn!(%error, "the key of the command line is still in the database; the next start removes it");
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use clock::Random;

    use super::*;

    #[tokio::test]
    async fn one_key_is_left_for_the_owner_only_and_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::open(storage::Settings::new(dir.path().to_owned(), [7; 32])).await.unwrap();
        let mut ids = Uids::new(1, 1, Random::seeded(1));
        let now = Time::from_secs(1_800_000_000);
        leave(&storage, dir.path(), "http://127.0.0.1:1", &mut ids, now).await.unwrap();
        let local = leave(&storage, dir.path(), "http://127.0.0.1:2", &mut ids, now).await.unwrap();
        let access = Access::read(dir.path()).unwrap().unwrap();
        assert_eq!(access.url, "http://127.0.0.1:2");
        assert_eq!(std::fs::metadata(Access::path(dir.path())).unwrap().permissions().mode() & 0o777, 0o600);
        let list = || async {
            storage.tokens().list(TenantId::DEFAULT, Page { page: 1, per_page: 10 }).await.unwrap()
        };
        let kept = list().await;
        assert_eq!(kept.total, 1, "the earlier key is gone");
        assert!(kept.items[0].scopes.iter().any(|scope| scope == "sip-users"), "{:?}", kept.items[0].scopes);
        local.remove(&storage).await;
        assert_eq!(list().await.total, 0);
        assert!(Access::read(dir.path()).unwrap().is_none());
    }
}

//! The data directory.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

/// Only the owner may look inside.
const OWNER_ONLY: u32 = 0o700;

/// Files that this process makes from now on are its owner's only: the database holds sealed secrets and numbers.
pub(crate) fn close_new_files() {
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
}

/// Makes the directory where it is missing; closes it to others in any case.
///
/// # Errors
/// When it cannot be made or is not ours.
pub(crate) fn prepare(data_dir: &Path) -> anyhow::Result<()> {
    let shown = data_dir.display();
    DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY)
        .create(data_dir)
        .with_context(|| format!("cannot make the data directory {shown}; choose another with --data-dir"))?;
    let mode = fs::metadata(data_dir)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        fs::set_permissions(data_dir, fs::Permissions::from_mode(OWNER_ONLY))
            .with_context(|| format!("the data directory {shown} is open to others and not ours to close"))?;
        tracing::warn!(dir = %shown, mode = %format!("{mode:o}"), "the data directory was open to others; now it is not");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn it_is_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("a/b");
        prepare(&new).unwrap();
        assert_eq!(mode(&new), 0o700);
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        prepare(&new).unwrap();
        assert_eq!(mode(&new), 0o700);
    }

    #[test]
    fn what_cannot_be_made_is_named_with_its_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let message = format!("{:#}", prepare(&file.join("data")).unwrap_err());
        assert!(message.contains("file/data") && message.contains("--data-dir"), "{message}");
    }
}

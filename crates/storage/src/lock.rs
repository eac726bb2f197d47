//! One instance per data directory.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

const LOCK_FILE: &str = "lock";
/// Secrets lie in it.
const OWNER_ONLY_DIR: u32 = 0o700;
const OWNER_ONLY_FILE: u32 = 0o600;

/// The lock on a data directory. The operating system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    /// The directory as an absolute path.
    pub(crate) path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if it is missing, and locks it.
    pub(crate) fn lock(dir: &Path) -> Result<DataDir> {
        let failed = |source| Error::DataDir { dir: dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(OWNER_ONLY_DIR).create(dir).map_err(failed)?;
        let path = dir.canonicalize().map_err(failed)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(OWNER_ONLY_FILE);
        let mut file = options.open(path.join(LOCK_FILE)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { dir: path, pid: holder(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(DataDir { path, _lock: file })
    }
}

/// The process id written by whoever holds the lock.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.read_to_string(&mut text);
    let pid = text.trim();
    if read.is_ok() && !pid.is_empty() { pid.to_owned() } else { "unknown".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_instance_is_refused_by_name_until_the_first_is_gone() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("deep/data");
        let first = DataDir::lock(&dir).unwrap();
        let refused = DataDir::lock(&dir).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains(&std::process::id().to_string()), "{said}");
        assert!(said.contains("deep/data"), "{said}");
        drop(first);
        assert!(DataDir::lock(&dir).is_ok());
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = DataDir::lock(&file.join("data")).unwrap_err();
        assert!(matches!(&refused, Error::DataDir { dir, .. } if dir.ends_with("file/data")), "{refused}");
    }
}

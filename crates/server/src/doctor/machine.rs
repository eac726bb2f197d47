//! The data directory, the limits, the clock.

use std::fs::{self, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clock::{SystemClock, Time};
use config::Config;

use super::Finding;
use crate::serve::limits;

/// Before this the clock cannot be right: 2026-01-01.
const PLAUSIBLE: Time = Time::from_secs(1_767_225_600);
/// The file that the running server holds locked.
const LOCK_FILE: &str = "lock";

pub(super) fn data_dir(config: &Config, running: bool) -> Finding {
    const SUBJECT: &str = "data directory";
    let dir = &config.data_dir;
    let shown = dir.display();
    let Ok(metadata) = fs::metadata(dir) else {
        return match nearest_existing(dir) {
            Some(parent) if writable(parent) => {
                Finding::ok(SUBJECT, format!("{shown} is made at the first start"))
            }
            _ => Finding::fail(
                SUBJECT,
                format!("{shown} cannot be made"),
                "give its parent directory to the user who starts the server, or choose another with --data-dir",
            ),
        };
    };
    if !metadata.is_dir() {
        return Finding::fail(
            SUBJECT,
            format!("{shown} is not a directory"),
            "move it away, or choose another with --data-dir",
        );
    }
    if !writable(dir) {
        return Finding::fail(
            SUBJECT,
            format!("{shown} is not writable"),
            "give it to the user who starts the server: chown -R USER DIR",
        );
    }
    if locked(&dir.join(LOCK_FILE)) {
        return if running {
            Finding::ok(SUBJECT, format!("{shown}, in use by our running server"))
        } else {
            Finding::fail(
                SUBJECT,
                format!("{shown} is locked by another server, which does not answer"),
                "stop it (`fuser` on the file lock names it), or choose another with --data-dir",
            )
        };
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Finding::warn(
            SUBJECT,
            format!("{shown} is open to others (mode {mode:o})"),
            format!("chmod 700 {shown}; the next start does it too"),
        );
    }
    Finding::ok(SUBJECT, shown.to_string())
}

fn nearest_existing(dir: &Path) -> Option<&Path> {
    dir.ancestors()
        .skip(1)
        .map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
        .find(|parent| parent.exists())
}

/// Asks the kernel, which changes nothing.
fn writable(dir: &Path) -> bool {
    rustix::fs::access(dir, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

fn locked(file: &Path) -> bool {
    fs::File::open(file).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

pub(super) fn open_files(config: &Config) -> Finding {
    const SUBJECT: &str = "file limit";
    let wanted = limits::wanted_files(config.media.ports);
    match limits::open_files() {
        (_, Some(most)) if most < wanted => Finding::warn(
            SUBJECT,
            format!("{most} open files are allowed; {wanted} are wanted when all media ports are in use"),
            format!(
                "raise it: LimitNOFILE={wanted} in the systemd unit, or `ulimit -Hn {wanted}`; or a smaller media.ports"
            ),
        ),
        (_, Some(most)) => Finding::ok(SUBJECT, format!("{most} open files allowed, {wanted} wanted")),
        (_, None) => Finding::ok(SUBJECT, "no limit on open files"),
    }
}

pub(super) fn clock() -> Finding {
    judge_clock(SystemClock::new().now())
}

fn judge_clock(now: Time) -> Finding {
    let found = now.to_rfc3339();
    if now < PLAUSIBLE {
        return Finding::fail(
            "clock",
            format!("it is {found}, says this machine"),
            "set the clock: timedatectl set-ntp true",
        );
    }
    Finding::ok("clock", found)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::tests::config;
    use super::*;

    fn with_dir(dir: &Path) -> Config {
        config(&format!("data_dir = '{}'", dir.display()))
    }

    #[test]
    fn a_data_directory_that_can_be_made_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        let finding = data_dir(&with_dir(&dir.path().join("a/b")), false);
        assert_eq!(finding.verdict, Verdict::Ok);
        assert!(!dir.path().join("a").exists(), "nothing is changed");
    }

    #[test]
    fn a_locked_data_directory_is_a_failure_unless_it_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let lock = fs::File::create(dir.path().join(LOCK_FILE)).unwrap();
        lock.lock().unwrap();
        assert_eq!(data_dir(&with_dir(dir.path()), false).verdict, Verdict::Fail);
        assert_eq!(data_dir(&with_dir(dir.path()), true).verdict, Verdict::Ok);
    }

    #[test]
    fn an_open_data_directory_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(data_dir(&with_dir(dir.path()), false).verdict, Verdict::Warn);
    }

    #[test]
    fn a_file_in_its_place_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(data_dir(&with_dir(&file), false).verdict, Verdict::Fail);
    }

    #[test]
    fn a_clock_of_another_time_is_a_failure() {
        assert_eq!(judge_clock(Time::from_secs(3_600)).verdict, Verdict::Fail);
        assert_eq!(judge_clock(PLAUSIBLE).verdict, Verdict::Ok);
    }
}

//! What the operating system grants.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors besides media ports: connections of the API and of SIP over TCP, files, listeners.
const OTHER_FILES: u64 = 12_000;

/// The limit on open files: now, and the most we may raise it to; `None`: no limit.
pub(crate) fn open_files() -> (Option<u64>, Option<u64>) {
    let limit = getrlimit(Resource::Nofile);
    (limit.current, limit.maximum)
}

/// Descriptors wanted when all media ports are in use.
pub(crate) fn wanted_files(ports: config::PortRange) -> u64 {
    u64::from(ports.last - ports.first) + 1 + OTHER_FILES
}

/// Raises the limit on open files to the most that is allowed: login shells start with 1,024.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::warn!(%error, "cannot raise the limit on open files");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_its_maximum() {
        raise_open_files();
        let (current, maximum) = open_files();
        assert_eq!(current, maximum);
    }

    #[test]
    fn each_media_port_wants_a_file() {
        let ports = "10000-20000".parse().unwrap();
        assert_eq!(wanted_files(ports), 10_001 + OTHER_FILES);
    }
}

//! Room for open sockets.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use super::Wake;

/// Makes room for this many descriptors beside those that others need, as far as the operating system allows; returns
/// how many the process may open.
///
/// Two things: the soft limit, which is 1,024 on most systems (250 calls), is raised; and the kernel's table is grown
/// now. It grows by doubling and waits for all processors each time, several milliseconds in which a signalling
/// thread that opens a port would stand still.
pub(crate) fn make_room(wanted: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure lives through the call and is exclusively ours.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let enough = wanted.saturating_add(FOR_OTHERS);
    if limit.rlim_cur < enough {
        limit.rlim_cur = limit.rlim_max.min(enough);
        // SAFETY: the structure lives through the call.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    grow_table(limit.rlim_cur.min(enough))?;
    Ok(limit.rlim_cur)
}

/// Descriptors of the rest of the server: connections, the database, logs.
const FOR_OTHERS: u64 = 8_192;

/// Opens a descriptor with a number just below `count` and closes it: the table keeps its size.
fn grow_table(count: u64) -> io::Result<()> {
    let lowest = i32::try_from(count.saturating_sub(1)).unwrap_or(i32::MAX);
    let any = Wake::new()?;
    // SAFETY: takes no pointers.
    let high = unsafe { libc::fcntl(any.raw(), libc::F_DUPFD_CLOEXEC, lowest) };
    if high < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above has just opened this descriptor; nobody else owns it.
    drop(unsafe { OwnedFd::from_raw_fd(high) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_and_never_taken_back() {
        let allowed = make_room(100).unwrap();
        let more = make_room(1_000).unwrap();
        assert!(more >= allowed);
        assert_eq!(make_room(100).unwrap(), more);
    }
}

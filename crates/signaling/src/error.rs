//! What can go wrong at the start; afterwards a broken flow is an event, not an error.

use std::io;

use crate::Listen;

/// The signalling plane could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A listener of the configuration cannot be bound.
    #[error("[sip] listen: cannot listen on {listen}: {source} ({})", remedy(.source))]
    Listen {
        /// The listener.
        listen: Listen,
        /// What the operating system said.
        source: io::Error,
    },
    /// A transport that this version cannot listen on.
    #[error("[sip] listen: {0}: only udp:// and tcp:// can be listened on")]
    Transport(Listen),
    /// No listener at all.
    #[error("[sip] listen: at least one listener is needed")]
    NoListener,
    /// The operating system refused a thread, an epoll or an event descriptor.
    #[error("cannot start a signalling worker: {0} (see the limits of the process: threads, open files)")]
    Worker(#[source] io::Error),
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program uses this port: stop it or choose another port",
        io::ErrorKind::AddrNotAvailable => "this machine does not have the address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE",
        _ => "see the address and the limits of the process",
    }
}

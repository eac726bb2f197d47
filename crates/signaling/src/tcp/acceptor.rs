//! A TCP listener.

use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use super::connection::serve;
use super::{Inner, Opened};
use crate::{Error, Listen};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1_024;

/// After an error that has to do with us (no descriptors left), not with the one connection.
const PAUSE: Duration = Duration::from_millis(100);

/// A peer that vanished without a word is noticed after 60 s + 4 × 15 s.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
const KEEPALIVE_TRIES: u32 = 4;

/// A bound listener that does not accept yet.
#[derive(Debug)]
pub(crate) struct TcpAcceptor {
    listen: Listen,
    socket: StdListener,
}

impl TcpAcceptor {
    pub(crate) fn bind(mut listen: Listen) -> Result<TcpAcceptor, Error> {
        let bound = bind(&listen).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (addr, socket) = bound.map_err(|source| Error::Listen { listen, source })?;
        listen.addr = addr;
        Ok(TcpAcceptor { listen, socket })
    }

    pub(crate) fn listen(&self) -> Listen {
        self.listen
    }

    /// Accepts until the signalling plane stops.
    pub(super) fn start(self, inner: Arc<Inner>) -> Result<(), Error> {
        let _runtime = inner.runtime.enter();
        let socket = TcpListener::from_std(self.socket).map_err(Error::Worker)?;
        let listen = self.listen;
        let mut closing = inner.closing.subscribe();
        let loop_inner = Arc::clone(&inner);
        inner.runtime.spawn(async move {
            tokio::select! {
                () = accept(&loop_inner, &socket, listen) => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
        });
        Ok(())
    }
}

fn bind(listen: &Listen) -> std::io::Result<StdListener> {
    let socket =
        Socket::new(Domain::for_address(listen.addr), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if listen.addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for the closed connections of its predecessor.
    socket.set_reuse_address(true)?;
    socket.bind(&listen.addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

async fn accept(inner: &Arc<Inner>, socket: &TcpListener, listen: Listen) {
    loop {
        match socket.accept().await {
            Ok((stream, remote)) => {
                if let Some(Opened { link, queue }) = inner.admit(&listen, remote) {
                    keep_alive(&stream);
                    tokio::spawn(serve(Arc::clone(inner), stream, link, queue));
                }
            }
            Err(error) => {
                tracing::warn!(%error, %listen, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Small messages go out at once, and a peer that vanished is noticed. Neither is worth losing the connection for.
pub(super) fn keep_alive(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    let set = stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = set {
        tracing::debug!(%error, "socket option");
    }
}

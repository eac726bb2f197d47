//! The listeners: HTTP and HTTPS, bounded in connections and in time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower_http::add_extension::AddExtension;

/// Where and how to listen.
#[derive(Clone)]
pub struct ServeSettings {
    /// The listeners; all are bound before one serves.
    pub listen: Vec<Listen>,
    /// Their bounds.
    pub limits: Limits,
}

/// One listener.
#[derive(Clone)]
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub addr: SocketAddr,
    /// HTTPS with this configuration, or plain HTTP. Without ALPN protocols, HTTP/2 and HTTP/1.1 are offered.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// Bounds of the listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, over all listeners; further ones are closed at once.
    pub max_connections: usize,
    /// A client that has not sent the head of its request, or ended its TLS handshake, by then is closed.
    pub header_timeout: Duration,
    /// How long requests that run may take to end after the shutdown.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_connections: 1_024,
            header_timeout: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }
    }
}

/// Why the API does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen for HTTP on {addr}: {cause}; free the address or change [http] listen")]
    Bind {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

/// The running listeners.
pub struct Serving {
    addrs: Vec<SocketAddr>,
    tasks: JoinSet<io::Result<()>>,
}

impl Serving {
    /// The bound addresses, in the order of [`ServeSettings::listen`].
    #[must_use]
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Waits until every listener has ended, which is after the shutdown.
    ///
    /// # Errors
    /// When a listener failed on its own.
    pub async fn ended(mut self) -> io::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(io::Error::other)??;
        }
        Ok(())
    }
}

/// Binds every listener and serves `router` on them until `shutdown` completes; then requests that run have
/// [`Limits::grace`] to end.
///
/// # Errors
/// When an address cannot be bound; nothing is served then.
pub async fn serve(
    settings: ServeSettings,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Serving, ServeError> {
    let limits = settings.limits;
    let mut bound = Vec::with_capacity(settings.listen.len());
    for listen in settings.listen {
        let failed = |cause| ServeError::Bind { addr: listen.addr, cause };
        let listener = TcpListener::bind(listen.addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        bound.push((listener, addr, listen.tls));
    }
    let addrs = bound.iter().map(|(_, addr, _)| *addr).collect();
    let connections = Connections(Arc::new(Semaphore::new(limits.max_connections)));
    let handle: Handle<SocketAddr> = Handle::new();
    let mut tasks = JoinSet::new();
    for (listener, _, tls) in bound {
        let mut server = Server::<SocketAddr>::from_listener(listener).handle(handle.clone());
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        match tls {
            None => drop(tasks.spawn(server.acceptor(connections.clone()).serve(service))),
            Some(config) => {
                let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(with_alpn(config)))
                    .handshake_timeout(limits.header_timeout)
                    .acceptor(connections.clone());
                drop(tasks.spawn(server.acceptor(acceptor).serve(service)));
            }
        }
    }
    tokio::spawn(async move {
        shutdown.await;
        handle.graceful_shutdown(Some(limits.grace));
    });
    Ok(Serving { addrs, tasks })
}

/// Offers HTTP/2 and HTTP/1.1 when the configuration names no protocol.
fn with_alpn(config: Arc<rustls::ServerConfig>) -> Arc<rustls::ServerConfig> {
    if !config.alpn_protocols.is_empty() {
        return config;
    }
    let mut config = Arc::unwrap_or_clone(config);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Admits a bounded number of connections: each carries a permit in its service and returns it when it ends.
#[derive(Clone)]
struct Connections(Arc<Semaphore>);

impl<S> Accept<TcpStream, S> for Connections {
    type Stream = TcpStream;
    type Service = AddExtension<S, Arc<OwnedSemaphorePermit>>;
    type Future = std::future::Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(permit) = self.0.clone().try_acquire_owned() else {
            metrics::counter!("crosspoint_http_connections_refused_total").increment(1);
            return std::future::ready(Err(io::ErrorKind::ConnectionRefused.into()));
        };
        let service = AddExtension::new(service, Arc::new(permit));
        let accepted = NoDelayAcceptor::new().accept(stream, service).into_inner();
        std::future::ready(accepted)
    }
}

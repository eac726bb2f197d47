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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use axum::extract::ConnectInfo;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    const PATIENCE: Duration = Duration::from_secs(10);

    fn plain() -> Listen {
        Listen { addr: LOCAL, tls: None }
    }

    fn hello() -> Router {
        Router::new()
            .route("/", get(async |ConnectInfo(from): ConnectInfo<SocketAddr>| from.ip().to_string()))
    }

    async fn started(listen: Vec<Listen>, limits: Limits) -> (Serving, oneshot::Sender<()>) {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        (serve(ServeSettings { listen, limits }, hello(), stopped).await.unwrap(), stop)
    }

    async fn ask(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) -> String {
        let question = b"GET / HTTP/1.1\r\nHost: pbx.example\r\nConnection: close\r\n\r\n";
        stream.write_all(question).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn several_listeners_tell_their_addresses_and_where_requests_come_from() {
        let (serving, _stop) = started(vec![plain(), plain()], Limits::default()).await;
        let [first, second] = serving.addrs() else { unreachable!() };
        assert_ne!(first.port(), second.port());
        for addr in [first, second] {
            let answer = ask(&mut TcpStream::connect(addr).await.unwrap()).await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"), "{answer}");
        }
    }

    #[tokio::test]
    async fn https_is_served_with_the_given_certificate() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let own = rcgen::generate_simple_self_signed(vec!["pbx.example".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let server = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let (serving, _stop) =
            started(vec![Listen { addr: LOCAL, tls: Some(Arc::new(server)) }], Limits::default()).await;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let addr = serving.addrs()[0];
        // A blocking client on a thread of its own, so that no further crate is needed.
        let answer = tokio::task::spawn_blocking(move || {
            use std::io::{Read, Write};
            let name = rustls::pki_types::ServerName::try_from("pbx.example").unwrap();
            let mut session = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
            let mut socket = std::net::TcpStream::connect(addr).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut stream = rustls::Stream::new(&mut session, &mut socket);
            stream.write_all(b"GET / HTTP/1.1\r\nHost: pbx.example\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            answer
        });
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("127.0.0.1"), "{answer}");
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_named() {
        let (serving, _stop) = started(vec![plain()], Limits::default()).await;
        let addr = serving.addrs()[0];
        let settings =
            ServeSettings { listen: vec![plain(), Listen { addr, tls: None }], limits: Limits::default() };
        let refused = serve(settings, hello(), std::future::pending()).await.err().unwrap().to_string();
        assert!(refused.contains(&addr.to_string()) && refused.contains("[http] listen"), "{refused}");
    }

    #[tokio::test]
    async fn connections_have_a_bound_and_come_back() {
        let (serving, _stop) =
            started(vec![plain()], Limits { max_connections: 1, ..Limits::default() }).await;
        let addr = serving.addrs()[0];
        let mut first = TcpStream::connect(addr).await.unwrap();
        first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        timeout(PATIENCE, first.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut second = TcpStream::connect(addr).await.unwrap();
        let mut nothing = Vec::new();
        let closed = timeout(PATIENCE, second.read_to_end(&mut nothing)).await.unwrap();
        assert!(closed.is_err() || nothing.is_empty());
        drop(first);
        // The place is free once the server has seen the end of the first connection.
        let served = async {
            loop {
                let mut third = TcpStream::connect(addr).await.unwrap();
                let sent = third.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
                let mut answer = Vec::new();
                if sent.is_ok() && third.read_to_end(&mut answer).await.is_ok() && !answer.is_empty() {
                    return answer;
                }
            }
        };
        assert!(timeout(PATIENCE, served).await.unwrap().starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_request_is_closed() {
        let limits = Limits { header_timeout: Duration::from_millis(100), ..Limits::default() };
        let (serving, _stop) = started(vec![plain()], limits).await;
        let mut slow = TcpStream::connect(serving.addrs()[0]).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, slow.read_to_end(&mut answer)).await.expect("closed");
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn the_shutdown_ends_every_listener() {
        let (serving, stop) = started(vec![plain(), plain()], Limits::default()).await;
        let addr = serving.addrs()[0];
        stop.send(()).unwrap();
        timeout(PATIENCE, serving.ended()).await.expect("ended").unwrap();
        assert!(TcpStream::connect(addr).await.is_err());
    }
}

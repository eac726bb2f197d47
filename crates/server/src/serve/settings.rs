//! The settings of every part, made from the configuration: each shell owns its type, only here they meet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::{Config, DigestAlgorithm, ExternalAddress, SipTransport};

use super::NODE;
use super::first_start::Reached;
use super::secrets::Secrets;
use super::seed::Names;
use crate::address::{Advertised, SOMEWHERE, bound_address, media_bind};

/// The time after the first RTP packet in which a better source may take over.
const LEARNING: Duration = Duration::from_secs(2);
/// "Never": no call lasts so long.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What the settings are made from.
pub(super) struct Facts<'a> {
    pub(super) config: &'a Config,
    pub(super) secrets: &'a Secrets,
    pub(super) names: &'a Names,
    pub(super) epoch: u16,
    pub(super) advertised: Arc<Advertised>,
}

pub(super) fn storage(config: &Config, secrets: &Secrets) -> storage::Settings {
    let url = config.database.url.postgres().map(str::to_owned);
    storage::Settings { url, ..storage::Settings::new(config.data_dir.clone(), secrets.encryption_key.0) }
}

pub(super) fn switch(facts: &Facts<'_>) -> switch::Settings {
    let Facts { config, secrets, names, epoch, advertised } = facts;
    let advertise: switch::Advertise = {
        let advertised = Arc::clone(advertised);
        Arc::new(move |peer| advertised.towards(peer))
    };
    switch::Settings {
        identity: switch::Identity {
            domain: names.domain.clone(),
            realm: names.realm.clone(),
            local_names: local_names(config, names),
            server_name: concat!("Crosspoint/", env!("CARGO_PKG_VERSION")).to_owned(),
            node: NODE,
            epoch: *epoch,
        },
        signaling: signaling::Settings {
            listen: config.sip.listen.iter().map(sip_listen).collect(),
            workers: usize::from(config.sip.workers),
            advertise: Arc::clone(&advertise),
            limits: signaling::Limits::default(),
        },
        media: media_settings(config),
        media_address: advertise,
        registrar: switch::RegistrarSettings {
            min_expires: seconds(config.sip.min_expires),
            max_expires: seconds(config.sip.max_expires),
            default_expires: seconds(config.sip.default_expires),
            ..switch::RegistrarSettings::default()
        },
        calls: switch::CallSettings {
            ring_timeout: seconds(config.sip.ring_timeout_s),
            ..switch::CallSettings::default()
        },
        digest: switch::DigestSettings {
            algorithms: config
                .security
                .digest_algorithms
                .iter()
                .map(|algorithm| digest(*algorithm))
                .collect(),
            ..switch::DigestSettings::new(secrets.nonce_key.0)
        },
    }
}

fn media_settings(config: &Config) -> media::Settings {
    let silence = match config.media.silence_timeout_s {
        0 => NEVER,
        timeout => seconds(timeout),
    };
    media::Settings {
        bind: media_bind(config),
        ports: config.media.ports.first..=config.media.ports.last,
        workers: usize::from(config.media.workers),
        silence,
        learning: LEARNING,
    }
}

fn sip_listen(listen: &config::SipListen) -> signaling::Listen {
    let transport = match listen.transport {
        SipTransport::Udp => signaling::Transport::Udp,
        SipTransport::Tcp => signaling::Transport::Tcp,
    };
    signaling::Listen { transport, addr: listen.addr }
}

fn digest(algorithm: DigestAlgorithm) -> switch::Algorithm {
    match algorithm {
        DigestAlgorithm::Md5 => switch::Algorithm::Md5,
        DigestAlgorithm::Sha256 => switch::Algorithm::Sha256,
        DigestAlgorithm::Sha512Of256 => switch::Algorithm::Sha512_256,
    }
}

/// Names and addresses besides the domain that mean us, in a request's URI.
fn local_names(config: &Config, names: &Names) -> Vec<String> {
    let mut known = vec!["localhost".to_owned()];
    known.extend(names.added.clone());
    known.extend(rustix::system::uname().nodename().to_str().map(str::to_ascii_lowercase).ok());
    if let ExternalAddress::Fixed(address) = config.network.external_address {
        known.push(host(address));
    }
    known.extend(config.network.peer.iter().map(|peer| host(peer.address)));
    known.extend(
        config.sip.listen.iter().map(|listen| listen.addr.ip()).filter(|ip| !ip.is_unspecified()).map(host),
    );
    known.sort_unstable();
    known.dedup();
    known
}

pub(super) fn api(facts: &Facts<'_>, file: Option<PathBuf>) -> api::Settings {
    let Facts { config, secrets, .. } = facts;
    let secret = |configured: &config::Secret, kept: [u8; 32]| match configured.reveal() {
        Some(text) => api::Secret::new(text.as_bytes()),
        None => api::Secret::new(kept),
    };
    let sip_host = sip_host(facts);
    let sip_server = |listen: &config::SipListen| api::SipServer {
        transport: transport_name(listen.transport).to_ascii_lowercase(),
        host: sip_host.clone(),
        port: listen.addr.port(),
    };
    api::Settings {
        sip_servers: config.sip.listen.iter().map(sip_server).collect(),
        config: status(facts, file),
        ..api::Settings::new(
            secret(&config.security.jwt_secret, secrets.jwt_secret.0),
            secret(&config.security.sip_jwt_secret, secrets.sip_jwt_secret.0),
        )
    }
}

fn status(facts: &Facts<'_>, file: Option<PathBuf>) -> api::ConfigStatus {
    let config = facts.config;
    let listener = |kind: &str, url: String| api::ListenerStatus { kind: kind.to_owned(), url };
    let sip = config.sip.listen.iter().map(|listen| listener("sip", listen.to_string()));
    let http = config.http.listen.iter().map(|listen| listener("http", listen.to_string()));
    let added = facts.names.added.as_ref().map(|added| {
        format!(
            "domain {added} was configured after the first start: accounts keep {} and its realm",
            facts.names.domain
        )
    });
    api::ConfigStatus {
        file: file.map(|file| file.display().to_string()),
        data_dir: config.data_dir.display().to_string(),
        database: if config.database.url.postgres().is_some() { "postgres" } else { "sqlite" }.to_owned(),
        listeners: sip.chain(http).collect(),
        external_address: Some(facts.advertised.towards(SOMEWHERE).to_string()),
        media_ports: config.media.ports.to_string(),
        warnings: added.into_iter().collect(),
    }
}

/// The listeners of the API. Without a plain one the command line gets one of its own, on this machine only.
pub(super) fn doors(config: &Config, tls: Option<&Arc<rustls::ServerConfig>>) -> api::ServeSettings {
    let mut listen: Vec<api::Listen> = config
        .http
        .listen
        .iter()
        .map(|listen| api::Listen { addr: listen.addr, tls: if listen.tls { tls.cloned() } else { None } })
        .collect();
    if config.http.listen.iter().all(|listen| listen.tls) {
        listen.push(api::Listen { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), tls: None });
    }
    api::ServeSettings { listen, limits: api::Limits::default() }
}

/// Where the command line reaches the API; `bound` are the addresses of [`doors`], in order.
pub(super) fn local_url(config: &Config, bound: &[SocketAddr]) -> String {
    let plain = config.http.listen.iter().position(|listen| !listen.tls).unwrap_or(config.http.listen.len());
    let addr = bound.get(plain).copied().unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    format!("http://{}", SocketAddr::new(reachable(addr.ip()), addr.port()))
}

/// What is printed about where we are.
pub(super) fn reached(facts: &Facts<'_>) -> Reached {
    let config = facts.config;
    let mut listeners: Vec<_> = config.http.listen.clone();
    listeners.sort_by_key(|listen| listen.tls);
    let elsewhere = outward(facts);
    let mut api = Vec::new();
    for listen in listeners {
        let scheme = if listen.tls { "https" } else { "http" };
        let port = listen.addr.port();
        api.push(format!("{scheme}://{}", SocketAddr::new(reachable(listen.addr.ip()), port)));
        api.extend(
            elsewhere
                .filter(|_| listen.addr.ip().is_unspecified())
                .map(|ip| format!("{scheme}://{}", SocketAddr::new(ip, port))),
        );
    }
    let first = config.sip.listen.first();
    let ports: Vec<String> = config
        .sip
        .listen
        .iter()
        .map(|listen| format!("{}/{}", listen.addr.port(), transport_name(listen.transport)))
        .collect();
    Reached {
        api,
        sip_host: sip_host(facts),
        sip_ports: ports.join(", "),
        sip_port: first.map_or(5060, |listen| listen.addr.port()),
        data_dir: config.data_dir.clone(),
        program: std::env::args().next().unwrap_or_else(|| "crosspoint".to_owned()),
    }
}

/// Our address for other machines, unless there is only this one.
fn outward(facts: &Facts<'_>) -> Option<IpAddr> {
    Some(facts.advertised.towards(SOMEWHERE)).filter(|address| !address.is_loopback())
}

/// What a phone is told as its server.
fn sip_host(facts: &Facts<'_>) -> String {
    host(bound_address(facts.config).unwrap_or_else(|| facts.advertised.towards(SOMEWHERE)))
}

/// An address of this machine for "any".
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

/// As the host part of a URI.
fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn transport_name(transport: SipTransport) -> &'static str {
    match transport {
        SipTransport::Udp => "UDP",
        SipTransport::Tcp => "TCP",
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

#[cfg(test)]
mod tests {
    use clock::{Random, SystemClock};

    use super::*;

    fn config(file: &str) -> Config {
        let file = config::TextFile { path: "test.toml".into(), text: file.to_owned() };
        config::load(&config::Inputs { file: Some(file), ..config::Inputs::default() }).unwrap().config
    }

    fn with_facts<T>(file: &str, look: impl FnOnce(&Facts<'_>) -> T) -> T {
        let dir = tempfile::tempdir().unwrap();
        let config = config(file);
        let secrets = Secrets::load_or_make(dir.path(), &mut Random::seeded(1)).unwrap();
        let names = Names {
            domain: "old.example".to_owned(),
            realm: "old.example".to_owned(),
            added: Some("new.example".to_owned()),
        };
        let advertised = Arc::new(Advertised::new(&config, SystemClock::new()));
        look(&Facts { config: &config, secrets: &secrets, names: &names, epoch: 3, advertised })
    }

    #[test]
    fn the_exchange_gets_what_was_configured() {
        const FILE: &str = "[sip]\nlisten = [\"udp://127.0.0.5:5070\"]\nmin_expires = 30\nring_timeout_s = 7\n\
                            [media]\nports = \"30000-30009\"\nsilence_timeout_s = 0\n\
                            [network]\nexternal_address = \"203.0.113.9\"\n\
                            [security]\ndigest_algorithms = [\"SHA-256\", \"MD5\"]";
        let settings = with_facts(FILE, switch);
        assert_eq!(
            (settings.identity.domain.as_str(), settings.identity.realm.as_str()),
            ("old.example", "old.example")
        );
        assert_eq!(settings.identity.epoch, 3);
        for name in ["new.example", "203.0.113.9", "127.0.0.5", "localhost"] {
            assert!(
                settings.identity.local_names.iter().any(|known| known == name),
                "{name} in {:?}",
                settings.identity
            );
        }
        assert_eq!(settings.signaling.listen.len(), 1);
        assert_eq!(settings.signaling.listen[0].to_string(), "udp://127.0.0.5:5070");
        assert_eq!(settings.registrar.min_expires, Duration::from_secs(30));
        assert_eq!(settings.calls.ring_timeout, Duration::from_secs(7));
        assert_eq!(
            (settings.media.ports, settings.media.bind.to_string()),
            (30_000..=30_009, "127.0.0.5".to_owned())
        );
        assert_eq!(settings.media.silence, NEVER);
        assert_eq!(settings.digest.algorithms, [switch::Algorithm::Sha256, switch::Algorithm::Md5]);
        assert_eq!((settings.media_address)("198.51.100.1".parse().unwrap()).to_string(), "203.0.113.9");
    }

    #[test]
    fn the_command_line_always_finds_a_plain_door() {
        let url = |file: &str, bound: &[&str]| {
            let config = config(file);
            let bound: Vec<SocketAddr> = bound.iter().map(|addr| addr.parse().unwrap()).collect();
            assert_eq!(doors(&config, None).listen.len(), bound.len());
            local_url(&config, &bound)
        };
        assert_eq!(url("", &["0.0.0.0:8080", "0.0.0.0:8443"]), "http://127.0.0.1:8080");
        let only_tls = "[http]\nlisten = [\"https://0.0.0.0:8443\"]";
        assert_eq!(url(only_tls, &["0.0.0.0:8443", "127.0.0.1:41234"]), "http://127.0.0.1:41234");
        let second = "[http]\nlisten = [\"https://127.0.0.5:8443\", \"http://[::]:8080\"]";
        assert_eq!(url(second, &["127.0.0.5:8443", "[::]:8080"]), "http://[::1]:8080");
    }

    #[test]
    fn the_operator_is_told_addresses_that_work() {
        const FILE: &str = "[sip]\nlisten = [\"udp://127.0.0.5:5070\", \"tcp://127.0.0.5:5070\"]\n\
                            [http]\nlisten = [\"https://127.0.0.5:8443\", \"http://127.0.0.5:8080\"]";
        let reached = with_facts(FILE, reached);
        assert_eq!(reached.api, ["http://127.0.0.5:8080", "https://127.0.0.5:8443"]);
        assert_eq!(
            (reached.sip_host.as_str(), reached.sip_ports.as_str()),
            ("127.0.0.5", "5070/UDP, 5070/TCP")
        );
    }

    #[test]
    fn configured_secrets_are_above_generated_ones() {
        const FILE: &str = "[security]\njwt_secret = \"shared with the application\"";
        let (configured, generated) = with_facts(FILE, |facts| {
            let settings = api(facts, None);
            (
                settings.secret == api::Secret::new(b"shared with the application".to_vec()),
                settings.sip_secret == api::Secret::new(facts.secrets.sip_jwt_secret.0),
            )
        });
        assert!(configured && generated);
    }

    #[test]
    fn the_status_of_the_configuration_holds_no_secret() {
        const FILE: &str = "[database]\nurl = \"postgres://u:hunter2@h/d\"\n[admin]\npassword = \"hunter2\"";
        let status = with_facts(FILE, |facts| format!("{:?}", status(facts, None)));
        assert!(status.contains("postgres") && !status.contains("hunter2"), "{status}");
    }
}

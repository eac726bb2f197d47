//! The sections of the file. The doc comment of a field is its description in `docs/CONFIG.md` and in the JSON schema.

use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{
    DatabaseUrl, DigestAlgorithm, Domain, ExternalAddress, HttpListen, LogLevel, PortRange, Secret,
    SipListen, SipTransport, Subnet,
};

/// Configuration of Crosspoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the database, the secrets and the certificate are kept. Made at the first start, readable by its owner only.
    pub data_dir: PathBuf,
    /// The SIP domain of the accounts. The digest realm is taken from it at the first start and kept for ever, because
    /// the passwords hang on it; a later change only adds a domain that we answer for.
    #[schemars(with = "String")]
    pub domain: Domain,
    /// The first person who may administer the server.
    pub admin: Admin,
    /// Which address peers are told to send to.
    pub network: Network,
    /// SIP listeners, registrations and ringing.
    pub sip: Sip,
    /// The HTTP API.
    pub http: Http,
    /// RTP.
    pub media: Media,
    /// Where accounts, bindings and call records are kept.
    pub database: Database,
    /// Who is believed, and by which proof.
    pub security: Security,
    /// The certificate of the https listeners.
    pub tls: Tls,
    /// What is logged, and how.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data_dir: PathBuf::from("./data"),
            domain: Domain::default(),
            admin: Admin::default(),
            network: Network::default(),
            sip: Sip::default(),
            http: Http::default(),
            media: Media::default(),
            database: Database::default(),
            security: Security::default(),
            tls: Tls::default(),
            log: Log::default(),
        }
    }
}

/// The first person who may administer the server.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Password of the user `admin`, used at the first start only. Empty: one is generated and printed once.
    #[schemars(with = "String")]
    pub password: Secret,
}

/// Which address peers are told to send to. A wrong one is the most common cause of silent calls; `crosspoint doctor`
/// shows what each network is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// The address told to peers outside `local_nets`: an IP address (behind a router: its public address), or `auto`
    /// for the address of our own interface towards each peer.
    #[schemars(with = "String")]
    pub external_address: ExternalAddress,
    /// Networks that reach us directly: their peers are told the address of our interface towards them.
    #[schemars(with = "Vec<String>")]
    pub local_nets: Vec<Subnet>,
    /// Exceptions, the first match decides: peers in `net` are told `address`.
    pub peer: Vec<Peer>,
}

impl Default for Network {
    fn default() -> Network {
        let nets = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
        Network {
            external_address: ExternalAddress::Auto,
            local_nets: nets.iter().filter_map(|net| net.parse().ok()).collect(),
            peer: Vec::new(),
        }
    }
}

/// One exception: peers in `net` are told `address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// The network the peers are in.
    #[schemars(with = "String")]
    pub net: Subnet,
    /// The address they are told.
    pub address: IpAddr,
}

/// SIP listeners, registrations and ringing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sip {
    /// Addresses that listen for SIP, over UDP and TCP.
    #[schemars(with = "Vec<String>")]
    pub listen: Vec<SipListen>,
    /// Threads that carry SIP and calls. 0: one per processor core.
    pub workers: u16,
    /// A registration for less is refused with 423 and this value (RFC 3261 §10.3), in seconds.
    pub min_expires: u32,
    /// A registration for more is shortened to this, in seconds.
    pub max_expires: u32,
    /// The duration of a registration that names none, in seconds.
    pub default_expires: u32,
    /// How long a call rings before it ends without an answer, in seconds.
    pub ring_timeout_s: u32,
}

impl Default for Sip {
    fn default() -> Sip {
        let any = |transport| SipListen { transport, addr: ([0, 0, 0, 0], 5060).into() };
        Sip {
            listen: vec![any(SipTransport::Udp), any(SipTransport::Tcp)],
            workers: 0,
            min_expires: 60,
            max_expires: 7_200,
            default_expires: 3_600,
            ring_timeout_s: 60,
        }
    }
}

/// The HTTP API.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Addresses of the HTTP API. The command line talks to the first of them.
    #[schemars(with = "Vec<String>")]
    pub listen: Vec<HttpListen>,
}

impl Default for Http {
    fn default() -> Http {
        let any = |tls, port| HttpListen { tls, addr: ([0, 0, 0, 0], port).into() };
        Http { listen: vec![any(false, 8080), any(true, 8443)] }
    }
}

/// RTP.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// UDP ports of RTP and RTCP; each leg of a call takes a pair.
    #[schemars(with = "String")]
    pub ports: PortRange,
    /// Threads that carry RTP. 0: one per processor core.
    pub workers: u16,
    /// A call ends when a side that should be sending was silent for so long, in seconds. A held side is not waited for.
    /// 0: never.
    pub silence_timeout_s: u32,
}

impl Default for Media {
    fn default() -> Media {
        Media { ports: PortRange { first: 10_000, last: 20_000 }, workers: 0, silence_timeout_s: 60 }
    }
}

/// Where accounts, bindings and call records are kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Empty: SQLite in `data_dir`. Or a PostgreSQL address: `postgres://user:password@host/name`.
    #[schemars(with = "String")]
    pub url: DatabaseUrl,
}

/// Who is believed, and by which proof.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Signs access tokens of the API. Empty: generated at the first start and kept in `data_dir`.
    #[schemars(with = "String")]
    pub jwt_secret: Secret,
    /// Signs tokens for the administration of SIP accounts. Empty: generated at the first start and kept in `data_dir`.
    #[schemars(with = "String")]
    pub sip_jwt_secret: Secret,
    /// Digest algorithms that phones are offered, the preferred one first: `MD5`, `SHA-256`, `SHA-512-256`. Many phones
    /// know MD5 only, and some give up when another one stands beside it; an answer by any of the three is taken.
    #[schemars(with = "Vec<String>")]
    pub digest_algorithms: Vec<DigestAlgorithm>,
}

impl Default for Security {
    fn default() -> Security {
        Security {
            jwt_secret: Secret::default(),
            sip_jwt_secret: Secret::default(),
            digest_algorithms: vec![DigestAlgorithm::Md5],
        }
    }
}

/// The certificate of the https listeners.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// File with the certificate chain (PEM). Empty: a self-signed certificate is made at the first start.
    pub certificate: PathBuf,
    /// File with the private key (PEM) of the certificate.
    pub key: PathBuf,
}

/// What is logged, and how.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace` or `off`; or by module: `info,crosspoint_switch=debug`.
    #[schemars(with = "String")]
    pub level: LogLevel,
    /// `pretty` for people, `json` for machines: one object per line.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Log {
        Log { level: LogLevel::default(), format: LogFormat::Pretty }
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object per line.
    Json,
}

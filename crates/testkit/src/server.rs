//! The real server.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Api, Bound, PATIENCE, Postgres, Program, Signal, Slot};

/// The password of `admin` on servers that tests start, unless they ask for the generated one.
const ADMIN_PASSWORD: &str = "Nur-fuer-Tests-31c8";

/// How to start a server.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Empty: SQLite in the data directory.
    pub database_url: String,
    /// More environment, as `CROSSPOINT_<SECTION>__<KEY>`.
    pub environment: Vec<(String, String)>,
    /// The database server, kept running with the exchange.
    pub postgres: Option<Arc<Postgres>>,
    /// Whether the first start generates the password of `admin` and prints it.
    pub generate_password: bool,
}

impl Setup {
    /// On SQLite in the data directory.
    #[must_use]
    pub fn sqlite() -> Setup {
        Setup::default()
    }

    /// On an empty PostgreSQL database.
    #[must_use]
    pub fn postgresql() -> Setup {
        let postgres = Postgres::shared();
        Setup { database_url: postgres.database(), postgres: Some(postgres), ..Setup::default() }
    }

    /// With one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Setup {
        self.environment.push((name.to_owned(), value.into()));
        self
    }
}

/// A running `crosspoint serve` on an address of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    /// The addresses of this test.
    pub slot: Slot,
    /// SIP over UDP and TCP.
    pub sip: SocketAddr,
    /// The API.
    pub http: SocketAddr,
    /// The domain of its accounts.
    pub domain: String,
    setup: Setup,
    media_ports: (u16, u16),
    data_dir: TempDir,
    program: Option<Program>,
}

impl Server {
    /// Starts a server on SQLite and waits until it is ready.
    #[must_use]
    pub fn start() -> Server {
        Server::start_with(Setup::default())
    }

    /// Starts a server and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready; the message has what it printed.
    #[must_use]
    pub fn start_with(setup: Setup) -> Server {
        let slot = Slot::take();
        let ip = slot.ip(1);
        let mut server = Server {
            sip: SocketAddr::new(ip, slot.free_port(ip, 15_060)),
            http: SocketAddr::new(ip, slot.free_port(ip, 18_080)),
            domain: "pbx.test".to_owned(),
            media_ports: (12_000, 13_999),
            slot,
            setup,
            data_dir: TempDir::new().expect("a data directory"),
            program: None,
        };
        server.run();
        server
    }

    /// Starts the binary again on the same data directory and ports.
    ///
    /// # Panics
    /// When it still runs, or does not become ready.
    pub fn run(&mut self) {
        assert!(self.program.is_none(), "the server still runs");
        let program = Program::start(self.command(&["serve"]));
        self.program = Some(program);
        self.wait_ready();
    }

    /// `crosspoint` with arguments, in the environment of this server.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        let (sip, http, ip) = (self.sip, self.http, self.sip.ip());
        let (first, last) = self.media_ports;
        command.args(arguments).current_dir(self.data_dir.path()).env_clear();
        for name in ["PATH", "HOME", "RUST_BACKTRACE", "LANG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
            .env("CROSSPOINT_DATA_DIR", self.data_dir())
            .env("CROSSPOINT_DOMAIN", &self.domain)
            .env("CROSSPOINT_SIP__LISTEN", format!(r#"["udp://{sip}","tcp://{sip}"]"#))
            .env("CROSSPOINT_HTTP__LISTEN", format!(r#"["http://{http}"]"#))
            .env("CROSSPOINT_NETWORK__EXTERNAL_ADDRESS", ip.to_string())
            .env("CROSSPOINT_MEDIA__PORTS", format!("{first}-{last}"))
            .env("CROSSPOINT_DATABASE__URL", &self.setup.database_url);
        if !self.setup.generate_password {
            command.env("CROSSPOINT_ADMIN__PASSWORD", ADMIN_PASSWORD);
        }
        command.envs(self.setup.environment.iter().cloned());
        command
    }

    /// Runs `crosspoint` with arguments to its end; gives success and what it printed.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn cli(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().expect("the command line runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Where the server keeps its data.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.path().join("data")
    }

    /// An address for a peer; 1 is the server's own.
    #[must_use]
    pub fn peer_ip(&self, host: u8) -> IpAddr {
        self.slot.ip(host)
    }

    /// A client logged in as `admin`.
    #[must_use]
    pub fn admin(&self) -> Api {
        let mut api = Api::new(self.http);
        api.login("admin", ADMIN_PASSWORD);
        api
    }

    /// The running program.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn program(&self) -> &Program {
        self.program.as_ref().expect("the server runs")
    }

    /// `kill -9`, then waits until it is gone.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Asks it to end; gives whether it ended by itself with success.
    pub fn terminate(&mut self) -> bool {
        self.end(Signal::TERM)
    }

    /// Kills it and starts it again on the same data.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.run();
    }

    /// What it holds in memory, in bytes.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.program().pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
        kib * 1_024
    }

    /// Panics when the server has ended.
    ///
    /// # Panics
    /// See above; the message has what it printed.
    pub fn assert_alive(&mut self) {
        let program = self.program.as_mut().expect("the server runs");
        let ended = program.wait(Duration::ZERO);
        assert!(ended.is_none(), "the server ended ({ended:?}):\n{}", program.output());
    }

    fn end(&mut self, signal: Signal) -> bool {
        let mut program = self.program.take().expect("the server runs");
        program.signal(signal);
        let status = program.wait(PATIENCE).unwrap_or_else(|| {
            panic!("the server did not end after {signal:?}; it printed:\n{}", program.output())
        });
        status.success()
    }

    fn wait_ready(&mut self) {
        let api = Api::new(self.http);
        let bound = Bound::within(PATIENCE);
        loop {
            self.assert_alive();
            if TcpStream::connect(self.http).is_ok() && api.get("/health/ready").0 == 200 {
                break;
            }
            assert!(!bound.is_over(), "the server is not ready; it printed:\n{}", self.program().output());
            self.program().wait_any_output(Duration::from_millis(20));
        }
        // The command line finds its way in a moment after that.
        self.program()
            .wait_output(bound.left(), "that it is ready", |text| text.contains(" is ready").then_some(()));
    }
}

/// The binary beside the test: `target/<profile>/crosspoint`, or what `CROSSPOINT_BIN` names.
///
/// # Panics
/// When it is not there.
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("CROSSPOINT_BIN") {
        return named.into();
    }
    let test = std::env::current_exe().expect("the path of the test");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    let binary = profile.join("crosspoint");
    assert!(
        binary.exists(),
        "{} is missing: `cargo build -p crosspoint-server` with the same profile makes it",
        binary.display()
    );
    binary
}

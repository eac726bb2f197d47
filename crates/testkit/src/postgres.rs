//! A PostgreSQL of the tests' own.
//!
//! Made from the installed binaries in a temporary directory, without passwords, and never waiting for the disk: it
//! survives being killed, not a loss of power. A shell stands between it and the test and reads a pipe: when the test's
//! process ends, however it ends, the pipe closes, and the shell stops the server and removes the directory.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Somebody else may take the free port between our look and the server's.
const STARTS: u32 = 5;

/// The arguments: the folder of the binaries, the directory, the server's options.
const KEEPER: &str = r#"
trap '' INT TERM HUP
start() { "$1/pg_ctl" -D "$2/data" -l "$2/log" -w -t 60 -o "$3" start >/dev/null && echo ready || echo failed; }
stop() { "$1/pg_ctl" -D "$2/data" -w -m immediate stop >/dev/null; }
start "$@"
while read -r word; do
    case $word in
        stop) stop "$@"; echo stopped ;;
        start) start "$@" ;;
    esac
done
stop "$@"
rm -rf "$2"
"#;

/// A running PostgreSQL server on a port of its own. Dropping it stops it and removes its files.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    installed: Installed,
    keeper: Mutex<Keeper>,
    databases: AtomicU32,
}

/// The shell that stops the server when its pipe closes.
#[derive(Debug)]
struct Keeper {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// Where the binaries are, and whom the server runs as.
#[derive(Clone, Debug)]
struct Installed {
    bin: PathBuf,
    /// PostgreSQL refuses to run as root.
    owner: Option<(u32, u32)>,
}

impl Postgres {
    /// Makes and starts a server: about two seconds.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start() -> Postgres {
        let installed = Installed::find();
        for _ in 0..STARTS {
            let port = free_port();
            let dir = installed.make_cluster();
            let mut keeper = installed.keep(&dir, port);
            if keeper.answer() == "ready" {
                return Postgres {
                    port,
                    installed,
                    keeper: Mutex::new(keeper),
                    databases: AtomicU32::new(0),
                };
            }
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            assert!(log.contains("in use"), "PostgreSQL does not start:\n{log}");
        }
        panic!("no free port for PostgreSQL in {STARTS} attempts");
    }

    /// The server that the tests of this process share; it lives as long as one of them uses it.
    ///
    /// # Panics
    /// As [`Postgres::start`].
    #[must_use]
    pub fn shared() -> Arc<Postgres> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Postgres::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    /// Makes an empty database and gives its address, `postgres://…`.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        let made = Command::new(self.installed.bin.join("createdb"))
            .args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", &name])
            .current_dir("/")
            .output()
            .expect("createdb runs");
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        format!("postgres://postgres@127.0.0.1:{port}/{name}")
    }

    /// Kills the server, connections and all; its databases stay.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&self) {
        assert_eq!(self.order("stop"), "stopped");
    }

    /// Starts it again after [`Postgres::stop`].
    ///
    /// # Panics
    /// When it does not start.
    pub fn resume(&self) {
        assert_eq!(self.order("start"), "ready");
    }

    fn order(&self, word: &str) -> String {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = keeper.orders.as_mut().expect("the pipe is open until the drop");
        writeln!(orders, "{word}").expect("the keeper listens");
        keeper.answer()
    }
}

impl Keeper {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the keeper answers");
        line.trim().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Closing the pipe is the order to end; waiting keeps the next test from meeting the rest of this one.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

impl Installed {
    fn find() -> Installed {
        let bin = newest_binaries().expect(
            "these tests need a PostgreSQL to start: install the Debian package `postgresql` (no server has to run)",
        );
        let root = fs::metadata("/proc/self").expect("/proc is there").uid() == 0;
        let owner = root.then(|| owner_of("postgres").expect("the Debian package made a user `postgres`"));
        Installed { bin, owner }
    }

    fn make_cluster(&self) -> PathBuf {
        let dir = tempfile::Builder::new()
            .prefix("crosspoint-postgres-")
            .tempdir()
            .expect("a temporary directory")
            .keep();
        if let Some((user, group)) = self.owner {
            chown(&dir, Some(user), Some(group)).expect("root may give a directory away");
        }
        let made = self
            .command(&self.bin.join("initdb"), &dir)
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(dir.join("data"))
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        dir
    }

    fn keep(&self, dir: &Path, port: u16) -> Keeper {
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off -c full_page_writes=off \
             -c max_connections=200 -c shared_buffers=32MB",
            dir.display()
        );
        let mut child = self
            .command(Path::new("/bin/sh"), dir)
            .args(["-c", KEEPER, "postgres-keeper"])
            .arg(&self.bin)
            .arg(dir)
            .arg(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Keeper { child, orders, answers }
    }

    /// A program that runs as the owner of the server.
    fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir).env("LC_ALL", "C");
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }
}

/// The folder with `initdb` of the newest version installed.
fn newest_binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = versions.map(|version| version.path()).filter_map(|path| {
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((version, path.join("bin")))
    });
    let mut folders: Vec<_> = packaged.filter(|(_, bin)| bin.join("initdb").exists()).collect();
    folders.sort();
    let in_path =
        || std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join("initdb").exists());
    folders.pop().map(|(_, bin)| bin).or_else(in_path)
}

/// User and group of a name in the system's list.
fn owner_of(name: &str) -> Option<(u32, u32)> {
    let list = fs::read_to_string("/etc/passwd").ok()?;
    let line = list.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut ids = line.split(':').skip(2).map(str::parse);
    Some((ids.next()?.ok()?, ids.next()?.ok()?))
}

fn free_port() -> u16 {
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    taken.local_addr().expect("it is bound").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_comes_goes_comes_back_and_leaves_nothing() {
        let server = Postgres::start();
        let url = server.database();
        assert!(url.ends_with(&format!(":{}/test0", server.port)), "{url}");
        server.stop();
        assert!(std::net::TcpStream::connect(("127.0.0.1", server.port)).is_err());
        server.resume();
        assert!(server.database().ends_with("/test1"));
        let port = server.port;
        drop(server);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

//! SIPp with the scenarios of `tests/interop/scenarios`.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Account, Bound, PATIENCE, Program};

/// How to run SIPp.
#[derive(Clone, Debug)]
pub struct Sipp {
    scenario: PathBuf,
    server: SocketAddr,
    local: SocketAddr,
    lines: Vec<String>,
    arguments: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
}

/// SIPp at work. Dropping it kills it.
#[derive(Debug)]
pub struct SippRun {
    program: Program,
    local: SocketAddr,
    dir: TempDir,
}

/// The last line of SIPp's statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Calls that went as the scenario says.
    pub successful: u64,
    /// Calls that did not.
    pub failed: u64,
    /// Messages it sent again.
    pub retransmissions: u64,
    /// Messages that the scenario did not expect.
    pub unexpected: u64,
    /// The most calls at once.
    pub peak: u64,
}

impl Sipp {
    /// A run of one scenario file, from `local`, towards `server`.
    #[must_use]
    pub fn new(scenario: &str, server: SocketAddr, local: SocketAddr) -> Sipp {
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/scenarios");
        Sipp {
            scenario: scenarios.join(scenario),
            server,
            local,
            lines: Vec::new(),
            arguments: Vec::new(),
            files: Vec::new(),
        }
    }

    /// A line of fields per call, taken in turn: `[field0]`, `[field1]`, …
    #[must_use]
    pub fn lines(mut self, lines: impl IntoIterator<Item = String>) -> Sipp {
        self.lines.extend(lines);
        self
    }

    /// `username;domain;[authentication …];to` for each account.
    #[must_use]
    pub fn accounts(self, accounts: &[Account], to: &str) -> Sipp {
        let line = |a: &Account| {
            let (user, password, domain) = (&a.username, &a.password, &a.domain);
            format!("{user};{domain};[authentication username={user} password={password}];{to}")
        };
        self.lines(accounts.iter().map(line).collect::<Vec<_>>())
    }

    /// A file that the scenario names.
    #[must_use]
    pub fn file(mut self, name: &str, content: Vec<u8>) -> Sipp {
        self.files.push((name.to_owned(), content));
        self
    }

    /// `count` calls, `rate` per second.
    #[must_use]
    pub fn calls(self, count: usize, rate: usize) -> Sipp {
        self.arguments(&["-m", &count.to_string(), "-r", &rate.to_string()])
    }

    /// More arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Sipp {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Starts it.
    #[must_use]
    pub fn start(self) -> SippRun {
        let dir = TempDir::new().expect("a directory for SIPp");
        let mut command = Command::new("sipp");
        command.current_dir(dir.path()).arg(self.server.to_string()).arg("-sf").arg(&self.scenario);
        command.args([
            "-i",
            &self.local.ip().to_string(),
            "-p",
            &self.local.port().to_string(),
            "-bind_local",
        ]);
        command.args(["-mi", &self.local.ip().to_string(), "-ci", &self.local.ip().to_string()]);
        command.args(["-nostdin", "-trace_stat", "-stf", "statistics.csv", "-fd", "1", "-trace_err"]);
        command.args(["-error_file", "errors.log"]);
        for (name, content) in &self.files {
            std::fs::write(dir.path().join(name), content).expect("a file for SIPp");
        }
        if !self.lines.is_empty() {
            let mut text = "SEQUENTIAL\n".to_owned();
            self.lines.iter().for_each(|line| {
                let _ = writeln!(text, "{line}");
            });
            std::fs::write(dir.path().join("calls.csv"), text).expect("the file of calls");
            command.args(["-inf", "calls.csv"]);
        }
        command.args(&self.arguments);
        SippRun { program: Program::start(command), local: self.local, dir }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// See [`SippRun::finish`].
    #[must_use]
    pub fn run(self, within: Duration) -> Statistics {
        self.start().finish(within)
    }
}

impl SippRun {
    /// Waits for the end.
    ///
    /// # Panics
    /// When it does not end within the time, or ends without statistics; the message has its errors.
    #[must_use]
    pub fn finish(mut self, within: Duration) -> Statistics {
        let status = self.program.wait(within);
        let errors = std::fs::read_to_string(self.dir.path().join("errors.log")).unwrap_or_default();
        let errors: String = errors.chars().take(4_000).collect();
        let Some(status) = status else { panic!("SIPp did not end within {within:?}:\n{errors}") };
        let file = std::fs::read_to_string(self.dir.path().join("statistics.csv")).unwrap_or_default();
        let statistics = Statistics::read(&file);
        let statistics = statistics.unwrap_or_else(|| {
            panic!("SIPp ended with {status} and no statistics:\n{errors}\n{}", self.program.output())
        });
        if statistics.failed > 0 {
            eprintln_errors(&errors);
        }
        statistics
    }

    /// Waits until its UDP socket is there: it prints nothing before its end, and a probe of ours could take its port.
    ///
    /// # Panics
    /// When it is not there in time.
    pub fn wait_started(&self) {
        let IpAddr::V4(ip) = self.local.ip() else { panic!("the slots are IPv4") };
        // As the kernel writes it: the address in the order of this machine, the port as a number.
        let line = format!(": {:08X}:{:04X} ", u32::from_ne_bytes(ip.octets()), self.local.port());
        let bound = Bound::within(PATIENCE);
        while !std::fs::read_to_string("/proc/net/udp").is_ok_and(|table| table.contains(&line)) {
            assert!(!bound.is_over(), "SIPp has no socket; it printed:\n{}", self.program.output());
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

#[expect(clippy::print_stderr, reason = "shown with the test that fails")]
fn eprintln_errors(errors: &str) {
    eprintln!("SIPp: {errors}");
}

impl Statistics {
    /// Reads the file of `-trace_stat`: a line of names, then a line of values each second; fields end with `;`.
    fn read(file: &str) -> Option<Statistics> {
        let mut lines = file.lines();
        let names: Vec<&str> = lines.next()?.split(';').collect();
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(';').collect()).collect();
        let last = rows.last()?;
        let value = |row: &[&str], name: &str| {
            let at = names.iter().position(|known| *known == name)?;
            row.get(at)?.trim().parse::<u64>().ok()
        };
        Some(Statistics {
            successful: value(last, "SuccessfulCall(C)")?,
            failed: value(last, "FailedCall(C)")?,
            retransmissions: value(last, "Retransmissions(C)")?,
            unexpected: value(last, "FailedUnexpectedMessage(C)")?,
            peak: rows.iter().filter_map(|row| value(row, "CurrentCall")).max().unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_the_peak_is_the_highest() {
        let file = "StartTime;CurrentCall;SuccessfulCall(C);FailedCall(C);Retransmissions(C);FailedUnexpectedMessage(C);\n\
                    a;7;1;0;0;0;\nb;3;10;2;5;1;\n";
        let expected = Statistics { successful: 10, failed: 2, retransmissions: 5, unexpected: 1, peak: 7 };
        assert_eq!(Statistics::read(file), Some(expected));
        assert_eq!(Statistics::read(""), None);
    }
}

//! baresip, driven through its `ctrl_tcp` module.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wav::read_wav;
use crate::{Account, Bound, Heard, PATIENCE, Program, Server, hear};

/// A running baresip with one account. Dropping it kills it.
#[derive(Debug)]
pub struct Baresip {
    program: Program,
    control: TcpStream,
    read: Vec<u8>,
    /// What came and was not asked for yet.
    waiting: Vec<Value>,
    dir: TempDir,
    name: String,
}

/// How a baresip behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The frequency of the tone it sends.
    pub hz: u32,
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// More account parameters, such as `;answermode=auto;audio_codecs=PCMU`.
    pub more: &'static str,
}

/// An event of baresip.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Such as `CALL_ESTABLISHED`.
    pub kind: String,
    /// The reason or the peer, by the kind.
    pub param: String,
}

impl Baresip {
    /// Starts it on an address of the server's slot and waits until it is registered.
    ///
    /// # Panics
    /// When it does not register; the message has what it printed.
    #[must_use]
    pub fn start(server: &Server, host: u8, account: &Account, manner: &Manner) -> Baresip {
        let Manner { hz, transport, more } = manner;
        let dir = TempDir::new().expect("a directory for baresip");
        let ip = server.peer_ip(host);
        let control = SocketAddr::new(ip, server.slot.free_port(ip, 14_444));
        let sip_port = server.slot.free_port(ip, 15_070);
        // Its RTP sockets bind every address: each phone of each test has its own ports.
        let shared = server.slot.shared_ports();
        let first = shared.start + u16::from(host % 4) * 24;
        let mut config = format!(
            "sip_listen {ip}:{sip_port}\naudio_source ausine,{hz}\naudio_player aubridge,far\n\
             audio_alert aubridge,alert\nausrc_srate 48000\nausrc_channels 2\nauplay_srate 8000\nauplay_channels 1\n\
             audio_buffer 20-160\njitter_buffer_delay 1-4\nrtp_ports {first}-{}\ncall_local_timeout 120\n\
             call_max_calls 4\nctrl_tcp_listen {control}\nsnd_path {}\nmodule_path /usr/lib/baresip/modules\n",
            first + 23,
            dir.path().display(),
        );
        for module in ["g711", "aubridge", "ausine", "sndfile"] {
            let _ = writeln!(config, "module {module}.so");
        }
        config.push_str("module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n");
        let entry = format!(
            "<{}>;auth_pass={};outbound=\"sip:{};transport={transport}\";regint=600{more}\n",
            account.address(),
            account.password,
            server.sip,
        );
        for (name, text) in [("config", config.as_str()), ("accounts", &entry), ("contacts", "")] {
            std::fs::write(dir.path().join(name), text).expect("a file for baresip");
        }
        let mut command = Command::new("baresip");
        command.args(["-4", "-f"]).arg(dir.path()).args(["-n", &ip.to_string()]);
        let program = Program::start(command);
        program.wait_output(PATIENCE, "its registration", |text| text.contains(" 200 OK (").then_some(()));
        let control = TcpStream::connect(control).expect("the control port of baresip");
        let name = account.username.clone();
        let mut phone = Baresip { program, control, read: Vec::new(), waiting: Vec::new(), dir, name };
        // Once it has answered, no event goes to nobody.
        phone.command("reginfo", "");
        phone
    }

    /// Runs a command such as `dial`, `accept`, `hangup`; gives what it answers.
    ///
    /// # Panics
    /// When it refuses.
    pub fn command(&mut self, command: &str, parameters: &str) -> String {
        let text = json!({"command": command, "params": parameters, "token": command}).to_string();
        write!(self.control, "{}:{text},", text.len()).expect("baresip takes a command");
        let answer = self.take(&format!("the answer to {command}"), |item| item["response"] == true);
        assert_eq!(answer["ok"], true, "{command} {parameters}: {answer}");
        answer["data"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for an event of a kind; others are kept.
    ///
    /// # Panics
    /// When it does not come.
    pub fn expect(&mut self, kind: &str) -> Event {
        let event = self.take(kind, |item| item["event"] == true && item["type"] == kind);
        Event { kind: kind.to_owned(), param: event["param"].as_str().unwrap_or_default().to_owned() }
    }

    /// What it recorded of the other side in the last call; the call must have ended.
    #[must_use]
    pub fn heard(&self) -> Heard {
        self.recording("dec")
    }

    /// What it sent in the last call.
    #[must_use]
    pub fn spoken(&self) -> Heard {
        self.recording("enc")
    }

    /// What it printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// The middle second of the newest recording.
    fn recording(&self, side: &str) -> Heard {
        let files = std::fs::read_dir(self.dir.path()).expect("the directory of baresip");
        let ending = format!("-{side}.wav");
        let mut paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
        paths.retain(|path| path.to_string_lossy().ends_with(&ending));
        paths.sort();
        let newest =
            paths.last().unwrap_or_else(|| panic!("{} has no recording:\n{}", self.name, self.output()));
        let (samples, rate) = read_wav(newest);
        let second = usize::try_from(rate).unwrap();
        assert!(samples.len() > second * 2, "{} recorded only {} samples", self.name, samples.len());
        let from = samples.len() / 2 - second / 2;
        hear(&samples[from..from + second], rate)
    }

    fn take(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let bound = Bound::within(PATIENCE);
        loop {
            if let Some(at) = self.waiting.iter().position(&fits) {
                return self.waiting.remove(at);
            }
            assert!(
                !bound.is_over(),
                "baresip {} did not report {what}; it has {:?}\n{}",
                self.name,
                self.waiting.iter().map(|item| item["type"].clone()).collect::<Vec<_>>(),
                self.output()
            );
            self.read_some(&bound);
        }
    }

    fn read_some(&mut self, bound: &Bound) {
        let left = bound.left().max(Duration::from_millis(1));
        self.control.set_read_timeout(Some(left)).expect("a socket option");
        let mut buffer = [0; 4_096];
        if let Ok(size) = self.control.read(&mut buffer) {
            assert!(size > 0, "baresip {} ended:\n{}", self.name, self.output());
            self.read.extend(&buffer[..size]);
        }
        while let Some(text) = netstring(&mut self.read) {
            self.waiting.push(serde_json::from_slice(&text).expect("JSON from baresip"));
        }
    }
}

/// Takes `12:hello world!,` off the front.
fn netstring(read: &mut Vec<u8>) -> Option<Vec<u8>> {
    let colon = read.iter().position(|byte| *byte == b':')?;
    let length: usize = String::from_utf8_lossy(&read[..colon]).parse().expect("the length of a netstring");
    let end = colon + 1 + length;
    if read.len() <= end {
        return None;
    }
    let text = read[colon + 1..end].to_vec();
    read.drain(..=end);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netstrings_are_taken_whole() {
        let mut read = b"5:hello,3:ab".to_vec();
        assert_eq!(netstring(&mut read), Some(b"hello".to_vec()));
        assert_eq!(netstring(&mut read), None);
        read.extend(b"c,");
        assert_eq!((netstring(&mut read), read.len()), (Some(b"abc".to_vec()), 0));
    }
}

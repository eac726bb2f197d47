//! Programs that tests start.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
pub use rustix::process::Signal;
use rustix::process::{Pid, PidfdFlags, kill_process, pidfd_open};

use crate::Bound;

/// The end of an output that is kept.
const KEPT_BYTES: usize = 1 << 20;

/// How long the output of a program that has ended is read: a child of its own may keep it open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A running program with what it printed. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    output: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    text: Mutex<String>,
    /// Notified when there is more text, and when a stream ends.
    grown: Condvar,
    open_streams: AtomicUsize,
}

impl Program {
    /// Starts a program; its standard output and error are read as they come.
    ///
    /// # Panics
    /// When it cannot be started: the message names the program and what to install.
    #[must_use]
    pub fn start(mut command: Command) -> Program {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("cannot start {name}: {error}; `scripts/install.sh test` installs it")
        });
        let output = Arc::new(Output::default());
        read_into(child.stdout.take(), &output);
        read_into(child.stderr.take(), &output);
        Program { name, child, output }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to this one process.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.rustix_pid() {
            // It may have ended meanwhile, and then there is nothing to tell.
            let _ended = kill_process(pid, signal);
        }
    }

    /// Waits for the end, and until all that was printed is read; `None` when the end does not come within the time.
    #[must_use]
    pub fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let status = self.wait_end(within)?;
        let bound = Bound::within(LAST_WORDS);
        let mut text = self.output.text.lock().unwrap_or_else(PoisonError::into_inner);
        while self.output.open_streams.load(Ordering::SeqCst) > 0 && !bound.is_over() {
            let waited = self.output.grown.wait_timeout(text, bound.left());
            text = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(status)
    }

    fn wait_end(&mut self, within: Duration) -> Option<ExitStatus> {
        if let Some(status) = self.child.try_wait().expect("the child is ours") {
            return Some(status);
        }
        let handle = pidfd_open(self.rustix_pid()?, PidfdFlags::empty()).expect("a handle of a child");
        let bound = Bound::within(within);
        loop {
            let left = Timespec::try_from(bound.left()).expect("a bound of seconds");
            let _interrupted = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&left));
            match self.child.try_wait().expect("the child is ours") {
                Some(status) => return Some(status),
                None if bound.is_over() => return None,
                None => {}
            }
        }
    }

    /// Waits until what was printed so far makes `found` give something.
    ///
    /// # Panics
    /// When it does not within the time.
    pub fn wait_output<T>(&self, within: Duration, what: &str, found: impl Fn(&str) -> Option<T>) -> T {
        let bound = Bound::within(within);
        let mut text = self.output.text.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = found(&text) {
                return found;
            }
            let left = bound.left();
            assert!(!left.is_zero(), "{} did not print {what}; it printed:\n{}", self.name, *text);
            text = self.output.grown.wait_timeout(text, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until something more is printed, at most `within`.
    pub fn wait_any_output(&self, within: Duration) {
        let text = self.output.text.lock().unwrap_or_else(PoisonError::into_inner);
        let _woken = self.output.grown.wait_timeout(text, within).unwrap_or_else(PoisonError::into_inner);
    }

    /// All that was printed so far (the end of it, when it is long).
    #[must_use]
    pub fn output(&self) -> String {
        self.output.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rustix_pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn read_into<R: Read + Send + 'static>(source: Option<R>, output: &Arc<Output>) {
    let (Some(mut source), output) = (source, Arc::clone(output)) else { return };
    output.open_streams.fetch_add(1, Ordering::SeqCst);
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok(size) = source.read(&mut buffer) {
            if size == 0 {
                break;
            }
            let mut text = output.text.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&String::from_utf8_lossy(&buffer[..size]));
            if text.len() > KEPT_BYTES {
                let cut = (text.len() / 2..).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.drain(..cut);
            }
            output.grown.notify_all();
        }
        let _text = output.text.lock();
        output.open_streams.fetch_sub(1, Ordering::SeqCst);
        output.grown.notify_all();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PATIENCE;

    #[test]
    fn a_program_is_heard_signalled_and_waited_for() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; exec cat /dev/zero > /dev/null"]);
        let mut program = Program::start(command);
        program.wait_output(PATIENCE, "ready", |text| text.contains("ready").then_some(()));
        assert_eq!(program.wait(Duration::from_millis(1)), None);
        assert_eq!(program.output(), "ready\n");
        program.signal(Signal::TERM);
        assert!(!program.wait(PATIENCE).expect("it ends").success());
    }
}

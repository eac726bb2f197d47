//! The task of one connection: reads, frames, delivers; writes what is queued; ends when time is up.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use clock::Time;
use sip::{Frame, StreamFramer};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Inner;
use super::acceptor::keep_alive;
use super::link::{Link, accepted};

/// Read at once, on the stack: an idle connection holds no buffer.
const READ_BYTES: usize = 16_384;

/// Why a connection ended; the label of its metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The peer closed it.
    Closed,
    /// The network broke it.
    Broken,
    /// What came was not SIP, or larger than allowed.
    Garbage,
    /// Nothing whole for too long.
    Idle,
    /// A message begun and not finished in time, or none at all.
    Unfinished,
    /// The peer does not take what we write.
    Slow,
    /// We stop.
    Stopping,
}

/// Serves a connection until it ends, then forgets it and tells the workers.
pub(super) async fn serve(
    inner: Arc<Inner>,
    stream: TcpStream,
    link: Arc<Link>,
    mut queue: mpsc::Receiver<Bytes>,
) {
    keep_alive(&stream);
    inner.counters.open.set(u32::try_from(inner.table.lock().len()).unwrap_or(u32::MAX));
    let mut closing = inner.closing.subscribe();
    let end = tokio::select! {
        end = read(&inner, &stream, &link) => end,
        end = write(&inner, &stream, &link, &mut queue) => end,
        () = link.cut.notified() => End::Slow,
        _ = closing.wait_for(|closing| *closing) => End::Stopping,
    };
    drop(stream);
    tracing::debug!(remote = %clock::Pii(link.remote), ?end, "connection ended");
    metrics::counter!("crosspoint_sip_connections_ended_total", "reason" => end.label()).increment(1);
    inner.finish(&link, queue).await;
}

async fn read(inner: &Inner, stream: &TcpStream, link: &Link) -> End {
    let mut framer = StreamFramer::new();
    let mut patience = Patience::new(accepted(link.id), inner.clock.now());
    loop {
        let now = inner.clock.now();
        let (deadline, end) = patience.deadline(link.active(), inner);
        if deadline <= now {
            return end;
        }
        match timeout(deadline.since(now), stream.readable()).await {
            // What we wrote meanwhile may have moved the deadline.
            Err(_) => continue,
            Ok(Err(_)) => return End::Broken,
            Ok(Ok(())) => {}
        }
        match read_some(stream, &mut framer) {
            Ok(0) => return End::Closed,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return End::Broken,
        }
        let (mut whole, mut messages) = (false, false);
        loop {
            match framer.next() {
                Ok(Some(Frame::Message(bytes))) if !is_sip(&bytes) => return End::Garbage,
                Ok(Some(Frame::Message(bytes))) => {
                    inner.deliver(link, bytes).await;
                    messages = true;
                }
                // RFC 5626 §3.5.1: a double CRLF is answered with a single one.
                Ok(Some(Frame::Ping)) => {
                    link.enqueue(Bytes::from_static(b"\r\n"), &inner.limits);
                }
                Ok(Some(Frame::Pong)) => {}
                Ok(None) => break,
                Err(_) => return End::Garbage,
            }
            whole = true;
        }
        let now = inner.clock.now();
        if whole {
            link.touch(now);
        }
        patience.after_read(now, whole, messages, framer.buffered() == 0);
    }
}

/// Whether the first line names any version of SIP. Browsers and scanners that speak something else on our port get no
/// answer; a message of another SIP version gets its 505.
fn is_sip(message: &[u8]) -> bool {
    let first_line = message.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    first_line.windows(4).any(|word| word.eq_ignore_ascii_case(b"SIP/"))
}

fn read_some(stream: &TcpStream, framer: &mut StreamFramer) -> io::Result<usize> {
    let mut buffer = [0; READ_BYTES];
    let size = stream.try_read(&mut buffer)?;
    framer.push(buffer.get(..size).unwrap_or_default());
    Ok(size)
}

async fn write(inner: &Inner, stream: &TcpStream, link: &Link, queue: &mut mpsc::Receiver<Bytes>) -> End {
    while let Some(bytes) = queue.recv().await {
        match timeout(inner.limits.write, write_all(stream, &bytes)).await {
            Ok(Ok(())) => link.written(bytes.len(), inner.clock.now()),
            Ok(Err(_)) => return End::Broken,
            Err(_) => return End::Slow,
        }
    }
    End::Closed
}

async fn write_all(stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match stream.try_write(rest) {
            Ok(size) => rest = rest.get(size..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How long a peer is waited for.
struct Patience {
    /// A peer that connected has not sent a message yet. Keep-alives alone do not count: they would let a stranger hold
    /// a connection for nothing.
    greeting: bool,
    /// When the message that is not whole yet began, or the connection whose first message is awaited.
    since: Option<Time>,
}

impl Patience {
    fn new(accepted: bool, now: Time) -> Patience {
        Patience { greeting: accepted, since: accepted.then_some(now) }
    }

    fn deadline(&self, active: Time, inner: &Inner) -> (Time, End) {
        let idle = active + inner.limits.idle;
        match self.since.map(|since| since + inner.limits.message) {
            Some(message) if message < idle => (message, End::Unfinished),
            _ => (idle, End::Idle),
        }
    }

    /// `whole`: at least one frame was completed; `messages`: one of them was a message; `empty`: nothing is begun.
    fn after_read(&mut self, now: Time, whole: bool, messages: bool, empty: bool) {
        self.greeting &= !messages;
        if self.greeting {
            return;
        }
        self.since = match (empty, whole) {
            (true, _) => None,
            (false, true) => Some(now),
            (false, false) => self.since.or(Some(now)),
        };
    }
}

impl End {
    fn label(self) -> &'static str {
        match self {
            End::Closed => "closed",
            End::Broken => "broken",
            End::Garbage => "garbage",
            End::Idle => "idle",
            End::Unfinished => "unfinished",
            End::Slow => "slow",
            End::Stopping => "stopping",
        }
    }
}

//! The ways into a worker.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use sip::{Flow, Packet};
use tokio::sync::Semaphore;

use crate::alarm::Alarm;

/// Messages of streams that wait for one worker; a connection that finds no room waits and is not read meanwhile.
const STREAM_RING: usize = 1_024;

/// Speaks to the service of one worker, from any thread.
pub struct Mailbox<I> {
    inputs: Arc<ArrayQueue<I>>,
    alarm: Arc<Alarm>,
}

impl<I> Mailbox<I> {
    pub(crate) fn new(capacity: usize, alarm: Arc<Alarm>) -> Mailbox<I> {
        Mailbox { inputs: Arc::new(ArrayQueue::new(capacity.max(1))), alarm }
    }

    /// Puts an input into the mailbox and wakes the worker if it sleeps.
    ///
    /// # Errors
    /// Gives the input back when the mailbox is full: the caller decides what is shed.
    pub fn try_send(&self, input: I) -> Result<(), I> {
        self.inputs.push(input)?;
        self.alarm.ring();
        Ok(())
    }

    pub(crate) fn take(&self) -> Option<I> {
        self.inputs.pop()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }
}

impl<I> Clone for Mailbox<I> {
    fn clone(&self) -> Mailbox<I> {
        Mailbox { inputs: Arc::clone(&self.inputs), alarm: Arc::clone(&self.alarm) }
    }
}

impl<I> std::fmt::Debug for Mailbox<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mailbox({} of {})", self.inputs.len(), self.inputs.capacity())
    }
}

/// What the stream side tells a worker.
#[derive(Debug)]
pub(crate) enum StreamItem {
    Packet(Packet),
    FlowError(Flow),
}

/// The packets for one worker that other threads received.
#[derive(Debug)]
pub(crate) struct Inlet {
    handed_over: ArrayQueue<Packet>,
    streams: ArrayQueue<StreamItem>,
    /// One permit per free place in `streams`.
    room: Semaphore,
    alarm: Arc<Alarm>,
}

impl Inlet {
    pub(crate) fn new(capacity: usize, alarm: Arc<Alarm>) -> Inlet {
        Inlet {
            handed_over: ArrayQueue::new(capacity.max(1)),
            streams: ArrayQueue::new(STREAM_RING),
            room: Semaphore::new(STREAM_RING),
            alarm,
        }
    }

    /// A datagram from another worker; false when the ring is full and it was dropped.
    pub(crate) fn hand_over(&self, packet: Packet) -> bool {
        let taken = self.handed_over.push(packet).is_ok();
        self.alarm.ring();
        taken
    }

    /// A message or error of a stream; waits for room.
    pub(crate) async fn post(&self, item: StreamItem) {
        // The semaphore is never closed, and a permit stands for a free place: neither branch can fail.
        if let Ok(permit) = self.room.acquire().await {
            permit.forget();
            let _free_place_was_granted = self.streams.push(item);
            self.alarm.ring();
        }
    }

    pub(crate) fn take_handed_over(&self) -> Option<Packet> {
        self.handed_over.pop()
    }

    pub(crate) fn take_stream(&self) -> Option<StreamItem> {
        let item = self.streams.pop()?;
        self.room.add_permits(1);
        Some(item)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.handed_over.is_empty() && self.streams.is_empty()
    }

    pub(crate) fn ring(&self) {
        self.alarm.ring();
    }

    pub(crate) fn alarm(&self) -> &Alarm {
        &self.alarm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_gives_the_input_back() {
        let mailbox = Mailbox::new(2, Arc::new(Alarm::new().unwrap()));
        assert_eq!(mailbox.try_send(1), Ok(()));
        assert_eq!(mailbox.clone().try_send(2), Ok(()));
        assert_eq!(mailbox.try_send(3), Err(3));
        assert_eq!((mailbox.take(), mailbox.take(), mailbox.take()), (Some(1), Some(2), None));
    }

    fn packet(number: u8) -> Packet {
        let addr = std::net::SocketAddr::from(([127, 0, 0, 1], 5060));
        let flow = Flow { transport: sip::Transport::Udp, local: addr, remote: addr, connection: None };
        Packet { flow, bytes: bytes::Bytes::from(vec![number]) }
    }

    #[test]
    fn a_datagram_for_a_full_ring_is_dropped_and_the_caller_knows() {
        let inlet = Inlet::new(2, Arc::new(Alarm::new().unwrap()));
        assert!(inlet.hand_over(packet(1)) && inlet.hand_over(packet(2)));
        assert!(!inlet.hand_over(packet(3)));
        assert_eq!(inlet.take_handed_over(), Some(packet(1)));
        assert!(inlet.hand_over(packet(4)));
        assert_eq!((inlet.take_handed_over(), inlet.take_handed_over()), (Some(packet(2)), Some(packet(4))));
    }

    #[tokio::test]
    async fn a_stream_waits_until_there_is_room() {
        let inlet = Inlet::new(1, Arc::new(Alarm::new().unwrap()));
        for _ in 0..STREAM_RING {
            inlet.post(StreamItem::Packet(packet(1))).await;
        }
        let mut waiting = std::pin::pin!(inlet.post(StreamItem::FlowError(packet(2).flow)));
        let none = std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx).is_pending()));
        assert!(none.await, "no room yet");
        assert!(inlet.take_stream().is_some());
        waiting.await;
        let left = std::iter::from_fn(|| inlet.take_stream()).count();
        assert_eq!(left, STREAM_RING);
    }
}

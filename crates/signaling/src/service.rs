//! What a worker drives.

use clock::Time;
use sip::{Flow, Packet, Transmit};

/// One shard of the switch, owned by one worker thread.
///
/// No method may block. Everything that waits (storage, HTTP, names) is done elsewhere and comes back as
/// [`Service::input`] through a [`crate::Mailbox`].
pub trait Service: Send {
    /// What other threads may say to this shard.
    type Input: Send + 'static;

    /// A datagram or a message framed from a stream; its Call-ID belongs to this shard, or it has none.
    fn packet(&mut self, now: Time, packet: Packet);

    /// Something from the mailbox.
    fn input(&mut self, now: Time, input: Self::Input);

    /// The time of [`Service::next_timeout`] has come.
    fn timeout(&mut self, now: Time);

    /// When [`Service::timeout`] wants to be called; `None` sleeps until something arrives.
    fn next_timeout(&self) -> Option<Time>;

    /// The next message to send; asked until `None` after every batch.
    fn transmit(&mut self) -> Option<Transmit>;

    /// A connection was closed, could not be made, or a datagram could not be sent.
    fn flow_error(&mut self, now: Time, flow: Flow);

    /// All input of this batch has been handed in; called before the transmissions are drained.
    fn batch_end(&mut self, now: Time);
}

//! The handle of the media plane.

use std::sync::Arc;

use clock::SystemClock;
use sdp::LegPlan;

use crate::{Counters, Error, Owner, SessionId, Settings, Sink, Tuning};

/// Where the packets of a session go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To another session of the same group, unchanged.
    Peer(SessionId),
    /// Back to where they came from, under another SSRC (RFC 3550 §8.2: an SSRC that comes back looks like a loop).
    Echo,
    /// Nowhere; they are counted.
    Nothing,
}

/// A new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// Its id.
    pub session: SessionId,
    /// Its even RTP port; RTCP is one above.
    pub rtp_port: u16,
}

/// The media plane. Dropping it stops and joins the workers.
pub struct Media {
    _settings: Settings,
}

impl Media {
    /// Starts the workers.
    ///
    /// # Errors
    /// [`Error::NoPorts`] and [`Error::Start`].
    pub fn start(settings: Settings, sink: Arc<dyn Sink>, clock: SystemClock) -> Result<Media, Error> {
        Media::start_tuned(settings, Tuning::default(), sink, clock)
    }

    /// Starts the workers with other times than usual.
    ///
    /// # Errors
    /// As [`Media::start`].
    pub fn start_tuned(
        settings: Settings,
        _tuning: Tuning,
        _sink: Arc<dyn Sink>,
        _clock: SystemClock,
    ) -> Result<Media, Error> {
        Ok(Media { _settings: settings })
    }

    /// Opens a session: binds an RTP and an RTCP port. All legs of a call share a `group`. Until [`Media::apply`]
    /// whatever arrives is dropped.
    ///
    /// # Errors
    /// [`Error::NoFreePort`], [`Error::Busy`], [`Error::Socket`].
    pub fn reserve(&self, _group: u64, _owner: Owner) -> Result<Reserved, Error> {
        Err(Error::Busy)
    }

    /// Says how to treat a session and where its packets go; again after each offer and answer. The learned source
    /// is kept unless the signalled address changes.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::UnknownSession`], [`Error::OtherGroup`].
    pub fn apply(&self, _session: SessionId, _plan: LegPlan, _target: Target) -> Result<(), Error> {
        Err(Error::Busy)
    }

    /// Ends a session. [`crate::Event::Released`] follows with its statistics; a session that is gone is ignored.
    pub fn release(&self, _session: SessionId) {}

    /// Asks for [`crate::Event::Statistics`].
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::UnknownSession`].
    pub fn query(&self, _session: SessionId) -> Result<(), Error> {
        Err(Error::Busy)
    }

    /// Ports that hold a session, two for each.
    #[must_use]
    pub fn ports_in_use(&self) -> usize {
        0
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters::default()
    }

    /// Stops and joins the workers; sessions end without events.
    pub fn stop(self) {}
}

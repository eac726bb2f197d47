//! What can be wrong with a description.

/// Why a description was refused. Every variant is the peer's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    /// More than [`crate::limits`] allow.
    #[error("session description exceeds the limit of {what}")]
    TooLarge {
        /// Which limit.
        what: &'static str,
    },
    /// A line is not `x=value`, or a value cannot be read.
    #[error("session description is malformed at line {line}: {what}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// What was expected.
        what: &'static str,
    },
    /// There is no audio over plain RTP among the media.
    #[error("no audio over RTP/AVP offered")]
    NoAudio,
    /// The audio has no `c=` line of its own and the session has none.
    #[error("no connection address for the audio")]
    NoConnection,
    /// The connection address is a multicast or broadcast address.
    #[error("the connection address is not a unicast address")]
    NotUnicast,
    /// None of the offered codecs is supported.
    #[error("no common codec")]
    NoCommonCodec,
}

impl SdpError {
    /// The SIP status that refuses a message with this description.
    #[must_use]
    pub const fn sip_status(self) -> u16 {
        match self {
            SdpError::TooLarge { .. } => 413,
            SdpError::Malformed { .. } | SdpError::NoConnection | SdpError::NotUnicast => 400,
            // RFC 3261 §21.4.26
            SdpError::NoAudio | SdpError::NoCommonCodec => 488,
        }
    }
}

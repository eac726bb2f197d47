//! What can go wrong at the faces of the exchange. A wrong peer never gets here: it gets a SIP status.

/// An error of the exchange.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing here has this id.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Another account uses this name or number.
    #[error("{field} {value:?} is already in use")]
    Taken {
        /// `username` or `extension`.
        field: &'static str,
        /// What was asked for.
        value: String,
    },
    /// A field that is out of its rules.
    #[error(transparent)]
    Invalid(#[from] model::Invalid),
    /// The database.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The SIP listeners.
    #[error(transparent)]
    Signaling(#[from] signaling::Error),
    /// The RTP sockets.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// The operating system has no randomness.
    #[error("no randomness from the operating system: {0}")]
    Random(std::io::Error),
    /// The exchange is stopping, or too busy to answer in time.
    #[error("the exchange does not answer; it is stopping or overloaded")]
    Unavailable,
}

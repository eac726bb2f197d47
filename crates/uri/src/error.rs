//! Why a text is not a URI, a host or a number.

/// Why a text is refused; the peer (or the operator who typed it) is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// Longer than [`crate::MAX_URI_BYTES`]; as a request-URI it is answered 414.
    #[error("longer than {} bytes", crate::MAX_URI_BYTES)]
    TooLong,
    /// A byte sequence that is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// No `scheme:` in front.
    #[error("no scheme")]
    NoScheme,
    /// A well-formed URI whose scheme is none of `sip`, `sips`, `tel`; as a request-URI it is answered 416.
    #[error("unsupported scheme")]
    UnsupportedScheme,
    /// White space, a control character, `<`, `>` or `"` inside.
    #[error("a character that no URI may hold")]
    BadCharacter,
    /// An `@` without a user in front of it, or no user where one is needed.
    #[error("no user")]
    NoUser,
    /// The host is empty or neither a name nor an address.
    #[error("no valid host")]
    BadHost,
    /// The port is not a number up to 65535.
    #[error("no valid port")]
    BadPort,
    /// Not a telephone number of RFC 3966, or not an E.164 number.
    #[error("not a telephone number")]
    BadNumber,
}

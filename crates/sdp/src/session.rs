//! A whole description.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::line::{self, Line};
use crate::media::{Connection, Media, connection_of, direction_of};
use crate::{SdpError, limits};

/// A session description: every line byte-exact and in order.
///
/// Line ends are written as CRLF and empty lines are not kept; apart from that `to_bytes` gives back what was parsed.
/// Serialized as its text and parsed again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Bytes", into = "Bytes")]
pub struct Session {
    lines: Vec<Line>,
    medias: Vec<Media>,
}

impl Session {
    /// Parses a description; the text is copied once.
    ///
    /// # Errors
    /// [`SdpError::Malformed`] and [`SdpError::TooLarge`].
    pub fn parse(text: &[u8]) -> Result<Session, SdpError> {
        if text.len() > limits::MAX_BYTES {
            return Err(SdpError::TooLarge { what: "bytes" });
        }
        Session::from_bytes(Bytes::copy_from_slice(text))
    }

    /// Parses a description that shares its text with the caller.
    ///
    /// # Errors
    /// [`SdpError::Malformed`] and [`SdpError::TooLarge`].
    pub fn from_bytes(text: Bytes) -> Result<Session, SdpError> {
        let mut session = Session { lines: Vec::with_capacity(8), medias: Vec::with_capacity(1) };
        for (at, line) in line::split(&text)? {
            if line.letter() == 'm' {
                if session.medias.len() == limits::MAX_MEDIAS {
                    return Err(SdpError::TooLarge { what: "media descriptions" });
                }
                session.medias.push(Media::begin(at, line)?);
            } else if let Some(media) = session.medias.last_mut() {
                media.push(line);
            } else {
                session.lines.push(line);
            }
        }
        if session.lines.first().is_none_or(|line| line.letter() != 'v' || line.value().trim_ascii() != b"0")
        {
            return Err(SdpError::Malformed { line: 1, what: "v=0" });
        }
        let connection = connection_of(&session.lines);
        let direction = direction_of(&session.lines);
        session.medias.iter_mut().for_each(|media| media.finish(connection.as_ref(), direction));
        Ok(session)
    }

    /// The text, with CRLF line ends.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(512);
        let all = self.lines.iter().chain(self.medias.iter().flat_map(Media::lines));
        all.for_each(|line| line.write(&mut out));
        Bytes::from(out)
    }

    /// The media descriptions in order.
    #[must_use]
    pub fn medias(&self) -> &[Media] {
        &self.medias
    }

    /// The lines before the first `m=` line.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The value of the `o=` line.
    #[must_use]
    pub fn origin(&self) -> Option<&[u8]> {
        self.lines.iter().find(|line| line.letter() == 'o').map(Line::value)
    }

    /// The session's `c=` line.
    #[must_use]
    pub fn connection(&self) -> Option<Connection> {
        connection_of(&self.lines)
    }

    /// The stream that a relay takes: the first open audio over plain RTP.
    #[must_use]
    pub fn audio(&self) -> Option<&Media> {
        self.audio_index().and_then(|index| self.medias.get(index))
    }

    /// Where [`Session::audio`] stands among the media.
    pub(crate) fn audio_index(&self) -> Option<usize> {
        self.medias.iter().position(Media::is_relayable)
    }

    /// Whether the audio is held: not both ways, or addressed to `0.0.0.0`. Without audio: no.
    #[must_use]
    pub fn is_hold(&self) -> bool {
        self.audio().is_some_and(|audio| audio.direction().is_hold())
    }
}

impl TryFrom<Bytes> for Session {
    type Error = SdpError;

    fn try_from(text: Bytes) -> Result<Session, SdpError> {
        Session::from_bytes(text)
    }
}

impl From<Session> for Bytes {
    fn from(session: Session) -> Bytes {
        session.to_bytes()
    }
}

/// The text; bytes that are not UTF-8 are replaced.
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

/// Counts only: a description holds addresses.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} lines, {} media)", self.lines.len(), self.medias.len())
    }
}

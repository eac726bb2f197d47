//! Descriptions of calls that end at the server itself, the echo test for one.

use crate::compose::{Composer, Local};
use crate::relay::{refused, usable_audio};
use crate::{Codec, Direction, Media, Origin, SdpError, Session};

/// The answer when we are the other end: the first offered codec that is supported, and telephone-event if offered at
/// the same clock rate. An empty `supported` takes any audio codec. One `m=` line for each offered one.
///
/// # Errors
/// [`SdpError::NoCommonCodec`]; [`SdpError::NoAudio`], [`SdpError::NoConnection`].
pub fn local_answer(
    offer: &Session,
    local: Local,
    supported: &[Codec],
    origin: &mut Origin,
) -> Result<Session, SdpError> {
    let audio = usable_audio(offer)?;
    let place = offer.audio_index().ok_or(SdpError::NoAudio)?;
    let codecs = chosen(audio, supported)?;
    let mut composer = Composer::new(local, std::iter::empty());
    for (index, offered) in offer.medias().iter().enumerate() {
        if index == place {
            own_audio(&mut composer, local, offered.proto(), &codecs);
            composer.line(&format!("a=ptime:{}", offered.ptime_ms().unwrap_or(crate::plan::PTIME_MS)));
            composer.audio_end(offered.direction().reversed());
        } else {
            refused(&mut composer, offered);
        }
    }
    composer.finish(origin)
}

/// The offer when we are one end and the caller left the offer to us (RFC 3261 §13.2.1): all `codecs` in order.
///
/// # Errors
/// [`SdpError::NoCommonCodec`] when `codecs` is empty.
pub fn local_offer(local: Local, codecs: &[Codec], origin: &mut Origin) -> Result<Session, SdpError> {
    if codecs.is_empty() {
        return Err(SdpError::NoCommonCodec);
    }
    let mut composer = Composer::new(local, std::iter::empty());
    own_audio(&mut composer, local, b"RTP/AVP", codecs);
    composer.line(&format!("a=ptime:{}", crate::plan::PTIME_MS));
    composer.audio_end(Direction::SendRecv);
    composer.finish(origin)
}

/// The audio codec to use, then its events.
fn chosen(audio: &Media, supported: &[Codec]) -> Result<Vec<Codec>, SdpError> {
    let offered = audio.codecs();
    let fits = |codec: &Codec| {
        codec.is_audio() && (supported.is_empty() || supported.iter().any(|ours| ours.same_encoding(codec)))
    };
    let first = offered.iter().find(|codec| fits(codec)).ok_or(SdpError::NoCommonCodec)?;
    let events = offered.iter().filter(|codec| codec.is_telephone_event());
    // RFC 4733 §2.1: events share the clock of the audio they accompany; some phones offer 8000 only.
    let event = events.clone().find(|codec| codec.clock_rate == first.clock_rate).or(events.clone().next());
    Ok(std::iter::once(first).chain(event).cloned().collect())
}

/// Writes an `m=` line with the codecs' attributes.
fn own_audio(composer: &mut Composer, local: Local, proto: &[u8], codecs: &[Codec]) {
    let formats: Vec<String> = codecs.iter().map(|codec| codec.payload.to_string()).collect();
    composer.media(b"audio", local.rtp_port, proto, formats.iter().map(String::as_bytes));
    for codec in codecs {
        composer.line(&format!("a=rtpmap:{}", codec.rtpmap()));
        if let Some(fmtp) = &codec.fmtp {
            composer.line(&format!("a=fmtp:{} {fmtp}", codec.payload));
        }
    }
}

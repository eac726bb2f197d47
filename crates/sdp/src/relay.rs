//! Offer and answer through a back-to-back relay.

use crate::attributes::passes_relay;
use crate::compose::{Composer, Local};
use crate::line::Line;
use crate::{Direction, Media, Origin, SdpError, Session};

/// The offer for the other side, made of the offer that one side sent: our address and port, the codecs passed
/// through in order, the first audio over plain RTP only, hold kept (also the old form with `0.0.0.0`).
///
/// What describes the sender's transport (ICE, keys, RTCP, bundles) is dropped; `a=rtcp` names our port.
///
/// # Errors
/// [`SdpError::NoAudio`] when there is no such audio; [`SdpError::NoConnection`] and [`SdpError::NotUnicast`].
pub fn relay_offer(theirs: &Session, local: Local, origin: &mut Origin) -> Result<Session, SdpError> {
    let audio = usable_audio(theirs)?;
    let mut composer = Composer::new(local, passed_attributes(theirs));
    relayed_audio(&mut composer, audio, local, b"RTP/AVP", audio.direction());
    composer.finish(origin)
}

/// The same on a leg where descriptions have been exchanged before: the audio stays at its place among the media and
/// the streams refused earlier stay refused, because a later offer must not have fewer (RFC 3264 §8).
///
/// `previous` is the last description that went over this leg, ours or theirs.
///
/// # Errors
/// As [`relay_offer`].
pub fn relay_reoffer(
    theirs: &Session,
    previous: &Session,
    local: Local,
    origin: &mut Origin,
) -> Result<Session, SdpError> {
    let Some(place) = previous.audio_index() else { return relay_offer(theirs, local, origin) };
    let audio = usable_audio(theirs)?;
    let mut composer = Composer::new(local, passed_attributes(theirs));
    for (index, media) in previous.medias().iter().enumerate() {
        if index == place {
            relayed_audio(&mut composer, audio, local, media.proto(), audio.direction());
        } else {
            refused(&mut composer, media);
        }
    }
    composer.finish(origin)
}

/// The answer to the offer that one side sent, made of the other side's answer: one `m=` line for each offered one,
/// the audio with our address and port and the codecs of the answer, everything else refused with port 0
/// (RFC 3264 §6). An answer that refuses the audio is relayed as a refusal.
///
/// # Errors
/// [`SdpError::NoAudio`] when the offer had no audio that [`relay_offer`] would take.
pub fn relay_answer(
    offer_received: &Session,
    answer_from_other_side: &Session,
    local: Local,
    origin: &mut Origin,
) -> Result<Session, SdpError> {
    let place = offer_received.audio_index().ok_or(SdpError::NoAudio)?;
    let answered = answer_from_other_side.audio();
    let mut composer = Composer::new(local, passed_attributes(answer_from_other_side));
    for (index, offered) in offer_received.medias().iter().enumerate() {
        match answered.filter(|_| index == place) {
            Some(audio) => {
                // RFC 3264 §6.1: never more than the offer allows, whatever the other side answered.
                let direction = audio.direction().and(offered.direction().reversed());
                relayed_audio(&mut composer, audio, local, offered.proto(), direction);
            }
            None => refused(&mut composer, offered),
        }
    }
    composer.finish(origin)
}

/// The audio that can be relayed.
pub(crate) fn usable_audio(theirs: &Session) -> Result<&Media, SdpError> {
    let audio = theirs.audio().ok_or(SdpError::NoAudio)?;
    if audio.connection().is_none() {
        return Err(SdpError::NoConnection);
    }
    Ok(audio)
}

/// Refuses a stream: port 0, the rest of its `m=` line as offered.
pub(crate) fn refused(composer: &mut Composer, offered: &Media) {
    composer.media(offered.kind_text(), 0, offered.proto(), offered.formats());
}

/// Session attributes that go through.
fn passed_attributes(theirs: &Session) -> impl Iterator<Item = &Line> {
    theirs.lines().iter().filter(|line| passes(line))
}

/// Writes one side's audio with our address.
fn relayed_audio(composer: &mut Composer, audio: &Media, local: Local, proto: &[u8], direction: Direction) {
    composer.media(b"audio", local.rtp_port, proto, audio.formats());
    // RFC 4566 §5: i, c, b, k, a. The address is the session's; titles and keys end here.
    for line in audio.lines().iter().filter(|line| line.letter() == 'b' || passes(line)) {
        composer.pass(line);
    }
    composer.audio_end(direction);
}

/// Whether a line is an attribute that goes through.
fn passes(line: &Line) -> bool {
    line.attribute().is_some_and(|(name, _)| passes_relay(name))
}

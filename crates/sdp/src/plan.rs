//! The word between the call and the media plane.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::relay::usable_audio;
use crate::{Codec, Direction, Media, SdpError, Session};

/// Milliseconds per packet when nobody says (RFC 3551 §4.2).
pub(crate) const PTIME_MS: u16 = 20;

/// How the media plane treats one side of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegPlan {
    /// Where RTP goes until the source is learned; none on an old-style hold or behind a host name.
    pub remote_rtp: Option<SocketAddr>,
    /// Where RTCP goes until its source is learned.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTCP on the RTP port, both ways.
    pub rtcp_mux: bool,
    /// From our side: whether we send to it, whether we take what it sends.
    pub direction: Direction,
    /// Payload types taken from it; empty: all.
    pub payloads: SmallVec<[u8; 8]>,
    /// The payload type of RFC 4733 events.
    pub telephone_event: Option<u8>,
    /// The first audio codec agreed on.
    pub codec: Option<Codec>,
    /// Milliseconds of sound in a packet.
    pub ptime_ms: u16,
    /// Whether to send to where its packets come from instead of where the description says.
    pub symmetric: bool,
    /// Where its signalling comes from, if the call knows: a phone behind NAT signals an address of its own network,
    /// and packets from where it signals are believed before those of strangers. Not filled in by [`leg_plan`].
    pub signalling_source: Option<IpAddr>,
}

/// How to treat the side that sent `theirs`.
///
/// `agreed` is the other description of the same exchange on the same leg: our answer when `theirs` is an offer, our
/// offer when `theirs` is the answer. When that is not at hand, the answer itself may be given for both.
/// The direction is what both allow; accepted are the codecs that both list, under the payload types of either
/// (RFC 3264 §5.1 lets each side number them for itself).
///
/// # Errors
/// [`SdpError::NoAudio`] when either has no audio over plain RTP; [`SdpError::NoConnection`]; [`SdpError::NotUnicast`].
pub fn leg_plan(theirs: &Session, agreed: &Session) -> Result<LegPlan, SdpError> {
    let audio = usable_audio(theirs)?;
    let ours = agreed.audio().ok_or(SdpError::NoAudio)?;
    let (remote_rtp, remote_rtcp) = (audio.rtp_address(), audio.rtcp_address());
    if [remote_rtp, remote_rtcp].into_iter().flatten().any(|addr| !is_unicast(addr.ip())) {
        return Err(SdpError::NotUnicast);
    }
    let direction = audio.direction().reversed();
    let direction = if theirs == agreed { direction } else { direction.and(ours.direction()) };
    let codecs = common(audio, ours);
    let event = codecs.iter().find(|pair| pair.1.is_telephone_event());
    Ok(LegPlan {
        remote_rtp,
        remote_rtcp,
        rtcp_mux: false,
        direction,
        payloads: payloads(&codecs),
        telephone_event: event.map(|pair| pair.1.payload),
        codec: codecs.iter().find(|pair| pair.0.is_audio()).map(|pair| pair.0.clone()),
        ptime_ms: audio.ptime_ms().or_else(|| ours.ptime_ms()).unwrap_or(PTIME_MS),
        symmetric: true,
        signalling_source: None,
    })
}

/// The codecs that both list, theirs beside ours, in the order of the answer.
fn common(theirs: &Media, ours: &Media) -> Vec<(Codec, Codec)> {
    let (theirs, ours) = (theirs.codecs(), ours.codecs());
    let pair = |their: &Codec, our: &Codec| their.same_encoding(our).then(|| (their.clone(), our.clone()));
    // An answer does not add codecs: the shorter list is the answer's.
    if ours.len() <= theirs.len() {
        ours.iter().filter_map(|our| theirs.iter().find_map(|their| pair(their, our))).collect()
    } else {
        theirs.iter().filter_map(|their| ours.iter().find_map(|our| pair(their, our))).collect()
    }
}

/// The payload types of either numbering, each once, in order.
fn payloads(codecs: &[(Codec, Codec)]) -> SmallVec<[u8; 8]> {
    let mut list = SmallVec::new();
    for payload in codecs.iter().flat_map(|(theirs, ours)| [ours.payload, theirs.payload]) {
        if !list.contains(&payload) {
            list.push(payload);
        }
    }
    list
}

/// Whether packets may be sent there at all.
fn is_unicast(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => !addr.is_multicast() && !addr.is_broadcast(),
        IpAddr::V6(addr) => !addr.is_multicast(),
    }
}

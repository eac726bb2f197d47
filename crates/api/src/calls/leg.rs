//! One leg of a call on the wire, running or recorded.

use model::{LegRecord, LegUid};
use serde::Serialize;
use switch::LegView;
use utoipa::ToSchema;

use crate::channels::mos::{self, Quality};

/// One leg: one dialog and one media stream. Media figures are those of what this server received from its far end.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Leg {
    #[schema(value_type = String)]
    leg_id: LegUid,
    /// `caller` or `callee`.
    #[schema(example = "caller")]
    side: String,
    /// The number or name at its far end.
    number: String,
    /// The signalling address of its far end.
    #[schema(example = "192.0.2.7:5060")]
    remote: Option<String>,
    user_agent: Option<String>,
    /// `calling`, `ringing`, `answered`, `held` or `gone`; `ended` in the history.
    state: String,
    /// The final SIP status, once there is one.
    sip_status: Option<u16>,
    #[schema(example = "PCMU")]
    codec: Option<String>,
    packets_received: u64,
    packets_sent: u64,
    /// Packets that never came.
    lost: u64,
    /// Share of lost packets, 0 to 1.
    loss_ratio: f64,
    jitter_ms: f64,
    round_trip_ms: Option<f64>,
    /// Mean opinion score estimated from loss, jitter and round trip (ITU-T G.107), 1 to 4.5; null without media.
    #[schema(example = 4.41)]
    mos: Option<f64>,
}

/// What was counted of one leg's media.
struct Counted {
    received: u64,
    lost: u64,
    jitter_us: u64,
    round_trip_us: Option<u64>,
}

impl Leg {
    pub(crate) fn of_running(leg: LegView) -> Leg {
        let media = leg.media;
        let counted = Counted {
            received: media.packets_received,
            lost: media.lost,
            jitter_us: media.jitter_us,
            round_trip_us: media.round_trip_us,
        };
        Leg {
            leg_id: leg.uid,
            side: leg.side,
            number: leg.number,
            remote: Some(leg.remote.to_string()),
            user_agent: leg.user_agent,
            state: leg.state,
            sip_status: None,
            packets_received: media.packets_received,
            packets_sent: media.packets_sent,
            lost: media.lost,
            loss_ratio: counted.loss_ratio(),
            jitter_ms: millis(media.jitter_us),
            round_trip_ms: media.round_trip_us.map(millis),
            mos: counted.mos(leg.codec.as_deref()),
            codec: leg.codec,
        }
    }

    pub(crate) fn of_record(leg: LegRecord) -> Leg {
        let counted = Counted {
            received: leg.packets_received,
            lost: leg.lost,
            jitter_us: leg.jitter_us,
            round_trip_us: None,
        };
        Leg {
            leg_id: leg.uid,
            side: leg.side.as_str().to_owned(),
            number: leg.number,
            remote: leg.remote,
            user_agent: leg.user_agent,
            state: "ended".to_owned(),
            sip_status: leg.sip_status,
            packets_received: leg.packets_received,
            packets_sent: leg.packets_sent,
            lost: leg.lost,
            loss_ratio: counted.loss_ratio(),
            jitter_ms: millis(leg.jitter_us),
            round_trip_ms: None,
            mos: counted.mos(leg.codec.as_deref()),
            codec: leg.codec,
        }
    }
}

impl Counted {
    fn loss_ratio(&self) -> f64 {
        let expected = self.received.saturating_add(self.lost);
        if expected == 0 { 0.0 } else { rounded(float(self.lost) / float(expected), 10_000.0) }
    }

    fn mos(&self, codec: Option<&str>) -> Option<f64> {
        (self.received > 0).then(|| {
            mos::estimate(Quality {
                loss_ratio: self.loss_ratio(),
                jitter_ms: millis(self.jitter_us),
                round_trip_ms: self.round_trip_us.map(millis),
                codec,
            })
        })
    }
}

fn millis(micros: u64) -> f64 {
    float(micros) / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people: 53 bits are enough")]
fn float(count: u64) -> f64 {
    count as f64
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(received: u64, lost: u64) -> Counted {
        Counted { received, lost, jitter_us: 1_000, round_trip_us: Some(20_000) }
    }

    #[test]
    fn loss_is_a_share_of_what_was_sent() {
        assert_eq!(counted(0, 0).loss_ratio(), 0.0);
        assert_eq!(counted(75, 25).loss_ratio(), 0.25);
        assert_eq!(counted(2, 1).loss_ratio(), 0.3333);
    }

    #[test]
    fn there_is_no_score_without_media() {
        assert_eq!(counted(0, 0).mos(Some("PCMU")), None);
        assert!(counted(1_000, 0).mos(Some("PCMU")).unwrap() > 4.3);
        assert!(counted(900, 100).mos(Some("PCMU")).unwrap() < 3.5);
    }
}

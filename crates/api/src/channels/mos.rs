//! How good a leg sounds, estimated from what the network did to it.
//!
//! The E-model of ITU-T G.107 with every parameter at its default but delay, packet loss and codec; the delay
//! impairment is the usual two-segment approximation of its curve.

/// The rating with default parameters and no impairment, ITU-T G.107 §7.1 (defaults of table 2).
const R_DEFAULT: f64 = 93.2;
/// Delay of a device besides the network: packetisation of 20 ms and look-ahead.
const DEVICE_DELAY_MS: f64 = 25.0;
/// A jitter buffer waits about this many times the mean jitter.
const JITTER_BUFFER_FACTOR: f64 = 2.0;
/// From this delay on people begin to interrupt each other.
const TALK_DELAY_MS: f64 = 177.3;

/// What is known about one direction of a leg.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quality<'a> {
    /// Share of lost packets, 0 to 1.
    pub(crate) loss_ratio: f64,
    /// Interarrival jitter, milliseconds.
    pub(crate) jitter_ms: f64,
    /// Round trip, milliseconds, when RTCP told it.
    pub(crate) round_trip_ms: Option<f64>,
    /// `PCMU`, `opus`, …
    pub(crate) codec: Option<&'a str>,
}

/// How a codec sounds at its best, and how well it hides random loss (ITU-T G.113 appendix I).
struct Codec {
    impairment: f64,
    robustness: f64,
}

impl Codec {
    fn of(name: Option<&str>) -> Codec {
        let known = |impairment, robustness| Codec { impairment, robustness };
        match name.map(str::to_ascii_lowercase).as_deref() {
            // Opus hides loss with its in-band forward error correction.
            Some("opus") => known(0.0, 30.0),
            Some("g722") => known(0.0, 13.0),
            Some("g729") => known(11.0, 19.0),
            Some("gsm") => known(20.0, 10.0),
            // G.711 with packet-loss concealment; also the guess for what is not known.
            _ => known(0.0, 25.1),
        }
    }
}

/// The mean opinion score, 1.0 to 4.5, rounded to hundredths.
pub(crate) fn estimate(quality: Quality<'_>) -> f64 {
    let rating = R_DEFAULT - delay_impairment(quality) - loss_impairment(quality);
    (mos_of(rating) * 100.0).round() / 100.0
}

fn delay_impairment(quality: Quality<'_>) -> f64 {
    let network = quality.round_trip_ms.unwrap_or_default() / 2.0;
    let delay = network + DEVICE_DELAY_MS + JITTER_BUFFER_FACTOR * quality.jitter_ms;
    0.024 * delay + 0.11 * (delay - TALK_DELAY_MS).max(0.0)
}

/// `Ie-eff` of ITU-T G.107 §7.5 for random loss (`BurstR` = 1).
fn loss_impairment(quality: Quality<'_>) -> f64 {
    let Codec { impairment, robustness } = Codec::of(quality.codec);
    let percent = quality.loss_ratio.clamp(0.0, 1.0) * 100.0;
    impairment + (95.0 - impairment) * percent / (percent + robustness)
}

/// ITU-T G.107 annex B.
fn mos_of(rating: f64) -> f64 {
    let rating = rating.clamp(0.0, 100.0);
    (1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mos(loss_ratio: f64, jitter_ms: f64, round_trip_ms: f64) -> f64 {
        let round_trip_ms = Some(round_trip_ms);
        estimate(Quality { loss_ratio, jitter_ms, round_trip_ms, codec: Some("PCMU") })
    }

    #[test]
    fn the_curve_goes_through_the_points_of_the_recommendation() {
        // ITU-T G.107 annex B, table B.1: R 90 → 4.34, 80 → 4.03, 70 → 3.60, 60 → 3.10, 50 → 2.58.
        for (rating, mos) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            assert!((mos_of(rating) - mos).abs() < 0.01, "R {rating}: {}", mos_of(rating));
        }
        assert_eq!((mos_of(-5.0), mos_of(120.0)), (1.0, 4.5));
    }

    #[test]
    fn a_quiet_network_is_excellent() {
        assert!(mos(0.0, 0.0, 0.0) >= 4.38);
        assert!(mos(0.0, 1.0, 20.0) >= 4.36);
    }

    #[test]
    fn each_impairment_makes_it_worse() {
        let good = mos(0.0, 1.0, 20.0);
        assert!(mos(0.02, 1.0, 20.0) < good - 0.1, "loss");
        assert!(mos(0.0, 60.0, 20.0) < good - 0.05, "jitter");
        assert!(mos(0.0, 1.0, 800.0) < good - 0.5, "delay");
        assert!(mos(0.10, 1.0, 20.0) < 3.5);
        assert!((1.0..1.4).contains(&mos(1.0, 200.0, 2_000.0)));
    }

    #[test]
    fn a_robust_codec_loses_less() {
        let at = |codec| {
            estimate(Quality { loss_ratio: 0.05, jitter_ms: 1.0, round_trip_ms: None, codec: Some(codec) })
        };
        assert!(at("opus") > at("PCMA"));
        assert!(at("PCMA") > at("G722"));
    }
}

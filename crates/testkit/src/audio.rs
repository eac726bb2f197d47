//! Known tones: made, coded, and measured.

use std::f64::consts::TAU;

/// Samples per second of both codecs.
pub(crate) const RATE: u32 = 8_000;

/// G.711 in its two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// µ-law, payload type 0.
    Pcmu,
    /// A-law, payload type 8.
    Pcma,
}

impl Codec {
    /// The static payload type, RFC 3551 §6.
    #[must_use]
    pub fn payload(self) -> u8 {
        match self {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
        }
    }

    /// The encoding name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    pub(crate) fn encode(self, sample: i16) -> u8 {
        match self {
            Codec::Pcmu => mu_encode(sample),
            Codec::Pcma => a_encode(sample),
        }
    }

    pub(crate) fn decode(self, byte: u8) -> i16 {
        match self {
            Codec::Pcmu => mu_decode(byte),
            Codec::Pcma => a_decode(byte),
        }
    }
}

/// ITU-T G.711 µ-law: 14 bits in segments of doubling size.
fn mu_encode(sample: i16) -> u8 {
    let magnitude = (i32::from(sample).abs() + 132).min(32_767);
    let segment = (magnitude.ilog2() - 7).min(7);
    let step = (magnitude >> (segment + 3)) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (u8::try_from(segment).unwrap() << 4) | u8::try_from(step).unwrap())
}

fn mu_decode(byte: u8) -> i16 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 0x0f) << 3) + 132) << ((byte & 0x70) >> 4);
    let magnitude = i16::try_from(magnitude - 132).unwrap();
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

/// ITU-T G.711 A-law: 13 bits, even bits inverted.
fn a_encode(sample: i16) -> u8 {
    let magnitude = if sample < 0 { i32::from(!sample) } else { i32::from(sample) };
    let segment = if magnitude < 256 { 0 } else { magnitude.ilog2() - 7 };
    let step = if segment == 0 { magnitude >> 4 } else { (magnitude >> (segment + 3)) & 0x0f };
    let sign = if sample < 0 { 0 } else { 0x80 };
    (sign | (u8::try_from(segment).unwrap() << 4) | u8::try_from(step).unwrap()) ^ 0x55
}

fn a_decode(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (segment, step) = ((byte & 0x70) >> 4, i32::from(byte & 0x0f) << 4);
    let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
    let magnitude = i16::try_from(magnitude).unwrap();
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// A sine that goes on where it was.
#[derive(Clone, Debug)]
pub(crate) struct Sine {
    hz: f64,
    amplitude: f64,
    phase: f64,
}

impl Sine {
    /// `level` in dB relative to full scale.
    pub(crate) fn new(hz: f64, level: f64) -> Sine {
        Sine { hz, amplitude: 32_767.0 * 10_f64.powf(level / 20.0), phase: 0.0 }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the amplitude is at most full scale")]
    pub(crate) fn next(&mut self) -> i16 {
        let sample = self.amplitude * self.phase.sin();
        self.phase = (self.phase + TAU * self.hz / f64::from(RATE)) % TAU;
        sample.round() as i16
    }
}

/// `seconds` of a tone, coded; whole periods when `hz` is a whole number, so that it can be repeated.
#[must_use]
pub fn coded_tone(codec: Codec, hz: f64, level: f64, seconds: u32) -> Vec<u8> {
    let mut sine = Sine::new(hz, level);
    (0..seconds * RATE).map(|_| codec.encode(sine.next())).collect()
}

/// What a piece of audio sounds like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// The strongest frequency, to 5 Hz.
    pub hz: f64,
    /// The level of the whole, in dB relative to a sine of full scale.
    pub level: f64,
    /// The share of the power that is at that frequency, 0 to 1: a clean tone has more than 0.9.
    pub purity: f64,
}

impl Heard {
    /// Whether it is a clean tone of this frequency and level, the level to 2 dB.
    #[must_use]
    pub fn is_tone(&self, hz: f64, level: f64) -> bool {
        (self.hz - hz).abs() <= 5.0 && (self.level - level).abs() <= 2.0 && self.purity > 0.9
    }
}

/// Measures frequency and level; `rate` in samples per second. Silence has a level of −∞.
#[must_use]
pub fn hear(samples: &[i16], rate: u32) -> Heard {
    let length = f64::from(u32::try_from(samples.len()).expect("a short recording"));
    let power = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / length.max(1.0);
    let strongest = (10..780)
        .map(|step| f64::from(step) * 5.0)
        .map(|hz| (hz, goertzel(samples, hz, rate)))
        .fold((0.0, 0.0), |best, next| if next.1 > best.1 { next } else { best });
    let full_scale = 32_767.0_f64.powi(2) / 2.0;
    Heard {
        hz: strongest.0,
        level: 10.0 * (power / full_scale).log10(),
        purity: if power > 0.0 { strongest.1 / power } else { 0.0 },
    }
}

/// The power of one frequency, in the unit of the mean square.
fn goertzel(samples: &[i16], hz: f64, rate: u32) -> f64 {
    let angle = TAU * hz / f64::from(rate);
    let factor = 2.0 * angle.cos();
    let (before, last) = samples
        .iter()
        .fold((0.0, 0.0), |(before, last), sample| (last, f64::from(*sample) + factor * last - before));
    let magnitude = before * before + last * last - factor * before * last;
    let length = f64::from(u32::try_from(samples.len()).expect("a short recording"));
    2.0 * magnitude / length.powi(2).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_measured_through_either_law() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let mut sine = Sine::new(440.0, -12.0);
            let samples: Vec<i16> = (0..RATE).map(|_| codec.decode(codec.encode(sine.next()))).collect();
            let heard = hear(&samples, RATE);
            assert!(heard.is_tone(440.0, -12.0), "{heard:?}");
            assert!(!heard.is_tone(450.0, -12.0) && !heard.is_tone(440.0, -15.0));
        }
    }

    #[test]
    fn noise_and_silence_are_no_tone() {
        let mut state = 1_u32;
        let noise: Vec<i16> = (0..8_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                i16::from_be_bytes([state.to_be_bytes()[0], state.to_be_bytes()[1]]) / 4
            })
            .collect();
        assert!(hear(&noise, RATE).purity < 0.1);
        assert!(hear(&[0; 8_000], RATE).level < -100.0);
    }

    #[test]
    fn the_laws_have_their_known_values() {
        assert_eq!(
            (mu_encode(0), mu_decode(0xff), mu_decode(0x80), mu_decode(0x00)),
            (0xff, 0, 32_124, -32_124)
        );
        assert_eq!((a_encode(0), a_decode(0xd5), a_decode(0xaa), a_decode(0x2a)), (0xd5, 8, 32_256, -32_256));
        for sample in (-32_000..32_000).step_by(97) {
            for codec in [Codec::Pcmu, Codec::Pcma] {
                let error = i32::from(codec.decode(codec.encode(sample))) - i32::from(sample);
                assert!(error.abs() <= i32::from(sample).abs() / 16 + 16, "{codec:?} {sample} {error}");
            }
        }
    }
}

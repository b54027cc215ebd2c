//! Intervals for a share of counts.
//!
//! The score interval is used throughout because it keeps a width at 0 of n and n of n, where the normal
//! approximation claims certainty.

use serde::{Deserialize, Serialize};

/// Two ends, `low` at most `high`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a number lies between the ends, ends included.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The interval with an end moved so that it holds `value`. Percentiles of a skewed statistic can miss the
    /// estimate itself, and an interval without its estimate helps nobody.
    #[must_use]
    pub(crate) fn widened_to(self, value: f64) -> Self {
        Self {
            low: self.low.min(value),
            high: self.high.max(value),
        }
    }
}

/// Wilson's score interval for a share (Wilson 1927, Journal of the American Statistical Association 22:
/// 209–212), without continuity correction:
/// `(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)`.
///
/// `confidence` lies strictly between 0 and 1. Ends stay in [0, 1]; at no successes the lower end is exactly
/// 0, at only successes the upper end is exactly 1. Worked number: 1 of 10 at 0.95 gives 0.0179 to 0.4042.
/// `None` for no trials, more successes than trials, or a confidence out of range.
#[must_use]
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let z = two_sided_quantile(confidence)?;
    let n = trials as f64;
    let share = successes as f64 / n;
    let z_squared = z * z;
    let scale = 1.0 + z_squared / n;
    let centre = (share + z_squared / (2.0 * n)) / scale;
    let half = z / scale * (share * (1.0 - share) / n + z_squared / (4.0 * n * n)).sqrt();
    Some(Interval {
        // Rounding must not leave 1e-17 where the formula gives 0, nor push an end past the estimate.
        low: if successes == 0 {
            0.0
        } else {
            (centre - half).clamp(0.0, share)
        },
        high: if successes == trials {
            1.0
        } else {
            (centre + half).clamp(share, 1.0)
        },
    })
}

/// How many standard deviations around the mean hold the share `confidence` of a normal distribution.
fn two_sided_quantile(confidence: f64) -> Option<f64> {
    if confidence > 0.0 && confidence < 1.0 {
        normal_quantile(0.5 + confidence / 2.0)
    } else {
        None
    }
}

/// The number below which the share `probability` of a standard normal distribution lies, to about 1e-15
/// (algorithm AS 241, routine PPND16: Wichura 1988, Applied Statistics 37: 477–484).
///
/// Worked number: 0.975 gives 1.959963984540054. `None` unless `probability` lies strictly between 0 and 1.
#[must_use]
pub fn normal_quantile(probability: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    let from_middle = probability - 0.5;
    if from_middle.abs() <= 0.425 {
        let r = 0.180_625 - from_middle * from_middle;
        return Some(from_middle * ratio(r, &CENTRE_ABOVE, &CENTRE_BELOW));
    }
    let tail = probability.min(1.0 - probability);
    let r = (-tail.ln()).sqrt();
    let size = if r <= 5.0 {
        ratio(r - 1.6, &MIDDLE_ABOVE, &MIDDLE_BELOW)
    } else {
        ratio(r - 5.0, &FAR_ABOVE, &FAR_BELOW)
    };
    Some(size.copysign(from_middle))
}

/// One polynomial over another, coefficients from the constant upwards.
fn ratio(x: f64, above: &[f64; 8], below: &[f64; 8]) -> f64 {
    let polynomial = |coefficients: &[f64; 8]| {
        coefficients
            .iter()
            .rev()
            .fold(0.0, |sum, coefficient| sum * x + coefficient)
    };
    polynomial(above) / polynomial(below)
}

// The coefficients of AS 241, PPND16, under the paper's names a and b, c and d, e and f.
const CENTRE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_5,
    1.331_416_678_917_843_8e2,
    1.971_590_950_306_551_3e3,
    1.373_169_376_550_946e4,
    4.592_195_393_154_987e4,
    6.726_577_092_700_87e4,
    3.343_057_558_358_813e4,
    2.509_080_928_730_122_7e3,
];
const CENTRE_BELOW: [f64; 8] = [
    1.0,
    4.231_333_070_160_091e1,
    6.871_870_074_920_579e2,
    5.394_196_021_424_751e3,
    2.121_379_430_158_659_7e4,
    3.930_789_580_009_271e4,
    2.872_908_573_572_194_3e4,
    5.226_495_278_852_854e3,
];
const MIDDLE_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    2.417_807_251_774_506e-1,
    2.272_384_498_926_918_4e-2,
    7.745_450_142_783_414e-4,
];
const MIDDLE_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    6.897_673_349_851e-1,
    1.481_039_764_274_800_8e-1,
    1.519_866_656_361_645_7e-2,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_ABOVE: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    2.965_605_718_285_048_7e-1,
    2.653_218_952_657_612_4e-2,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BELOW: [f64; 8] = [
    1.0,
    5.998_322_065_558_88e-1,
    1.369_298_809_227_358e-1,
    1.487_536_129_085_061_5e-2,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_normal_quantile_agrees_with_tabled_values() {
        for (probability, expected) in [
            (0.5, 0.0),
            (0.6, 0.253_347_103_135_799_8),
            (0.9, 1.281_551_565_544_600_8),
            (0.975, 1.959_963_984_540_053_6),
            (0.995, 2.575_829_303_548_9),
            (1.0 - 1e-6, 4.753_424_308_817_089),
            (1.0 - 1e-12, 7.034_486_910_047_835_6),
        ] {
            let got = normal_quantile(probability).unwrap();
            assert!((got - expected).abs() < 1e-12, "{probability}: {got}");
        }
        assert_eq!(normal_quantile(0.0), None);
        assert_eq!(normal_quantile(1.0), None);
        assert_eq!(normal_quantile(f64::NAN), None);
    }

    #[test]
    fn impossible_counts_and_confidences_have_no_interval() {
        assert_eq!(wilson(0, 0, 0.95), None);
        assert_eq!(wilson(2, 1, 0.95), None);
        for confidence in [0.0, 1.0, -0.5, f64::NAN] {
            assert_eq!(wilson(1, 2, confidence), None);
        }
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share_and_mirrors(trials in 1_u64..100_000, part in 0.0_f64..=1.0, confidence in 0.01_f64..0.999) {
            let successes = ((trials as f64 * part) as u64).min(trials);
            let interval = wilson(successes, trials, confidence).unwrap();
            prop_assert!(interval.holds(successes as f64 / trials as f64));
            prop_assert!(interval.low >= 0.0 && interval.high <= 1.0 && interval.low < interval.high);
            let mirrored = wilson(trials - successes, trials, confidence).unwrap();
            prop_assert!((mirrored.low - (1.0 - interval.high)).abs() < 1e-12);
        }

        #[test]
        fn the_normal_quantile_rises_and_is_odd(probability in 1e-12_f64..0.499) {
            let low = normal_quantile(probability).unwrap();
            let above = normal_quantile(probability + 1e-3).unwrap();
            prop_assert!(low < above);
            let mirrored = normal_quantile(1.0 - probability).unwrap();
            prop_assert!((low + mirrored).abs() < 1e-3, "{low} {mirrored}");
        }
    }
}

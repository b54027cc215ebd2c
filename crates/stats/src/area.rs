//! Area under the receiver operating characteristic curve.

use crate::interval::{Interval, normal_quantile};

/// The share of (positive, negative) pairs in which the positive one has the higher score, ties counting
/// half: the Mann–Whitney statistic over the number of pairs (Hanley and McNeil 1982, Radiology 143: 29–36).
///
/// 0.5 is no separation, 1 perfect, 0 perfectly reversed. Worked number: positives 3 and 2, negatives 2 and 1
/// give (1 + 1 + 0.5 + 1) / 4 = 0.875. `None` when either side is empty or a score is not a number.
#[must_use]
pub fn area_under_curve(positive: &[f64], negative: &[f64]) -> Option<f64> {
    if positive.is_empty() || negative.is_empty() {
        return None;
    }
    if positive.iter().chain(negative).any(|score| score.is_nan()) {
        return None;
    }
    let mut sorted = negative.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins: f64 = positive
        .iter()
        .map(|score| {
            let below = sorted.partition_point(|other| other < score);
            let not_above = sorted.partition_point(|other| other <= score);
            (below + not_above) as f64 / 2.0
        })
        .sum();
    Some(wins / (positive.len() as f64 * negative.len() as f64))
}

/// The normal interval of [`area_under_curve`] with the variance of DeLong, DeLong and Clarke-Pearson 1988 (Biometrics 44:
/// 837–845), cut at 0 and 1.
///
/// `None` where the area is `None`, for fewer than two scores on a side, or a confidence outside (0, 1). Perfect
/// separation has no variance and gives an interval of width 0: read it with the counts.
#[must_use]
pub fn area_interval(positive: &[f64], negative: &[f64], confidence: f64) -> Option<Interval> {
    let area = area_under_curve(positive, negative)?;
    if positive.len() < 2 || negative.len() < 2 || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let variance = placement_variance(positive, negative) + placement_variance(negative, positive);
    let half = normal_quantile(0.5 + confidence / 2.0)? * variance.sqrt();
    Some(Interval {
        low: (area - half).max(0.0),
        high: (area + half).min(1.0),
    })
}

/// The variance of the mean share of `others` below each score.
fn placement_variance(scores: &[f64], others: &[f64]) -> f64 {
    let mut sorted = others.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = scores.len() as f64;
    let places: Vec<f64> = scores
        .iter()
        .map(|score| {
            let below = sorted.partition_point(|other| other < score);
            let not_above = sorted.partition_point(|other| other <= score);
            (below + not_above) as f64 / 2.0 / sorted.len() as f64
        })
        .collect();
    let mean = places.iter().sum::<f64>() / n;
    places
        .iter()
        .map(|place| (place - mean).powi(2))
        .sum::<f64>()
        / (n - 1.0)
        / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hand_worked_and_empty() {
        let area = area_under_curve(&[3.0, 2.0], &[2.0, 1.0]).unwrap();
        assert!((area - 0.875).abs() < 1e-12);
        assert_eq!(area_under_curve(&[], &[1.0]), None);
        assert_eq!(area_under_curve(&[1.0], &[f64::NAN]), None);
        // Both zeros are one score.
        assert!((area_under_curve(&[0.0], &[-0.0]).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_interval_covers_the_truth_about_as_often_as_it_says() {
        use crate::random::Stream;
        // Scores uniform on [0, 1] and on [0.25, 1.25]: the area is 1 − 0.75²/2.
        let truth = 1.0 - 0.75 * 0.75 / 2.0;
        let mut stream = Stream::new(evalwright_core::Seed(1));
        let held = (0..1000)
            .filter(|_| {
                let negative: Vec<f64> = (0..60).map(|_| stream.unit()).collect();
                let positive: Vec<f64> = (0..80).map(|_| stream.unit() + 0.25).collect();
                area_interval(&positive, &negative, 0.95)
                    .unwrap()
                    .holds(truth)
            })
            .count();
        assert!((925..=970).contains(&held), "{held}");
        assert_eq!(area_interval(&[1.0], &[0.0, 1.0], 0.95), None);
    }

    proptest! {
        #[test]
        fn equals_the_count_over_all_pairs(
            positive in prop::collection::vec(-5_i32..5, 1..30),
            negative in prop::collection::vec(-5_i32..5, 1..30),
        ) {
            let real = |scores: &[i32]| scores.iter().map(|score| f64::from(*score)).collect::<Vec<_>>();
            let mut halves = 0_u32;
            for a in &positive {
                for b in &negative {
                    halves += if a > b { 2 } else { u32::from(a == b) };
                }
            }
            let expected = f64::from(halves) / 2.0 / (positive.len() * negative.len()) as f64;
            let area = area_under_curve(&real(&positive), &real(&negative)).unwrap();
            prop_assert!((area - expected).abs() < 1e-12);
            let mirrored = area_under_curve(&real(&negative), &real(&positive)).unwrap();
            prop_assert!((area + mirrored - 1.0).abs() < 1e-12);
        }
    }
}

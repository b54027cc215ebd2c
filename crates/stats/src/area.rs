//! Area under the receiver operating characteristic curve.

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

#[cfg(test)]
mod tests {
    use super::area_under_curve;
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

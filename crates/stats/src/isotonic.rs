//! From scores to probabilities by a curve that only has to rise.

use serde::{Deserialize, Serialize};

/// A rising curve through knots, straight between them and level outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsotonicCurve {
    /// Scores, strictly rising.
    scores: Vec<f64>,
    /// Probabilities, rising, as many as scores.
    probabilities: Vec<f64>,
}

impl IsotonicCurve {
    /// The curve through knots. `None` without knots, for numbers that are not finite or no probabilities, and where
    /// scores do not strictly rise or probabilities fall.
    #[must_use]
    pub fn through(knots: &[(f64, f64)]) -> Option<Self> {
        let fits = |(score, probability): &(f64, f64)| {
            score.is_finite() && (0.0..=1.0).contains(probability)
        };
        let rises = knots
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        (!knots.is_empty() && knots.iter().all(fits) && rises).then(|| Self {
            scores: knots.iter().map(|knot| knot.0).collect(),
            probabilities: knots.iter().map(|knot| knot.1).collect(),
        })
    }

    /// The same curve, no nearer to 0 and 1 than `margin`: a few points that were all right are no certainty.
    #[must_use]
    pub fn kept_from_ends(mut self, margin: f64) -> Self {
        let margin = margin.clamp(0.0, 0.5);
        for probability in &mut self.probabilities {
            *probability = probability.clamp(margin, 1.0 - margin);
        }
        self
    }

    /// The probability that the curve gives to a score, in [0, 1]; a score that is no number gives the lowest.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        let above = self.scores.partition_point(|knot| *knot <= score);
        let at = |place: usize| (self.scores.get(place), self.probabilities.get(place));
        match (above.checked_sub(1).map(at), at(above)) {
            (Some((Some(low), Some(from))), (Some(high), Some(to))) => {
                let part = (score - low) / (high - low);
                from + part * (to - from)
            }
            (Some((_, Some(last))), _) => *last,
            (_, (_, Some(first))) => *first,
            _ => 0.0,
        }
    }

    /// The knots: scores and their probabilities, both rising.
    pub fn knots(&self) -> impl Iterator<Item = (f64, f64)> {
        self.scores
            .iter()
            .copied()
            .zip(self.probabilities.iter().copied())
    }
}

/// Fits the rising curve nearest to the points in squares, by pooling adjacent violators (Ayer, Brunk, Ewing, Reid and
/// Silverman 1955, Annals of Mathematical Statistics 26: 641–647; as calibration: Zadrozny and Elkan 2002, KDD:
/// 694–699). A point is `(score, whether it was right)`; equal scores are one point with their mean.
///
/// Worked number: scores 1 (right), 2 (wrong), 3 (right) give 0.5, 0.5 and 1. `None` for no points or a score that is
/// not finite. With few points it follows them too closely: see [`crate::calibration::cross_validated`].
#[must_use]
pub fn fit_isotonic(points: &[(f64, bool)]) -> Option<IsotonicCurve> {
    if points.is_empty() || points.iter().any(|(score, _)| !score.is_finite()) {
        return None;
    }
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Blocks of neighbours with one value: (rights, points, distinct scores).
    let mut blocks: Vec<(u64, u64, usize)> = Vec::new();
    let mut scores: Vec<f64> = Vec::new();
    for group in sorted.chunk_by(|a, b| a.0 >= b.0) {
        let Some((score, _)) = group.first() else {
            continue;
        };
        // Both zeros are one score.
        scores.push(score + 0.0);
        let rights = group.iter().filter(|(_, right)| *right).count() as u64;
        blocks.push((rights, group.len() as u64, 1));
        while let [.., before, last] = blocks.as_slice() {
            // rights/points of the block before is not below that of the last: pool. Exact in integers.
            if u128::from(before.0) * u128::from(last.1) < u128::from(last.0) * u128::from(before.1)
            {
                break;
            }
            let pooled = (before.0 + last.0, before.1 + last.1, before.2 + last.2);
            blocks.truncate(blocks.len() - 2);
            blocks.push(pooled);
        }
    }
    // Inner knots of a level stretch change nothing.
    let mut curve = IsotonicCurve {
        scores: Vec::new(),
        probabilities: Vec::new(),
    };
    let mut start = 0;
    for (rights, points, distinct) in blocks {
        let value = rights as f64 / points as f64;
        curve.scores.push(scores[start]);
        curve.probabilities.push(value);
        if distinct > 1 {
            curve.scores.push(scores[start + distinct - 1]);
            curve.probabilities.push(value);
        }
        start += distinct;
    }
    Some(curve)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn knots_make_the_curve_again_and_certainty_is_taken_off() {
        let curve = fit_isotonic(&[(1.0, true), (2.0, false), (3.0, true)]).unwrap();
        let knots: Vec<(f64, f64)> = curve.knots().collect();
        assert_eq!(IsotonicCurve::through(&knots), Some(curve.clone()));
        for wrong in [
            vec![],
            vec![(1.0, 0.5), (1.0, 0.6)],
            vec![(1.0, 0.5), (2.0, 0.4)],
            vec![(1.0, 1.5)],
            vec![(f64::NAN, 0.5)],
        ] {
            assert_eq!(IsotonicCurve::through(&wrong), None, "{wrong:?}");
        }
        let kept = curve.kept_from_ends(0.1);
        assert!((kept.probability(9.0) - 0.9).abs() < 1e-12);
        assert!((kept.probability(0.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn by_hand() {
        let curve = fit_isotonic(&[(1.0, true), (2.0, false), (3.0, true)]).unwrap();
        for (score, expected) in [(0.0, 0.5), (1.5, 0.5), (2.5, 0.75), (3.0, 1.0), (9.0, 1.0)] {
            assert!(
                (curve.probability(score) - expected).abs() < 1e-12,
                "{score}"
            );
        }
        let ties = fit_isotonic(&[(0.0, true), (-0.0, false), (0.0, false), (0.0, true)]).unwrap();
        assert!((ties.probability(5.0) - 0.5).abs() < 1e-12);
        assert_eq!(ties.knots().count(), 1);
        assert!((ties.probability(f64::NAN) - 0.5).abs() < 1e-12);
        assert_eq!(fit_isotonic(&[]), None);
        assert_eq!(fit_isotonic(&[(f64::NAN, true)]), None);
    }

    proptest! {
        #[test]
        fn rises_and_keeps_the_mean(points in prop::collection::vec((-5_i32..5, any::<bool>()), 1..60)) {
            let points: Vec<(f64, bool)> = points.iter().map(|(score, right)| (f64::from(*score), *right)).collect();
            let curve = fit_isotonic(&points).unwrap();
            let mut before = 0.0;
            for step in -60..60 {
                let probability = curve.probability(f64::from(step) / 10.0);
                prop_assert!(before <= probability + 1e-12 && (0.0..=1.0).contains(&probability));
                before = probability;
            }
            let mean: f64 = points.iter().map(|point| curve.probability(point.0)).sum();
            let rights = points.iter().filter(|point| point.1).count() as f64;
            prop_assert!((mean - rights).abs() < 1e-9);
        }
    }
}

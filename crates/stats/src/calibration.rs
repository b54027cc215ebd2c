//! From scores to probabilities, and how far stated probabilities can be believed.
//!
//! A point is `(score or probability, whether it was right)`.

use evalwright_core::Seed;
use serde::{Deserialize, Serialize};

use crate::bootstrap::bootstrap_interval;
use crate::describe::bin_of;
use crate::folds::stratified_folds;
use crate::interval::{Interval, wilson};
use crate::isotonic::{IsotonicCurve, fit_isotonic};
use crate::undefined::Undefined;

/// A logistic curve: P = 1 / (1 + exp(−(slope · score + intercept))).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Multiplies the score.
    pub slope: f64,
    /// Added to the product.
    pub intercept: f64,
}

impl Calibration {
    /// The probability that the curve gives to a score, in [0, 1].
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        logistic(self.slope * score + self.intercept)
    }
}

/// One bin of a reliability diagram that holds at least one point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower edge, part of the bin.
    pub low: f64,
    /// Upper edge, part of the last bin alone.
    pub high: f64,
    /// Points.
    pub count: u64,
    /// Mean of the stated probabilities.
    pub mean_probability: f64,
    /// Share of points that were right.
    pub share_right: f64,
    /// Wilson's 95 % interval of that share.
    pub interval: Interval,
}

/// No fit of a convex loss in two variables has needed more than a dozen Newton steps; a hundred is a stop
/// for data on which rounding keeps the gradient from vanishing.
const MAXIMUM_STEPS: usize = 100;

/// Fits a logistic curve by Platt's method (Platt 1999, Advances in Large Margin Classifiers: 61–74) with the
/// Newton steps of Lin, Lin and Weng 2007 (Machine Learning 68: 267–276): targets are (n₊+1)/(n₊+2) and
/// 1/(n₋+2) in place of 1 and 0, so that separable points have a finite curve, and a ridge of 1e-12 keeps the
/// Hessian regular when all scores are equal.
///
/// Worked number: scores 0 (1 right, 3 wrong) and 1 (3 right, 1 wrong) give slope 2·ln 2 = 1.386294 and
/// intercept −ln 2 = −0.693147. `None` when points of either sort are missing, a score is not finite, or
/// the steps do not settle.
#[must_use]
pub fn fit_logistic(points: &[(f64, bool)]) -> Option<Calibration> {
    let right = points.iter().filter(|(_, right)| *right).count() as f64;
    let wrong = points.len() as f64 - right;
    if right < 1.0 || wrong < 1.0 || points.iter().any(|(score, _)| !score.is_finite()) {
        return None;
    }
    let (target_right, target_wrong) = ((right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0));
    let targets: Vec<(f64, f64)> = points
        .iter()
        .map(|(score, right)| (*score, if *right { target_right } else { target_wrong }))
        .collect();
    let mut curve = Calibration {
        slope: 0.0,
        intercept: ((right + 1.0) / (wrong + 1.0)).ln(),
    };
    let mut loss = loss_of(&curve, &targets);
    for _ in 0..MAXIMUM_STEPS {
        let Gradient {
            slope,
            intercept,
            hessian,
        } = gradient_of(&curve, &targets);
        let tolerance = 1e-9 * points.len() as f64;
        if slope.abs() < tolerance && intercept.abs() < tolerance {
            return finite(curve);
        }
        let [[a, b], [_, d]] = hessian;
        let determinant = a * d - b * b;
        let step_slope = -(d * slope - b * intercept) / determinant;
        let step_intercept = -(a * intercept - b * slope) / determinant;
        let descent = slope * step_slope + intercept * step_intercept;
        let mut size = 1.0;
        loop {
            let tried = Calibration {
                slope: curve.slope + size * step_slope,
                intercept: curve.intercept + size * step_intercept,
            };
            let tried_loss = loss_of(&tried, &targets);
            if tried_loss < loss + 1e-4 * size * descent {
                (curve, loss) = (tried, tried_loss);
                break;
            }
            size /= 2.0;
            if size < 1e-10 {
                // No step lowers the loss any more: the curve is as good as rounding allows, if the gradient
                // is small against the scale of the scores.
                let scale: f64 = targets.iter().map(|(score, _)| score.abs()).sum::<f64>() + 1.0;
                let settled = slope.abs() < 1e-6 * scale && intercept.abs() < 1e-6 * scale;
                return if settled { finite(curve) } else { None };
            }
        }
    }
    None
}

/// First and second derivatives of the loss.
struct Gradient {
    slope: f64,
    intercept: f64,
    hessian: [[f64; 2]; 2],
}

fn gradient_of(curve: &Calibration, targets: &[(f64, f64)]) -> Gradient {
    let mut gradient = Gradient {
        slope: 0.0,
        intercept: 0.0,
        hessian: [[1e-12, 0.0], [0.0, 1e-12]],
    };
    for (score, target) in targets {
        let probability = curve.probability(*score);
        let residual = probability - target;
        let weight = probability * (1.0 - probability);
        gradient.slope += residual * score;
        gradient.intercept += residual;
        gradient.hessian[0][0] += weight * score * score;
        gradient.hessian[0][1] += weight * score;
        gradient.hessian[1][1] += weight;
    }
    gradient
}

/// Cross-entropy between targets and curve, written so that no exponential overflows.
fn loss_of(curve: &Calibration, targets: &[(f64, f64)]) -> f64 {
    targets
        .iter()
        .map(|(score, target)| {
            let log_odds = curve.slope * score + curve.intercept;
            log_odds.max(0.0) - target * log_odds + (-log_odds.abs()).exp().ln_1p()
        })
        .sum()
}

fn finite(curve: Calibration) -> Option<Calibration> {
    (curve.slope.is_finite() && curve.intercept.is_finite()).then_some(curve)
}

fn logistic(log_odds: f64) -> f64 {
    if log_odds >= 0.0 {
        1.0 / (1.0 + (-log_odds).exp())
    } else {
        let odds = log_odds.exp();
        odds / (1.0 + odds)
    }
}

/// Stated probability against the share that was right, in `bins` bins of equal width over [0, 1], rising;
/// empty bins are left out. Points whose probability is no number in [0, 1] are left out as well.
#[must_use]
pub fn reliability(points: &[(f64, bool)], bins: usize) -> Vec<ReliabilityBin> {
    let mut sums = vec![(0_u64, 0_u64, 0.0_f64); bins];
    for (probability, right) in points {
        let place = bin_of(*probability, 0.0, 1.0, bins);
        if let Some((count, rights, sum)) = place.and_then(|bin| sums.get_mut(bin)) {
            *count += 1;
            *rights += u64::from(*right);
            *sum += probability;
        }
    }
    sums.iter()
        .enumerate()
        .filter_map(|(bin, (count, rights, sum))| {
            Some(ReliabilityBin {
                low: bin as f64 / bins as f64,
                high: (bin + 1) as f64 / bins as f64,
                count: *count,
                // `wilson` is `None` for an empty bin, so no division by 0 gets out.
                interval: wilson(*rights, *count, 0.95)?,
                mean_probability: sum / *count as f64,
                share_right: *rights as f64 / *count as f64,
            })
        })
        .collect()
}

/// Expected calibration error over bins of equal width (Naeini, Cooper and Hauskrecht 2015, AAAI: 2901–2907):
/// the mean over points of |share right − mean probability| in the point's bin.
///
/// In [0, 1]; 0 is perfect. Worked number: (0.9, right), (0.9, wrong), (0.2, wrong), (0.2, wrong) in ten bins
/// gives (|0.5 − 0.9| + |0 − 0.2|) / 2 = 0.3. `None` when no point has a probability in [0, 1].
#[must_use]
pub fn expected_calibration_error(points: &[(f64, bool)], bins: usize) -> Option<f64> {
    let bins = reliability(points, bins);
    let total: u64 = bins.iter().map(|bin| bin.count).sum();
    if total == 0 {
        return None;
    }
    let sum: f64 = bins
        .iter()
        .map(|bin| bin.count as f64 * (bin.share_right - bin.mean_probability).abs())
        .sum();
    Some(sum / total as f64)
}

/// The mean squared difference between stated probability and outcome (Brier 1950, Monthly Weather Review 78: 1–3), in
/// [0, 1]; 0 is perfect and 0.25 is what always saying one half gets.
///
/// Worked number: (0.9, right) and (0.2, wrong) give (0.01 + 0.04) / 2 = 0.025. `None` when no point has a probability in
/// [0, 1]; other points are left out.
#[must_use]
pub fn brier_score(points: &[(f64, bool)]) -> Option<f64> {
    let squares: Vec<f64> = points
        .iter()
        .filter(|(probability, _)| (0.0..=1.0).contains(probability))
        .map(|(probability, right)| (probability - f64::from(u8::from(*right))).powi(2))
        .collect();
    (!squares.is_empty()).then(|| squares.iter().sum::<f64>() / squares.len() as f64)
}

/// How scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Platt's logistic curve: few points suffice.
    Logistic,
    /// A rising curve: follows any shape, needs hundreds of points.
    Isotonic,
}

/// A fitted curve of either sort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum Curve {
    /// Platt's.
    Logistic(Calibration),
    /// Pooled adjacent violators.
    Isotonic(IsotonicCurve),
}

impl Curve {
    /// Fits a curve of a sort. `None` where [`fit_logistic`] or [`fit_isotonic`] give none.
    #[must_use]
    pub fn fit(method: Method, points: &[(f64, bool)]) -> Option<Self> {
        match method {
            Method::Logistic => fit_logistic(points).map(Self::Logistic),
            Method::Isotonic => fit_isotonic(points).map(Self::Isotonic),
        }
    }

    /// The probability that the curve gives to a score, in [0, 1].
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        match self {
            Self::Logistic(curve) => curve.probability(score),
            Self::Isotonic(curve) => curve.probability(score),
        }
    }
}

/// How good a method's probabilities are on points that its curves were not fitted to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationQuality {
    /// The method.
    pub method: Method,
    /// Held-out points.
    pub points: u64,
    /// Brier score.
    pub brier: f64,
    /// Its percentile interval over points drawn again.
    pub brier_interval: Option<Interval>,
    /// Expected calibration error in ten bins. It is above 0 even for a perfect curve, the more the fewer points.
    pub error: f64,
    /// Its percentile interval over points drawn again.
    pub error_interval: Option<Interval>,
    /// The reliability diagram in ten bins.
    pub bins: Vec<ReliabilityBin>,
}

/// The bins of every figure in [`CalibrationQuality`].
const BINS: usize = 10;

/// The quality of a method by seeded, stratified cross-validation: every point gets its probability from a curve fitted
/// to the other folds.
///
/// # Errors
///
/// [`Undefined::TooFewExamples`] for fewer right or wrong points than folds, [`Undefined::OneClass`] when a fold's rest
/// has no curve, [`Undefined::NoItems`] for no points.
pub fn cross_validated(
    points: &[(f64, bool)],
    method: Method,
    folds: usize,
    draws: usize,
    seed: Seed,
) -> Result<CalibrationQuality, Undefined> {
    let classes: Vec<usize> = points
        .iter()
        .map(|(_, right)| usize::from(*right))
        .collect();
    let fold_of = stratified_folds(&classes, folds, seed)?;
    let mut stated = vec![(0.0, false); points.len()];
    for fold in 0..folds {
        let rest: Vec<(f64, bool)> = points
            .iter()
            .zip(&fold_of)
            .filter(|(_, of)| **of != fold)
            .map(|(point, _)| *point)
            .collect();
        let curve = Curve::fit(method, &rest).ok_or(Undefined::OneClass)?;
        for (place, (score, right)) in points.iter().enumerate() {
            if fold_of[place] == fold {
                stated[place] = (curve.probability(*score), *right);
            }
        }
    }
    let error = |points: &[(f64, bool)]| expected_calibration_error(points, BINS);
    Ok(CalibrationQuality {
        method,
        points: stated.len() as u64,
        brier: brier_score(&stated).ok_or(Undefined::NoItems)?,
        brier_interval: drawn_interval(&stated, draws, seed.derive("brier"), brier_score),
        error: error(&stated).ok_or(Undefined::NoItems)?,
        error_interval: drawn_interval(&stated, draws, seed.derive("error"), error),
        bins: reliability(&stated, BINS),
    })
}

/// The 95 % percentile interval of a figure over points drawn again.
fn drawn_interval<F>(
    points: &[(f64, bool)],
    draws: usize,
    seed: Seed,
    figure: F,
) -> Option<Interval>
where
    F: Fn(&[(f64, bool)]) -> Option<f64> + Sync,
{
    let value = figure(points)?;
    let interval = bootstrap_interval(points.len(), draws, 0.95, seed, |items| {
        let drawn: Vec<(f64, bool)> = items.iter().map(|item| points[*item]).collect();
        figure(&drawn)
    });
    interval.map(|interval| interval.widened_to(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cross_validation_by_both_methods_finds_the_true_curve() {
        // Right with probability 1/(1+e^(-2x)): both methods should come close to the best Brier score.
        let mut stream = crate::random::Stream::new(Seed(3));
        let truth = |score: f64| 1.0 / (1.0 + (-2.0 * score).exp());
        let points: Vec<(f64, bool)> = (0..3000)
            .map(|_| {
                let score = stream.unit() * 6.0 - 3.0;
                (score, stream.unit() < truth(score))
            })
            .collect();
        let best: Vec<(f64, bool)> = points.iter().map(|p| (truth(p.0), p.1)).collect();
        let best = brier_score(&best).unwrap();
        for method in [Method::Logistic, Method::Isotonic] {
            let quality = cross_validated(&points, method, 5, 100, Seed(4)).unwrap();
            assert!((quality.brier - best).abs() < 0.003, "{quality:?} {best}");
            assert!(quality.error < 0.03, "{quality:?}");
            assert!(quality.brier_interval.unwrap().holds(quality.brier));
            assert!(quality.error_interval.unwrap().holds(quality.error));
        }
        let one_sided = [(0.0, true); 9];
        assert!(cross_validated(&one_sided, Method::Logistic, 3, 10, Seed(1)).is_err());
        assert_eq!(
            cross_validated(&[], Method::Logistic, 3, 10, Seed(1)),
            Err(Undefined::NoItems)
        );
    }

    #[test]
    fn curves_can_be_stored_and_read_again() {
        let points = [(0.1, false), (0.4, true), (0.3, false), (0.9, true)];
        for method in [Method::Logistic, Method::Isotonic] {
            let curve = Curve::fit(method, &points).unwrap();
            let written = serde_json::to_value(&curve).unwrap();
            assert_eq!(written["method"], serde_json::to_value(method).unwrap());
            let read: Curve = serde_json::from_value(written).unwrap();
            assert!((read.probability(0.35) - curve.probability(0.35)).abs() < 1e-12);
        }
    }

    #[test]
    fn brier_by_hand() {
        let points = [(0.9, true), (0.2, false), (f64::NAN, true), (1.5, true)];
        assert!((brier_score(&points).unwrap() - 0.025).abs() < 1e-12);
        assert_eq!(brier_score(&[(2.0, true)]), None);
    }

    #[test]
    fn two_scores_have_a_curve_in_closed_form() {
        // Four right and four wrong: targets 5/6 and 1/6, so the mean target is (5/6 + 3·1/6)/4 = 1/3 at
        // score 0 and 2/3 at score 1; the curve runs through both.
        let mut points = vec![(0.0, true), (0.0, false), (0.0, false), (0.0, false)];
        points.extend([(1.0, true), (1.0, true), (1.0, true), (1.0, false)]);
        let curve = fit_logistic(&points).unwrap();
        assert!(
            (curve.probability(0.0) - 1.0 / 3.0).abs() < 1e-6,
            "{curve:?}"
        );
        assert!((curve.probability(1.0) - 2.0 / 3.0).abs() < 1e-6);
        assert!((curve.slope - 2.0 * 2.0_f64.ln()).abs() < 1e-6);
        assert!((curve.intercept + 2.0_f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn hard_data_has_a_finite_curve_or_none() {
        let separable: Vec<(f64, bool)> = (-50..50).map(|x| (f64::from(x) + 0.5, x >= 0)).collect();
        let curve = fit_logistic(&separable).unwrap();
        assert!(curve.slope > 0.0 && curve.slope.is_finite());
        let equal: Vec<(f64, bool)> = (0..10).map(|x| (2.0, x < 7)).collect();
        let curve = fit_logistic(&equal).unwrap();
        // Targets 8/9 and 1/5: mean (7·8/9 + 3/5)/10.
        assert!((curve.probability(2.0) - (7.0 * 8.0 / 9.0 + 0.6) / 10.0).abs() < 1e-6);
        assert_eq!(fit_logistic(&[(1.0, true)]), None);
        assert_eq!(fit_logistic(&[]), None);
        assert_eq!(fit_logistic(&[(f64::INFINITY, true), (0.0, false)]), None);
        let wide = [
            (1e6, true),
            (-1e6, false),
            (1e6, true),
            (-1e6, false),
            (1.0, true),
        ];
        assert!(fit_logistic(&wide).is_none_or(|curve| curve.slope.is_finite()));
    }

    #[test]
    fn reliability_by_hand() {
        let points = [
            (0.9, true),
            (0.9, false),
            (0.2, false),
            (0.2, false),
            (f64::NAN, true),
        ];
        let error = expected_calibration_error(&points, 10).unwrap();
        assert!((error - 0.3).abs() < 1e-12);
        let bins = reliability(&points, 10);
        assert_eq!(bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [2, 2]);
        assert!(bins[1].interval.holds(0.5));
        assert_eq!(expected_calibration_error(&[], 10), None);
        assert_eq!(expected_calibration_error(&points, 0), None);
    }

    proptest! {
        #[test]
        fn a_fit_is_finite_and_matches_the_base_rate(points in prop::collection::vec((-20.0_f64..20.0, any::<bool>()), 2..80)) {
            if let Some(curve) = fit_logistic(&points) {
                prop_assert!(curve.slope.is_finite() && curve.intercept.is_finite());
                let right = points.iter().filter(|point| point.1).count() as f64;
                let wrong = points.len() as f64 - right;
                let expected = right * (right + 1.0) / (right + 2.0) + wrong / (wrong + 2.0);
                let total: f64 = points.iter().map(|point| curve.probability(point.0)).sum();
                prop_assert!((total - expected).abs() < 1e-3 * points.len() as f64, "{total} {expected}");
            } else {
                let right = points.iter().filter(|point| point.1).count();
                prop_assert!(right == 0 || right == points.len(), "no curve for {points:?}");
            }
        }

        #[test]
        fn a_calibration_error_is_a_share(points in prop::collection::vec((0.0_f64..=1.0, any::<bool>()), 1..80)) {
            let error = expected_calibration_error(&points, 10).unwrap();
            prop_assert!((0.0..=1.0).contains(&error));
        }
    }
}

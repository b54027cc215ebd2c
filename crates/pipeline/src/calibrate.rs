//! Which logistic curve turns a rater's log-odds into a probability.
//!
//! The origin is told with every curve, so that a borrowed or missing one can be reported.

use evalwright_core::{ModelIdentity, Probability};
use evalwright_recipe::{Curve, Rater};

/// The name under which a kind holds the curve for the mean over counting raters.
const MEAN: &str = "mean";

/// A curve in force: P = 1 / (1 + exp(−(slope · log-odds + intercept))).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Calibration {
    /// Multiplies the log-odds.
    pub(crate) slope: f64,
    /// Added to the product.
    pub(crate) intercept: f64,
    /// `fitted` on this model, `borrowed` from another one, or `none`.
    pub(crate) origin: &'static str,
}

impl Calibration {
    /// Log-odds stay what they are.
    pub(crate) const NONE: Self = Self {
        slope: 1.0,
        intercept: 0.0,
        origin: "none",
    };

    /// The curve for a model and a rater's name: the one fitted on this model (the same name, and the same
    /// weights where both are known), else the first one of the same name fitted on another model, else none.
    fn find(curves: &[Curve], model: &ModelIdentity, rater: &str) -> Self {
        let named = || curves.iter().filter(|curve| curve.rater == rater);
        let fitted = named().find(|curve| {
            curve.model == model.name
                && (curve.weights.is_none()
                    || model.weights.is_none()
                    || curve.weights == model.weights)
        });
        let of = |curve: &Curve, origin| Self {
            slope: curve.slope,
            intercept: curve.intercept,
            origin,
        };
        fitted
            .map(|curve| of(curve, "fitted"))
            .or_else(|| named().next().map(|curve| of(curve, "borrowed")))
            .unwrap_or(Self::NONE)
    }

    /// Calibrated log-odds.
    fn apply(&self, log_odds: f64) -> f64 {
        self.slope * log_odds + self.intercept
    }

    /// P(matching); `None` when the log-odds are not a number.
    pub(crate) fn probability(&self, log_odds: f64) -> Option<Probability> {
        Probability::from_log_odds(self.apply(log_odds))
    }
}

/// All curves of one judge.
#[derive(Debug, Clone)]
pub(crate) struct JudgeCurves {
    /// One per rater of the stage, in its order.
    pub(crate) raters: Vec<Calibration>,
    /// The curve of the mean log-odds over counting raters, where there is one.
    pub(crate) mean: Option<Calibration>,
}

impl JudgeCurves {
    /// Looks the curves of a judge up.
    ///
    /// The curve named `mean` belongs to a mean: a stage with one counting rater uses that rater's own.
    pub(crate) fn new(curves: &[Curve], model: &ModelIdentity, raters: &[Rater]) -> Self {
        let counting = raters.iter().filter(|rater| rater.counts).count();
        let mean = Calibration::find(curves, model, MEAN);
        Self {
            raters: raters
                .iter()
                .map(|rater| Calibration::find(curves, model, &rater.name))
                .collect(),
            mean: (counting > 1 && mean != Calibration::NONE).then_some(mean),
        }
    }

    /// The judge's P(matching) from the log-odds of its counting raters that know: their mean under the curve
    /// `mean`; without such a curve the mean of what each rater's own curve makes of them. `None` when no
    /// counting rater knows.
    pub(crate) fn judge(&self, raters: &[Rater], log_odds: &[Option<f64>]) -> Option<Probability> {
        let known: Vec<f64> = raters
            .iter()
            .zip(&self.raters)
            .zip(log_odds)
            .filter(|((rater, _), _)| rater.counts)
            .filter_map(|((_, own), log_odds)| {
                log_odds.map(|log_odds| {
                    if self.mean.is_some() {
                        log_odds
                    } else {
                        own.apply(log_odds)
                    }
                })
            })
            .collect();
        let mean = average(&known)?;
        self.mean.as_ref().map_or_else(
            || Probability::from_log_odds(mean),
            |curve| curve.probability(mean),
        )
    }
}

/// The arithmetic mean; `None` of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of raters and judges are small"
)]
pub(crate) fn average(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

#[cfg(test)]
mod tests {
    use evalwright_core::{ContentHash, Method};

    use super::*;

    fn curve(model: &str, rater: &str, slope: f64, intercept: f64) -> Curve {
        Curve {
            model: model.to_owned(),
            weights: None,
            rater: rater.to_owned(),
            slope,
            intercept,
            fitted_on: "a test".to_owned(),
            expected_calibration_error: 0.05,
        }
    }

    fn model(name: &str) -> ModelIdentity {
        ModelIdentity {
            name: name.to_owned(),
            weights: Some(ContentHash::of(b"weights")),
            engine: "test".to_owned(),
            precision: "exact".to_owned(),
            chat_template: None,
        }
    }

    fn rater(name: &str, counts: bool) -> Rater {
        Rater {
            name: name.to_owned(),
            method: Method::Channel,
            prompt: "judge.j2".to_owned(),
            answers: None,
            counts,
        }
    }

    #[test]
    fn the_models_own_curve_comes_before_a_borrowed_one_before_none() {
        let mut other_weights = curve("mine", "a", 9.0, 9.0);
        other_weights.weights = Some(ContentHash::of(b"other weights"));
        let curves = [
            other_weights,
            curve("other", "a", 2.0, 0.5),
            curve("mine", "a", 3.0, 0.1),
        ];
        let found = Calibration::find(&curves, &model("mine"), "a");
        assert_eq!((found.slope, found.origin), (3.0, "fitted"));
        let found = Calibration::find(&curves[..2], &model("mine"), "a");
        assert_eq!(
            (found.slope, found.origin),
            (9.0, "borrowed"),
            "other weights are another model"
        );
        assert_eq!(
            Calibration::find(&curves, &model("mine"), "b"),
            Calibration::NONE
        );
    }

    #[test]
    fn the_mean_over_counting_raters_goes_through_its_own_curve() {
        let raters = [rater("a", true), rater("b", true), rater("c", false)];
        let curves = [curve("m", "a", 5.0, 0.0), curve("m", "mean", 2.0, 1.0)];
        let judge = JudgeCurves::new(&curves, &model("m"), &raters);
        let got = judge
            .judge(&raters, &[Some(0.5), Some(-0.1), Some(100.0)])
            .unwrap()
            .value();
        let expected = 1.0 / (1.0 + (-(2.0 * 0.2 + 1.0_f64)).exp());
        assert!((got - expected).abs() < 1e-12);
        let one_known = judge
            .judge(&raters, &[None, Some(0.25), None])
            .unwrap()
            .value();
        assert!((one_known - 1.0 / (1.0 + (-1.5_f64).exp())).abs() < 1e-12);
        assert_eq!(judge.judge(&raters, &[None, None, Some(1.0)]), None);
    }

    #[test]
    fn without_a_curve_for_the_mean_each_rater_is_calibrated_first() {
        let raters = [rater("a", true), rater("b", true)];
        let judge = JudgeCurves::new(&[curve("m", "a", 5.0, 1.0)], &model("m"), &raters);
        let got = judge
            .judge(&raters, &[Some(0.5), Some(-0.5)])
            .unwrap()
            .value();
        assert!(
            (got - 1.0 / (1.0 + (-1.5_f64).exp())).abs() < 1e-12,
            "(3.5 - 0.5) / 2 = 1.5"
        );
    }

    #[test]
    fn a_single_counting_rater_does_not_use_the_curve_of_a_mean() {
        let raters = [rater("asked", true)];
        let judge = JudgeCurves::new(&[curve("m", "mean", 9.0, 9.0)], &model("m"), &raters);
        let got = judge.judge(&raters, &[Some(0.0)]).unwrap().value();
        assert!((got - 0.5).abs() < 1e-12);
    }
}

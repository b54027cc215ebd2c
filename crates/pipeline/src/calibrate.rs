//! Which logistic curve turns a rater's log-odds into a probability.
//!
//! The origin is told with every curve, so that a borrowed or missing one can be reported.

use evalwright_core::{ModelIdentity, Probability};
use evalwright_recipe::Curve;

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
    pub(crate) fn find(curves: &[Curve], model: &ModelIdentity, rater: &str) -> Self {
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
    pub(crate) fn apply(&self, log_odds: f64) -> f64 {
        self.slope * log_odds + self.intercept
    }

    /// P(matching); `None` when the log-odds are not a number.
    pub(crate) fn probability(&self, log_odds: f64) -> Option<Probability> {
        Probability::from_log_odds(self.apply(log_odds))
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
    use evalwright_core::ContentHash;

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
}

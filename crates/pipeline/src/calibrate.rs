//! Which curve turns a rater's log-odds into a probability.
//!
//! The origin is told with every curve, so that a borrowed or missing one can be reported. A calibration file that a
//! behaviour names is of its judges or refused: there nothing is borrowed.

use evalwright_core::{Method, ModelIdentity, Probability};
use evalwright_recipe::Curve;
use evalwright_stats::IsotonicCurve;

/// A curve in force: through points where there are any, else P = 1 / (1 + exp(−(slope · log-odds + intercept))).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Calibration {
    /// Multiplies the log-odds.
    pub(crate) slope: f64,
    /// Added to the product.
    pub(crate) intercept: f64,
    /// The rising curve through points, in place of the logistic one.
    pub(crate) rising: Option<IsotonicCurve>,
    /// `fitted` on this model, `borrowed` from another one, or `none`.
    pub(crate) origin: &'static str,
}

impl Calibration {
    /// Log-odds stay what they are.
    pub(crate) const NONE: Self = Self {
        slope: 1.0,
        intercept: 0.0,
        rising: None,
        origin: "none",
    };

    /// The curve for a model and a rater's name: the one fitted on this model (the same name, and the same
    /// weights where both are known), else the first one of the same name fitted on another model, else none.
    pub(crate) fn find(curves: &[Curve], model: &ModelIdentity, rater: &str) -> Self {
        let named = || curves.iter().filter(|curve| curve.rater == rater);
        named()
            .find(|curve| is_of(curve, model))
            .map(|curve| Self::of(curve, "fitted"))
            .or_else(|| named().next().map(|curve| Self::of(curve, "borrowed")))
            .unwrap_or(Self::NONE)
    }

    /// The curve of a behaviour's calibration file for this very model, rater and way of reading scores.
    ///
    /// # Errors
    /// A sentence that says what the file has instead.
    pub(crate) fn own(
        curves: &[Curve],
        model: &ModelIdentity,
        rater: &str,
        method: Option<Method>,
    ) -> Result<Self, String> {
        let mut found = curves
            .iter()
            .filter(|curve| curve.rater == rater && is_of(curve, model));
        let is_read_so =
            |curve: &&Curve| curve.method.is_none() || method.is_none() || curve.method == method;
        if let Some(curve) = found.clone().find(is_read_so) {
            return Ok(Self::of(curve, "fitted"));
        }
        if let (Some(other), Some(method)) = (found.next(), method) {
            return Err(format!(
                "its curve for rater `{rater}` of {} was fitted on scores read by `{}`, and this run reads them by \
                 `{method}`",
                model.name,
                other.method.map_or("another method", Method::as_str)
            ));
        }
        let mut models: Vec<&str> = curves.iter().map(|curve| curve.model.as_str()).collect();
        models.dedup();
        if models.contains(&model.name.as_str()) {
            let mut raters: Vec<&str> = curves
                .iter()
                .filter(|curve| curve.model == model.name)
                .map(|curve| curve.rater.as_str())
                .collect();
            raters.dedup();
            if raters.contains(&rater) {
                return Err(format!(
                    "it was fitted on other weights of {}; fit it again with `evalwright calibrate`",
                    model.name
                ));
            }
            return Err(format!(
                "it holds no curve for rater `{rater}` of {}, only for {}",
                model.name,
                raters.join(", ")
            ));
        }
        Err(format!(
            "it was fitted on another judge: {} and not {}",
            models.join(", "),
            model.name
        ))
    }

    fn of(curve: &Curve, origin: &'static str) -> Self {
        let knots: Vec<(f64, f64)> = curve
            .scores
            .iter()
            .copied()
            .zip(curve.probabilities.iter().copied())
            .collect();
        Self {
            slope: curve.slope,
            intercept: curve.intercept,
            rising: IsotonicCurve::through(&knots),
            origin,
        }
    }

    /// P(matching); `None` when the log-odds are not a number.
    pub(crate) fn probability(&self, log_odds: f64) -> Option<Probability> {
        match &self.rising {
            Some(_) if log_odds.is_nan() => None,
            Some(curve) => Probability::new(curve.probability(log_odds)).ok(),
            None => Probability::from_log_odds(self.slope * log_odds + self.intercept),
        }
    }
}

/// Whether a curve was fitted on this model: the same name, and the same weights where both are known.
fn is_of(curve: &Curve, model: &ModelIdentity) -> bool {
    curve.model == model.name
        && (curve.weights.is_none() || model.weights.is_none() || curve.weights == model.weights)
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
            method: None,
            slope,
            intercept,
            scores: Vec::new(),
            probabilities: Vec::new(),
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

    #[test]
    fn a_file_of_the_users_is_of_this_judge_or_refused() {
        let mut rising = curve("mine", "a", 1.0, 0.0);
        rising.method = Some(Method::Token);
        rising.scores = vec![-1.0, 1.0];
        rising.probabilities = vec![0.2, 0.8];
        let curves = [rising, curve("other", "b", 2.0, 0.0)];
        let own = |model: &ModelIdentity, rater, method| {
            Calibration::own(&curves, model, rater, Some(method))
        };
        let found = own(&model("mine"), "a", Method::Token).unwrap();
        assert!((found.probability(0.0).unwrap().value() - 0.5).abs() < 1e-12);
        assert!((found.probability(9.0).unwrap().value() - 0.8).abs() < 1e-12);
        assert_eq!(found.probability(f64::NAN), None);
        for (name, rater, method, part) in [
            ("mine", "a", Method::Channel, "read by `token`"),
            ("mine", "b", Method::Token, "only for a"),
            ("third", "a", Method::Token, "another judge: mine, other"),
        ] {
            let problem = own(&model(name), rater, method).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
        let mut reweighed = curves.to_vec();
        reweighed[0].weights = Some(ContentHash::of(b"other weights"));
        let problem = Calibration::own(&reweighed, &model("mine"), "a", None).unwrap_err();
        assert!(problem.contains("other weights"), "{problem}");
    }
}

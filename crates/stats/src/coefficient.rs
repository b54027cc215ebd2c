//! What every agreement coefficient comes with.

use serde::Serialize;

use crate::beta::student_quantile;
use crate::interval::Interval;
use crate::undefined::Undefined;

/// A chance-corrected coefficient with the figures needed to read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficient {
    /// (observed − chance) / (1 − chance), at most 1; null when undefined.
    pub value: Option<f64>,
    /// Why it is null.
    pub undefined: Option<Undefined>,
    /// The agreement observed, in [0, 1]; null when nothing could be compared.
    pub observed: Option<f64>,
    /// The agreement expected by chance under the coefficient's own model.
    pub chance: Option<f64>,
    /// The standard error over items drawn from a large population, where a formula is known.
    pub standard_error: Option<f64>,
    /// Items with at least two ratings.
    pub items: u64,
}

impl Coefficient {
    pub(crate) fn missing(undefined: Undefined, items: u64) -> Self {
        Self {
            value: None,
            undefined: Some(undefined),
            observed: None,
            chance: None,
            standard_error: None,
            items,
        }
    }

    /// Value ± Student's quantile × standard error with `rated_items` − 1 degrees, the upper end cut at 1.
    ///
    /// `None` without a value or a standard error, for fewer than two items, or a confidence outside (0, 1). When
    /// the standard error is 0 the interval has no width: draw items again instead of believing it.
    #[must_use]
    pub fn student_interval(&self, rated_items: u64, confidence: f64) -> Option<Interval> {
        let (value, error) = (self.value?, self.standard_error?);
        if rated_items < 2 || !(confidence > 0.0 && confidence < 1.0) {
            return None;
        }
        let half = student_quantile(0.5 + confidence / 2.0, (rated_items - 1) as f64)? * error;
        Some(Interval {
            low: value - half,
            high: (value + half).min(1.0).max(value),
        })
    }
}

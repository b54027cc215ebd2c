//! Calibration of judges on people's labels: curves, how good they are, and the minimum for a wanted precision.
//!
//! Every figure called *after* is of rows that the curves behind it were not fitted on. A curve rises; a rater whose
//! scores fall as people's labels rise gets a level one, which says nothing.

mod fit;
mod say;

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Method, Seed, Side};
use evalwright_recipe::CalibrationFile;
use evalwright_stats::ReliabilityBin;
use evalwright_stats::calibration::{self, CalibrationQuality};
use evalwright_stats::threshold::PrecisionThreshold;
use serde::Serialize;

pub use evalwright_stats::calibration::Method as CurveMethod;
pub use fit::calibrate;

/// The format of `evalwright calibrate --json`.
pub const CALIBRATION_SCHEMA: &str = "evalwright.calibration/1";

/// The rater that stands for a dataset's own `label_confidence`, where no rater's verdicts are there.
pub const PUBLISHED: &str = "label_confidence";

/// A candidate that people have labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledCandidate {
    /// The side that it was written for.
    pub intended: Side,
    /// The side that people put it on.
    pub said: Side,
    /// P(intended side) as it stood.
    pub confidence: Option<f64>,
    /// Whether it became a row.
    pub published: bool,
    /// What each rater gave, by the rater's name.
    pub scores: BTreeMap<String, Score>,
}

/// What a rater gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Before calibration, in nats, positive for *matching*.
    pub log_odds: f64,
    /// P(matching) as it stood.
    pub probability: f64,
}

/// A rater to calibrate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalibratedRater {
    /// `model#wording`.
    pub rater: String,
    /// The judge's model name; empty for [`PUBLISHED`].
    pub judge: String,
    /// SHA-256 of its weights, where it has any.
    pub weights: Option<ContentHash>,
    /// The wording's name in the kind.
    pub wording: String,
    /// How its scores were read.
    pub method: Option<Method>,
    /// Whether it counts in the label confidence.
    pub counts: bool,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrateOptions {
    /// What the labels are of, in words.
    pub fitted_on: String,
    /// The sort of all curves; the better one for each where none is named.
    pub method: Option<calibration::Method>,
    /// Shares of right labels to find minimums for.
    pub precisions: Vec<f64>,
    /// Whether the lower end of the interval has to reach them.
    pub cautious: bool,
    /// Decides folds and draws.
    pub seed: Seed,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibrated {
    /// [`CALIBRATION_SCHEMA`].
    pub schema: &'static str,
    /// What the labels are of, in words.
    pub fitted_on: String,
    /// Candidates with people's label and a known verdict.
    pub rows: u64,
    /// Of these, rows of a published version; the rest had fallen.
    pub published: u64,
    /// Of all, those whose intended label people call right.
    pub right: u64,
    /// The label confidence before and after.
    pub confidence: Reliability,
    /// Each rater, and each judge's mean over its counting raters.
    pub raters: Vec<RaterCurve>,
    /// A minimum for each wanted precision.
    pub thresholds: Vec<FoundThreshold>,
    /// What to be careful about.
    pub warnings: Vec<String>,
    /// The calibration file; null where no rater's verdicts are there.
    pub file: Option<CalibrationFile>,
}

/// How far stated probabilities can be believed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// As they stood.
    pub before: Believed,
    /// With curves fitted on other rows.
    pub after: Believed,
}

/// Figures of one set of probabilities.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Believed {
    /// Candidates.
    pub count: u64,
    /// Expected calibration error in ten bins.
    pub error: Option<f64>,
    /// Brier score.
    pub brier: Option<f64>,
    /// Area under the curve.
    pub area: Option<f64>,
    /// The reliability diagram.
    pub bins: Vec<ReliabilityBin>,
}

/// A rater's curve and its alternatives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RaterCurve {
    /// The rater's name, or `<judge>#mean`.
    pub rater: String,
    /// Whether it counts in the label confidence.
    pub counts: bool,
    /// Candidates with a known score.
    pub count: u64,
    /// Expected calibration error as it stood; null for a mean, which is not written down.
    pub error_before: Option<f64>,
    /// Brier score as it stood, likewise.
    pub brier_before: Option<f64>,
    /// The method of the curve in use.
    pub method: calibration::Method,
    /// The curve.
    pub curve: calibration::Curve,
    /// Each method, cross-validated.
    pub tried: Vec<CalibrationQuality>,
}

/// A minimum for a wanted precision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundThreshold {
    /// The share of right labels wanted.
    pub wanted: f64,
    /// What was found; null where no minimum reaches it.
    pub found: Option<PrecisionThreshold>,
    /// Why there is none.
    pub undefined: Option<String>,
}

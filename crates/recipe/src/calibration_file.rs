//! Calibration curves as files: those of a kind, and what `evalwright calibrate` fits on people's labels.
//!
//! A curve is of one judge under one wording. It must rise: one that fell would turn every label around.

use evalwright_core::{ContentHash, Method};
use serde::{Deserialize, Serialize};

use crate::document::{Document, Entry, Section};
use crate::error::{RecipeError, Source};
use crate::kind::Curve;

/// The name under which a file holds the curve of a judge's mean over its counting raters.
pub const MEAN: &str = "mean";

/// What was fitted on people's labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationFile {
    /// What it was fitted on, in words.
    pub fitted_on: String,
    /// Candidates with people's labels and a known verdict.
    pub rows: u64,
    /// Expected calibration error of the label confidence before, and on rows that the curves were not fitted on.
    pub expected_calibration_error: BeforeAfter,
    /// Brier score likewise.
    pub brier: BeforeAfter,
    /// For each judge the curve of each rater, and of their mean.
    #[serde(rename = "curve")]
    pub curves: Vec<Curve>,
    /// Minimums of label confidence for wanted shares of right labels.
    #[serde(rename = "threshold", default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// The reliability diagram of the label confidence, before and after.
    #[serde(rename = "reliability", default, skip_serializing_if = "Vec::is_empty")]
    pub reliability: Vec<ReliabilityPoint>,
}

/// A figure before calibration and after it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeforeAfter {
    /// With the verdicts as they stood.
    pub before: f64,
    /// With the new curves, each row judged by curves that it had no part in.
    pub after: f64,
}

/// The minimum from which on labels are right as often as wanted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The share of right labels wanted.
    pub precision: f64,
    /// The label confidence from which on it is reached.
    pub minimum: f64,
    /// The lower end of the interval of `minimum`; absent where too many draws reach none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_low: Option<f64>,
    /// Its upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_high: Option<f64>,
    /// The share of right labels on rows that the minimum was not chosen on; absent where none were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<f64>,
    /// The lower end of its interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_low: Option<f64>,
    /// Its upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_high: Option<f64>,
    /// The share of all candidates that stay.
    pub kept: f64,
    /// The share of candidates with a right label that stay.
    pub recall: f64,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityPoint {
    /// Whether it is of the verdicts as they stood or of the calibrated ones.
    pub when: When,
    /// The bin's lower edge.
    pub low: f64,
    /// The bin's upper edge.
    pub high: f64,
    /// Candidates in it.
    pub count: u64,
    /// Their mean label confidence.
    pub stated: f64,
    /// The share of them whose label people call right.
    pub right: f64,
    /// The lower end of its interval.
    pub right_low: f64,
    /// Its upper end.
    pub right_high: f64,
}

/// Before or after calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// As the verdicts stood.
    Before,
    /// On rows that the curves were not fitted on.
    After,
}

impl CalibrationFile {
    /// Reads a file; `name` is its name in messages.
    ///
    /// # Errors
    /// [`RecipeError::Fault`] with the place of whatever is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self, RecipeError> {
        let document = Document::parse(Source { file: name, text })?;
        let root = document.root();
        root.only(&[
            "fitted_on",
            "rows",
            "expected_calibration_error",
            "brier",
            "curve",
            "threshold",
            "reliability",
        ])?;
        let curves = list_of_curves(&root)?;
        if curves.is_empty() {
            return Err(root.fault("holds no curve").with_hint(
                "`evalwright calibrate` writes such a file from verdicts and people's labels",
            ));
        }
        Ok(Self {
            fitted_on: root.required("fitted_on")?.filled()?.to_owned(),
            rows: root.required("rows")?.whole(1, u64::MAX >> 1)?,
            expected_calibration_error: both(&root, "expected_calibration_error")?,
            brier: both(&root, "brier")?,
            curves,
            thresholds: sections(&root, "threshold", threshold)?,
            reliability: sections(&root, "reliability", reliability)?,
        })
    }

    /// The file's text.
    ///
    /// # Errors
    /// [`RecipeError::Folder`] for numbers that TOML cannot hold; there are none.
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        let body = toml::to_string(self).map_err(|error| RecipeError::Folder {
            folder: "calibration".to_owned(),
            problem: error.to_string(),
        })?;
        Ok(format!(
            "# Written by `evalwright calibrate`. A behaviour names it: calibration = \"FILE\"\n{body}"
        ))
    }

    /// The identity of what the file says, whatever its layout.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn hash(&self) -> Result<ContentHash, serde_json::Error> {
        ContentHash::of_json(self)
    }

    /// The threshold that a behaviour means: the one for its precision, or the only one where it names none.
    ///
    /// # Errors
    /// A sentence, when there is no such threshold, or several and none is named.
    pub fn threshold(&self, precision: Option<f64>) -> Result<Option<&Threshold>, String> {
        let named = || {
            let all: Vec<String> = self
                .thresholds
                .iter()
                .map(|one| one.precision.to_string())
                .collect();
            all.join(", ")
        };
        match (precision, self.thresholds.as_slice()) {
            (None, []) => Ok(None),
            (None, [only]) => Ok(Some(only)),
            (None, _) => Err(format!(
                "holds thresholds for several precisions ({}); say which with `precision`",
                named()
            )),
            (Some(wanted), []) => Err(format!(
                "holds no threshold for precision {wanted}; make it with `evalwright calibrate … --precision {wanted}`"
            )),
            (Some(wanted), all) => all
                .iter()
                .find(|one| (one.precision - wanted).abs() < 1e-9)
                .map(Some)
                .ok_or_else(|| {
                    format!(
                        "holds no threshold for precision {wanted}, only for {}; make it with `evalwright calibrate … \
                         --precision {wanted}`",
                        named()
                    )
                }),
        }
    }
}

fn share(section: &Section<'_>, key: &str) -> Result<f64, RecipeError> {
    section
        .required(key)?
        .number(|value| (0.0..=1.0).contains(&value), "from 0 to 1")
}

fn maybe(section: &Section<'_>, key: &str) -> Result<Option<f64>, RecipeError> {
    match section.optional(key) {
        Some(_) => share(section, key).map(Some),
        None => Ok(None),
    }
}

fn both(root: &Section<'_>, key: &str) -> Result<BeforeAfter, RecipeError> {
    let section = root.required(key)?.section()?;
    section.only(&["before", "after"])?;
    Ok(BeforeAfter {
        before: share(&section, "before")?,
        after: share(&section, "after")?,
    })
}

fn sections<T>(
    root: &Section<'_>,
    key: &str,
    read: fn(&Section<'_>) -> Result<T, RecipeError>,
) -> Result<Vec<T>, RecipeError> {
    let Some(list) = root.optional(key) else {
        return Ok(Vec::new());
    };
    let entries = list.entries()?;
    entries
        .iter()
        .map(|entry| read(&entry.section()?))
        .collect()
}

fn threshold(section: &Section<'_>) -> Result<Threshold, RecipeError> {
    section.only(&[
        "precision",
        "minimum",
        "minimum_low",
        "minimum_high",
        "held_out",
        "held_out_low",
        "held_out_high",
        "kept",
        "recall",
    ])?;
    Ok(Threshold {
        precision: share(section, "precision")?,
        minimum: share(section, "minimum")?,
        minimum_low: maybe(section, "minimum_low")?,
        minimum_high: maybe(section, "minimum_high")?,
        held_out: maybe(section, "held_out")?,
        held_out_low: maybe(section, "held_out_low")?,
        held_out_high: maybe(section, "held_out_high")?,
        kept: share(section, "kept")?,
        recall: share(section, "recall")?,
    })
}

fn reliability(section: &Section<'_>) -> Result<ReliabilityPoint, RecipeError> {
    section.only(&[
        "when",
        "low",
        "high",
        "count",
        "stated",
        "right",
        "right_low",
        "right_high",
    ])?;
    Ok(ReliabilityPoint {
        when: section
            .required("when")?
            .choice(&[("before", When::Before), ("after", When::After)])?,
        low: share(section, "low")?,
        high: share(section, "high")?,
        count: section.required("count")?.whole(0, u64::MAX >> 1)?,
        stated: share(section, "stated")?,
        right: share(section, "right")?,
        right_low: share(section, "right_low")?,
        right_high: share(section, "right_high")?,
    })
}

/// The curves of a kind's `calibration.toml`.
pub(crate) fn curves(root: &Section<'_>) -> Result<Vec<Curve>, RecipeError> {
    root.only(&["curve"])?;
    list_of_curves(root)
}

fn list_of_curves(root: &Section<'_>) -> Result<Vec<Curve>, RecipeError> {
    let mut curves: Vec<Curve> = Vec::new();
    let Some(list) = root.optional("curve") else {
        return Ok(curves);
    };
    for entry in list.entries()? {
        let curve = curve(&entry.section()?)?;
        let same = |other: &Curve| {
            other.model == curve.model
                && other.weights == curve.weights
                && other.rater == curve.rater
        };
        if curves.iter().any(same) {
            return Err(entry.fault("repeats the model, weights and rater of another curve"));
        }
        curves.push(curve);
    }
    Ok(curves)
}

/// How scores can be read.
const METHODS: [Method; 4] = [
    Method::Channel,
    Method::Sequence,
    Method::Token,
    Method::Votes,
];

/// The points of a rising curve; none where it is a logistic one.
fn points(section: &Section<'_>) -> Result<(Vec<f64>, Vec<f64>), RecipeError> {
    let Some(entry) = section.optional("scores") else {
        return match section.optional("probabilities") {
            Some(entry) => Err(entry.fault("is of no use without `scores`")),
            None => Ok((Vec::new(), Vec::new())),
        };
    };
    let scores = numbers(&entry, |_| true, "a finite number")?;
    let chances = section.required("probabilities")?;
    let probabilities = numbers(
        &chances,
        |value| (0.0..=1.0).contains(&value),
        "from 0 to 1",
    )?;
    if scores.is_empty() || !rises(&scores, |low, high| low < high) {
        return Err(entry.fault("must hold at least one score, each above the one before"));
    }
    if probabilities.len() != scores.len() || !rises(&probabilities, |low, high| low <= high) {
        return Err(chances.fault(format!(
            "must hold {} numbers, one for each score, none below the one before",
            scores.len()
        )));
    }
    for (key, idle) in [("slope", 1.0), ("intercept", 0.0)] {
        if let Some(entry) = section.optional(key) {
            entry.number(
                |value| (value - idle).abs() < 1e-12,
                &format!("{idle} beside `scores`, which it has no part in"),
            )?;
        }
    }
    Ok((scores, probabilities))
}

fn rises(numbers: &[f64], fits: impl Fn(f64, f64) -> bool) -> bool {
    numbers
        .windows(2)
        .all(|pair| matches!(pair, [low, high] if fits(*low, *high)))
}

fn numbers(
    entry: &Entry<'_>,
    fits: impl Fn(f64) -> bool + Copy,
    range: &str,
) -> Result<Vec<f64>, RecipeError> {
    let entries = entry.entries()?;
    entries.iter().map(|one| one.number(fits, range)).collect()
}

fn curve(section: &Section<'_>) -> Result<Curve, RecipeError> {
    section.only(&[
        "model",
        "weights",
        "rater",
        "method",
        "slope",
        "intercept",
        "scores",
        "probabilities",
        "fitted_on",
        "expected_calibration_error",
    ])?;
    let weights = match section.optional("weights") {
        None => None,
        Some(entry) => Some(
            ContentHash::parse(entry.text()?)
                .ok_or_else(|| entry.fault("must be a SHA-256 of 64 hexadecimal digits"))?,
        ),
    };
    let method = match section.optional("method") {
        None => None,
        Some(entry) => Some(entry.choice(&METHODS.map(|method| (method.as_str(), method)))?),
    };
    let (scores, probabilities) = points(section)?;
    let (slope, intercept) = if scores.is_empty() {
        // A curve that falls would turn every label around.
        let slope = section
            .required("slope")?
            .number(|value| value > 0.0, "above 0")?;
        let intercept = section
            .required("intercept")?
            .number(|_| true, "a finite number")?;
        (slope, intercept)
    } else {
        (1.0, 0.0)
    };
    Ok(Curve {
        model: section.required("model")?.filled()?.to_owned(),
        weights,
        rater: section.required("rater")?.filled()?.to_owned(),
        method,
        slope,
        intercept,
        scores,
        probabilities,
        fitted_on: section.required("fitted_on")?.filled()?.to_owned(),
        expected_calibration_error: section
            .required("expected_calibration_error")?
            .number(|value| (0.0..=1.0).contains(&value), "from 0 to 1")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> CalibrationFile {
        CalibrationFile {
            fitted_on: "40 rows of a 1.0.0".to_owned(),
            rows: 40,
            expected_calibration_error: BeforeAfter {
                before: 0.2,
                after: 0.05,
            },
            brier: BeforeAfter {
                before: 0.25,
                after: 0.125,
            },
            curves: vec![Curve {
                model: "vllm/a".to_owned(),
                weights: None,
                rater: MEAN.to_owned(),
                method: Some(Method::Token),
                slope: 1.0,
                intercept: 0.0,
                scores: vec![-1.5, 0.25],
                probabilities: vec![0.1, 0.9],
                fitted_on: "40 rows".to_owned(),
                expected_calibration_error: 0.05,
            }],
            thresholds: vec![Threshold {
                precision: 0.95,
                minimum: 0.8125,
                minimum_low: Some(0.75),
                minimum_high: None,
                held_out: Some(0.9375),
                held_out_low: None,
                held_out_high: None,
                kept: 0.5,
                recall: 0.625,
            }],
            reliability: vec![ReliabilityPoint {
                when: When::After,
                low: 0.0,
                high: 0.1,
                count: 3,
                stated: 0.05,
                right: 0.0,
                right_low: 0.0,
                right_high: 0.5,
            }],
        }
    }

    #[test]
    fn what_is_written_reads_back_and_json_keeps_its_identity() {
        let file = file();
        let text = file.to_toml().unwrap();
        let back = CalibrationFile::parse("judge.toml", &text).unwrap();
        assert_eq!(back, file);
        let json = serde_json::to_value(&file).unwrap();
        let recorded: CalibrationFile = serde_json::from_value(json).unwrap();
        assert_eq!(recorded.hash().unwrap(), file.hash().unwrap());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        let text = file().to_toml().unwrap();
        for (old, new, part) in [
            (
                "scores = [-1.5, 0.25]",
                "scores = [0.25, -1.5]",
                "each above",
            ),
            (
                "probabilities = [0.1, 0.9]",
                "probabilities = [0.9, 0.1]",
                "below",
            ),
            (
                "probabilities = [0.1, 0.9]",
                "probabilities = [0.1]",
                "2 numbers",
            ),
            (
                "probabilities = [0.1, 0.9]",
                "probabilities = [0.1, 1.5]",
                "from 0 to 1",
            ),
            ("method = \"token\"", "method = \"guess\"", "one of"),
            ("minimum = 0.8125", "minimum = 8", "from 0 to 1"),
            ("when = \"after\"", "when = \"later\"", "one of"),
            ("slope = 1.0", "slope = 2.0", "beside `scores`"),
            ("rows = 40", "rows = 40\nrow = 1", "unknown key"),
        ] {
            assert!(text.contains(old), "{old} is not in {text}");
            let wrong = text.replace(old, new);
            let error = CalibrationFile::parse("judge.toml", &wrong).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains(part) && error.contains("judge.toml:"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_threshold_that_is_meant_is_found_or_asked_for() {
        let mut file = file();
        assert!(file.threshold(None).unwrap().is_some());
        assert!(file.threshold(Some(0.95)).unwrap().is_some());
        assert!(file.threshold(Some(0.9)).unwrap_err().contains("0.95"));
        let more = Threshold {
            precision: 0.9,
            ..file.thresholds[0]
        };
        file.thresholds.push(more);
        assert!(file.threshold(None).unwrap_err().contains("0.95, 0.9"));
        file.thresholds.clear();
        assert_eq!(file.threshold(None), Ok(None));
        assert!(
            file.threshold(Some(0.9))
                .unwrap_err()
                .contains("--precision 0.9")
        );
    }
}

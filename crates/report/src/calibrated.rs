//! The calibration that a version was made with: what it was fitted on, how good it is, and the reliability diagram.

use evalwright_dataset::Manifest;
use evalwright_recipe::CalibrationFile;
use evalwright_recipe::calibration_file::{BeforeAfter, ReliabilityPoint, Threshold, When};
use evalwright_stats::Interval;
use serde::Serialize;

use crate::number::{share, share_interval, three_digits};
use crate::plane::{Dot, Frame, Series, plane};
use crate::plots::Plot;

/// What a report says about the calibration in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationInUse {
    /// The file as the behaviour names it.
    pub file: String,
    /// What it was fitted on, in words.
    pub fitted_on: String,
    /// Candidates with people's labels behind it.
    pub rows: u64,
    /// Expected calibration error of the label confidence.
    pub expected_calibration_error: BeforeAfter,
    /// Its Brier score.
    pub brier: BeforeAfter,
    /// The threshold that gave the minimum confidence, where one is in use.
    pub threshold: Option<Threshold>,
    /// The reliability diagram.
    pub reliability: Vec<ReliabilityPoint>,
    /// The same in sentences.
    pub said: Vec<String>,
}

impl CalibrationInUse {
    /// None for a version without a calibration of its own, or with one that this program does not read.
    pub(crate) fn of(manifest: &Manifest) -> Option<Self> {
        let used = manifest.calibration.as_ref()?;
        let content: CalibrationFile = serde_json::from_value(used.content.clone()).ok()?;
        let threshold = content.threshold(used.precision).ok().flatten().copied();
        let error = content.expected_calibration_error;
        let mut said = vec![format!(
            "The judges' probabilities were calibrated on people's labels ({}): on candidates that the curves had not \
             seen the label confidence was off by {} on average, and by {} before (expected calibration error); Brier \
             score {}, {} before.",
            content.fitted_on,
            three_digits(Some(error.after)),
            three_digits(Some(error.before)),
            three_digits(Some(content.brier.after)),
            three_digits(Some(content.brier.before)),
        )];
        if let Some(one) = &threshold {
            let interval = one
                .held_out_low
                .zip(one.held_out_high)
                .map(|(low, high)| Interval { low, high });
            said.push(format!(
                "The minimum confidence {} was chosen so that {} of labels are right. On candidates that it was not chosen \
                 on {} were (95 % interval {}); it kept {} of those with a right label.",
                three_digits(Some(one.minimum)),
                share(Some(one.precision)),
                share(one.held_out),
                share_interval(interval),
                share(Some(one.recall)),
            ));
        }
        Some(Self {
            file: used.file.clone(),
            fitted_on: content.fitted_on,
            rows: content.rows,
            expected_calibration_error: error,
            brier: content.brier,
            threshold,
            reliability: content.reliability,
            said,
        })
    }

    /// The reliability diagram.
    pub(crate) fn plot(&self) -> Plot {
        let title = "Stated confidence and people's labels".to_owned();
        let series = |when: When, name: &str, class| Series {
            name: name.to_owned(),
            class,
            joined: true,
            dots: self
                .of_when(when)
                .map(|bin| Dot {
                    x: bin.stated,
                    y: bin.right,
                    interval: (when == When::After).then_some(Interval {
                        low: bin.right_low,
                        high: bin.right_high,
                    }),
                    says: Some(format!(
                        "{} candidates: stated {}, right {}",
                        bin.count,
                        share(Some(bin.stated)),
                        share(Some(bin.right))
                    )),
                })
                .collect(),
        };
        let frame = Frame {
            x: (0.0, 1.0),
            y: (0.0, 1.0),
            ticks: [0.0, 0.25, 0.5, 0.75, 1.0]
                .map(|at| (at, format!("{:.0} %", at * 100.0)))
                .to_vec(),
            x_label: "label confidence".to_owned(),
            y_label: "labels that people call right".to_owned(),
            diagonal: true,
            radius: 4.0,
        };
        let drawn = [
            series(When::Before, "before calibration", "point hollow"),
            series(When::After, "calibrated, held out", "point"),
        ];
        Plot {
            stem: "reliability",
            how: "Labelled candidates in ten bins of label confidence: the mean confidence of each bin against the share of \
                  labels that people call right, with Wilson's 95 % interval. Filled: with the curves of this version, each \
                  candidate by curves that were fitted without it. Hollow: as the judges stated it before. The dashed line \
                  is where confidence can be taken at its word. From the calibration in the manifest."
                .to_owned(),
            svg: plane(&title, &drawn, &frame),
            title,
            header: vec![
                "when", "low", "high", "count", "stated", "right", "right_low", "right_high",
            ],
            rows: self
                .reliability
                .iter()
                .map(|bin| {
                    let when = match bin.when {
                        When::Before => "before",
                        When::After => "after",
                    };
                    let numbers = [bin.stated, bin.right, bin.right_low, bin.right_high];
                    [when.to_owned(), bin.low.to_string(), bin.high.to_string(), bin.count.to_string()]
                        .into_iter()
                        .chain(numbers.map(|number| number.to_string()))
                        .collect()
                })
                .collect(),
        }
    }

    fn of_when(&self, when: When) -> impl Iterator<Item = &ReliabilityPoint> {
        self.reliability.iter().filter(move |bin| bin.when == when)
    }
}

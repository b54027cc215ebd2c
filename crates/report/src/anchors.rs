//! Anchors: the same rows under the judges of before and those of now, so that a change of the judge is not taken for a
//! change of the data.
//!
//! The sample is frozen: it follows from the version alone, so whoever makes the next version again meets the same rows.
//! It is spread evenly over labels and, within each, over the confidence that the judges of before had.

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Row, Seed, Side};
use evalwright_stats::{Interval, bootstrap_interval, cohen_kappa, normal_quantile, wilson};
use serde::{Deserialize, Serialize};

use crate::agreement::{CONFIDENCE, DRAWS};
use crate::number::{share, share_interval, three_digit_interval, three_digits};

/// The format of the JSON document.
pub const ANCHORS_SCHEMA: &str = "evalwright.anchors/1";

/// A row that both judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Anchor {
    /// The row.
    pub row: String,
    /// The side that it was written for.
    pub label: Side,
    /// P(label) by the judges of before.
    pub before: f64,
    /// P(label) by those of now; null where they do not know.
    pub after: Option<f64>,
}

/// A difference of means with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanShift {
    /// After less before.
    pub value: f64,
    /// 95 %; null of fewer than two.
    pub interval: Option<Interval>,
}

/// What the anchors say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnchorReport {
    /// [`ANCHORS_SCHEMA`].
    pub schema: String,
    /// The version whose rows they are.
    pub version: String,
    /// Judges of before.
    pub judges_before: Vec<String>,
    /// Judges of now.
    pub judges_after: Vec<String>,
    /// How many rows both judged.
    pub known: u64,
    /// Mean change of P(label) on the same rows: what the judge changed.
    pub judge_shift: Option<MeanShift>,
    /// Change of the mean P(label) from the rows of before to those of now.
    pub rows_shift: Option<MeanShift>,
    /// The rows' change less the judge's: what the data changed.
    pub data_shift: Option<MeanShift>,
    /// Rows on which the judges of now take the other side.
    pub flips: u64,
    /// Their share's 95 % interval.
    pub flips_interval: Option<Interval>,
    /// Cohen's kappa between both; null where one of them gives one answer alone.
    pub kappa: Option<f64>,
    /// Its 95 % bootstrap interval.
    pub kappa_interval: Option<Interval>,
    /// The same in sentences.
    pub verdict: Vec<String>,
    /// The rows.
    pub anchors: Vec<Anchor>,
}

/// The anchors of a version: positions of at most so many of its rows, in their order.
#[must_use]
pub fn draw_anchors(rows: &[Row], content: Option<ContentHash>, most: usize) -> Vec<usize> {
    let seed = Seed(content.map_or(0, |content| content.leading_u64())).derive("anchors");
    let mut by_label: BTreeMap<Side, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        by_label.entry(row.metadata.label).or_default().push(place);
    }
    let each = most / by_label.len().max(1);
    let mut drawn = Vec::new();
    for places in by_label.values_mut() {
        let confidence = |place: usize| {
            rows.get(place)
                .map_or(0.0, |row| row.label_confidence.value())
        };
        places.sort_by(|a, b| confidence(*a).total_cmp(&confidence(*b)).then(a.cmp(b)));
        let wanted = each.min(places.len());
        for group in 0..wanted {
            let (from, to) = (
                group * places.len() / wanted,
                (group + 1) * places.len() / wanted,
            );
            let lot = |place: &usize| rows.get(*place).map_or(0, |row| seed.derive(&row.id).0);
            let one = places
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .copied()
                .min_by_key(lot);
            drawn.extend(one);
        }
    }
    drawn.sort_unstable();
    drawn
}

/// What both judges' numbers on the anchors, and all rows' confidences before and after, say together.
#[must_use]
pub fn anchor_report(
    version: &str,
    judges: (Vec<String>, Vec<String>),
    anchors: Vec<Anchor>,
    rows: (&[f64], &[f64]),
) -> AnchorReport {
    let both: Vec<(f64, f64)> = anchors
        .iter()
        .filter_map(|anchor| Some((anchor.before, anchor.after?)))
        .collect();
    let steps: Vec<f64> = both.iter().map(|(before, after)| after - before).collect();
    let judge = Mean::of(&steps);
    let rows_change = match (Mean::of(rows.0), Mean::of(rows.1)) {
        (Some(before), Some(after)) => Some(after.less(before)),
        _ => None,
    };
    let data = match (rows_change, judge) {
        (Some(rows), Some(judge)) => Some(rows.less(judge)),
        _ => None,
    };
    let sides: Vec<(u32, u32)> = anchors
        .iter()
        .filter_map(|anchor| {
            let side = |confidence: f64| -> u32 {
                let is_right = confidence >= 0.5;
                u32::from(is_right == (anchor.label == Side::Matching))
            };
            Some((side(anchor.before), side(anchor.after?)))
        })
        .collect();
    let flips = sides.iter().filter(|(one, other)| one != other).count() as u64;
    let known = both.len() as u64;
    let kappa = |pairs: &[(u32, u32)]| cohen_kappa(pairs, 2).and_then(|kappa| kappa.kappa);
    let kappa_interval = bootstrap_interval(sides.len(), DRAWS, CONFIDENCE, Seed(1), |items| {
        let drawn: Vec<(u32, u32)> = items
            .iter()
            .filter_map(|item| sides.get(*item).copied())
            .collect();
        kappa(&drawn)
    });
    let mut report = AnchorReport {
        schema: ANCHORS_SCHEMA.to_owned(),
        version: version.to_owned(),
        judges_before: judges.0,
        judges_after: judges.1,
        known,
        judge_shift: judge.map(Mean::shift),
        rows_shift: rows_change.map(Mean::shift),
        data_shift: data.map(Mean::shift),
        flips,
        flips_interval: wilson(flips, known, CONFIDENCE),
        kappa: kappa(&sides),
        kappa_interval,
        verdict: Vec::new(),
        anchors,
    };
    report.verdict = report.sentences();
    report
}

impl AnchorReport {
    fn sentences(&self) -> Vec<String> {
        let Some(judge) = self.judge_shift else {
            return vec![format!(
                "The judge changed, and the judges of now could tell nothing about the {} anchor rows of {}.",
                self.anchors.len(),
                self.version
            )];
        };
        let says = |shift: MeanShift, changed: &str, same: &str| {
            let words = match shift.interval {
                Some(interval) if interval.low > 0.0 || interval.high < 0.0 => changed,
                Some(_) => same,
                None => "too few rows to tell",
            };
            format!(
                "{} (95 % interval {}): {words}",
                three_digits(Some(shift.value)),
                three_digit_interval(shift.interval)
            )
        };
        vec![
            format!(
                "The judge changed. On {} anchor rows of {}, the same under both, mean confidence moved by {}.",
                self.known,
                self.version,
                says(
                    judge,
                    "the judge alone moves the numbers",
                    "the judge does not show"
                )
            ),
            format!(
                "Judges of before and of now take different sides on {} of {} anchors ({}, 95 % interval {}); kappa \
                 between them {} (95 % interval {}).",
                self.flips,
                self.known,
                share((self.known > 0).then(|| self.flips as f64 / self.known as f64)),
                share_interval(self.flips_interval),
                three_digits(self.kappa),
                three_digit_interval(self.kappa_interval)
            ),
            match (self.rows_shift, self.data_shift) {
                (Some(rows), Some(data)) => format!(
                    "Mean confidence of all rows moved by {} in all; less the judge's own step that is {}.",
                    three_digits(Some(rows.value)),
                    says(data, "the data changed", "no change of the data shows")
                ),
                _ => "There are no rows now to tell a change of the data by.".to_owned(),
            },
        ]
    }
}

/// A mean with the variance of its error.
#[derive(Debug, Clone, Copy)]
struct Mean {
    value: f64,
    /// Null of fewer than two values.
    variance: Option<f64>,
}

impl Mean {
    fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let variance = (values.len() > 1).then(|| {
            let squares: f64 = values.iter().map(|one| (one - value).powi(2)).sum();
            squares / (n - 1.0) / n
        });
        Some(Self { value, variance })
    }

    /// Of two that are drawn apart.
    fn less(self, other: Self) -> Self {
        Self {
            value: self.value - other.value,
            variance: self.variance.zip(other.variance).map(|(a, b)| a + b),
        }
    }

    fn shift(self) -> MeanShift {
        let half = self
            .variance
            .and_then(|variance| Some(normal_quantile(0.5 + CONFIDENCE / 2.0)? * variance.sqrt()));
        MeanShift {
            value: self.value,
            interval: half.map(|half| Interval {
                low: self.value - half,
                high: self.value + half,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(step: f64) -> Vec<Anchor> {
        (0..60_u32)
            .map(|number| {
                let before = 0.6 + f64::from(number % 20) / 100.0;
                // Judges differ a little from row to row as well.
                let own = f64::from(number % 5) / 100.0 - 0.02;
                Anchor {
                    row: format!("row_{number}"),
                    label: if number % 2 == 0 {
                        Side::Matching
                    } else {
                        Side::NotMatching
                    },
                    before,
                    after: Some(before + step + own),
                }
            })
            .collect()
    }

    fn rows(mean: f64) -> Vec<f64> {
        (0..200_u32)
            .map(|number| mean + f64::from(number % 21) / 100.0 - 0.1)
            .collect()
    }

    fn report(judge: f64, data: f64) -> AnchorReport {
        let (before, after) = (rows(0.7), rows(0.7 + judge + data));
        let judges = (vec!["old".to_owned()], vec!["new".to_owned()]);
        anchor_report("1.0.0", judges, anchors(judge), (&before, &after))
    }

    #[test]
    fn a_judges_step_is_not_taken_for_one_of_the_data() {
        let found = report(0.1, 0.0);
        assert!((found.judge_shift.unwrap().value - 0.1).abs() < 1e-9);
        assert!((found.rows_shift.unwrap().value - 0.1).abs() < 1e-9);
        assert!(found.data_shift.unwrap().value.abs() < 1e-9);
        assert!(
            found.verdict[0].contains("the judge alone moves the numbers"),
            "{:?}",
            found.verdict
        );
        assert!(
            found.verdict[2].contains("no change of the data shows"),
            "{:?}",
            found.verdict
        );
    }

    #[test]
    fn a_step_of_the_data_is_seen_beside_a_judge_that_stays() {
        let found = report(0.0, 0.1);
        assert!(
            found.verdict[0].contains("the judge does not show"),
            "{:?}",
            found.verdict
        );
        assert!(
            found.verdict[2].contains("the data changed"),
            "{:?}",
            found.verdict
        );
        assert_eq!(found.flips, 0);
    }

    #[test]
    fn other_sides_are_flips_and_rows_that_the_judge_does_not_know_are_left_out() {
        let mut some = anchors(0.0);
        for anchor in some.iter_mut().take(6) {
            anchor.after = Some(0.2);
        }
        some[10].after = None;
        let judges = (Vec::new(), Vec::new());
        let found = anchor_report("1.0.0", judges, some, (&[0.7, 0.8], &[0.7, 0.8]));
        assert_eq!((found.flips, found.known), (6, 59));
        let kappa = found.kappa.unwrap();
        assert!(kappa > 0.7 && kappa < 0.9, "{kappa}");
        let ends = found.kappa_interval.unwrap();
        assert!(ends.low < kappa && kappa < ends.high);
        let nothing = anchor_report("1.0.0", (Vec::new(), Vec::new()), Vec::new(), (&[], &[]));
        assert_eq!(nothing.verdict.len(), 1);
    }
}

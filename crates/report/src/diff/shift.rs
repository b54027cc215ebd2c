//! Figures of two sides with the interval of their difference.
//!
//! The interval of a difference is put together from the intervals of its two figures by the square-and-add rule
//! (MOVER: Zou and Donner 2008, Statistics in Medicine 27: 1693–1702; for shares it is Newcombe's 1998 method 10).
//! It treats the sides as independent, so for sides that share rows it is too wide rather than too narrow.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::Seed;
use evalwright_stats::{Interval, area_under_curve, bootstrap_interval, normal_quantile, wilson};
use serde::Serialize;

use super::DiffRow;
use super::matching::word_set;
use crate::agreement::{CONFIDENCE, DRAWS};

/// What an interval says about a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The figures are equal.
    Same,
    /// The interval holds 0.
    NoClearChange,
    /// The whole interval lies above 0.
    Higher,
    /// The whole interval lies below 0.
    Lower,
    /// One of the figures is undefined.
    Undefined,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::NoClearChange => "no clear change",
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Undefined => "undefined",
        }
    }

    pub(super) fn of(
        before: Option<f64>,
        after: Option<f64>,
        difference: Option<Interval>,
    ) -> Self {
        match (before, after, difference) {
            (Some(before), Some(after), _) if before.total_cmp(&after).is_eq() => Self::Same,
            (Some(_), Some(_), Some(interval)) if interval.low > 0.0 => Self::Higher,
            (Some(_), Some(_), Some(interval)) if interval.high < 0.0 => Self::Lower,
            (Some(_), Some(_), Some(_)) => Self::NoClearChange,
            _ => Self::Undefined,
        }
    }
}

/// One figure of both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// What it is: `mean words`, `share of label Yes` …
    pub figure: String,
    /// How it is computed, in one sentence.
    pub how: String,
    /// Before; null where it is undefined.
    pub before: Option<f64>,
    /// After.
    pub after: Option<f64>,
    /// After − before.
    pub difference: Option<f64>,
    /// The 95 % interval of the difference.
    pub interval: Option<Interval>,
    /// What the interval says.
    pub verdict: Verdict,
}

/// A figure with its own interval.
#[derive(Debug, Clone, Copy)]
struct Figure {
    value: f64,
    interval: Option<Interval>,
}

/// All figures of two sides, in the order in which they are shown.
pub(super) fn shifts(before: &[DiffRow], after: &[DiffRow], seed: Seed) -> Vec<Shift> {
    let labels: BTreeSet<&str> = before
        .iter()
        .chain(after)
        .map(|row| row.label.as_str())
        .collect();
    let mut shifts = Vec::new();
    // More labels than a table can show are not labels but free text.
    if labels.len() <= 12 {
        for label in &labels {
            let share = |rows: &[DiffRow]| {
                let count = rows.iter().filter(|row| row.label == *label).count();
                share(count, rows.len())
            };
            shifts.push(shift(
                format!("share of label {}", label.trim()),
                "Rows with this label over all rows, with Wilson's interval.",
                share(before),
                share(after),
            ));
        }
    }
    shifts.push(shift(
        "mean confidence".to_owned(),
        "The mean of the rows' P(the label is right), with a normal interval.",
        mean(&confidences(before)),
        mean(&confidences(after)),
    ));
    shifts.push(shift(
        "mean words".to_owned(),
        "The mean number of words in a text, with a normal interval.",
        mean(&lengths(before)),
        mean(&lengths(after)),
    ));
    if let [first, second] = labels.iter().copied().collect::<Vec<_>>().as_slice() {
        let area =
            |rows: &[DiffRow], side: &str| length_area(rows, first, second, seed.derive(side));
        shifts.push(shift(
            format!("length gives the label away ({} longer)", first.trim()),
            "Area under the curve of a guess by the number of words alone (0.5 is chance), with a bootstrap interval.",
            area(before, "length before"),
            area(after, "length after"),
        ));
    }
    shifts.push(shift(
        "word pairs of a text that no other has".to_owned(),
        "The mean share of a text's neighbouring word pairs that stand in no other row of the same side; a figure of \
         diversity, with a normal interval.",
        mean(&own_pairs(before)),
        mean(&own_pairs(after)),
    ));
    shifts
}

fn shift(figure: String, how: &str, before: Option<Figure>, after: Option<Figure>) -> Shift {
    let interval = before
        .zip(after)
        .and_then(|(before, after)| difference(before, after));
    let (before, after) = (before.map(|one| one.value), after.map(|one| one.value));
    Shift {
        figure,
        how: how.to_owned(),
        before,
        after,
        difference: before.zip(after).map(|(before, after)| after - before),
        interval,
        verdict: Verdict::of(before, after, interval),
    }
}

/// Square-and-add: the low end is d − √((e₂ − l₂)² + (u₁ − e₁)²), the high end mirrors it.
fn difference(before: Figure, after: Figure) -> Option<Interval> {
    let (first, second) = (before.interval?, after.interval?);
    let step = after.value - before.value;
    let down = (after.value - second.low).hypot(first.high - before.value);
    let up = (second.high - after.value).hypot(before.value - first.low);
    Some(Interval {
        low: step - down,
        high: step + up,
    })
}

fn share(count: usize, of: usize) -> Option<Figure> {
    (of > 0).then(|| Figure {
        value: count as f64 / of as f64,
        interval: wilson(count as u64, of as u64, CONFIDENCE),
    })
}

/// The interval of the difference of two shares.
pub(super) fn share_difference(
    before: (usize, usize),
    after: (usize, usize),
) -> Option<(f64, Interval)> {
    let (first, second) = (share(before.0, before.1)?, share(after.0, after.1)?);
    Some((second.value - first.value, difference(first, second)?))
}

/// The mean with the normal interval of a mean; a single value has no interval.
fn mean(values: &[f64]) -> Option<Figure> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let value = values.iter().sum::<f64>() / n;
    let half = (values.len() > 1)
        .then(|| {
            let squares: f64 = values.iter().map(|one| (one - value).powi(2)).sum();
            let error = (squares / (n - 1.0) / n).sqrt();
            normal_quantile(0.5 + CONFIDENCE / 2.0).map(|quantile| quantile * error)
        })
        .flatten();
    Some(Figure {
        value,
        interval: half.map(|half| Interval {
            low: value - half,
            high: value + half,
        }),
    })
}

fn confidences(rows: &[DiffRow]) -> Vec<f64> {
    rows.iter().filter_map(|row| row.confidence).collect()
}

fn lengths(rows: &[DiffRow]) -> Vec<f64> {
    rows.iter()
        .map(|row| row.text.split_whitespace().count() as f64)
        .collect()
}

fn length_area(rows: &[DiffRow], first: &str, second: &str, seed: Seed) -> Option<Figure> {
    let lengths = lengths(rows);
    let area = |items: &mut dyn Iterator<Item = usize>| -> Option<f64> {
        let (mut ones, mut others) = (Vec::new(), Vec::new());
        for item in items {
            let (row, length) = (rows.get(item)?, lengths.get(item)?);
            if row.label == first {
                ones.push(*length);
            } else if row.label == second {
                others.push(*length);
            }
        }
        area_under_curve(&ones, &others)
    };
    let value = area(&mut (0..rows.len()))?;
    let interval = bootstrap_interval(rows.len(), DRAWS, CONFIDENCE, seed, |items| {
        area(&mut items.iter().copied())
    });
    Some(Figure { value, interval })
}

/// For each text of two words or more, the share of its word pairs that no other row has.
fn own_pairs(rows: &[DiffRow]) -> Vec<f64> {
    let pairs: Vec<BTreeSet<(String, String)>> = rows
        .iter()
        .map(|row| {
            let words: Vec<String> = row
                .text
                .split_whitespace()
                .map(|word| word_set(word).into_iter().collect::<Vec<_>>().join("'"))
                .filter(|word| !word.is_empty())
                .collect();
            words
                .windows(2)
                .filter_map(|two| match two {
                    [one, other] => Some((one.clone(), other.clone())),
                    _ => None,
                })
                .collect()
        })
        .collect();
    let mut holders: BTreeMap<&(String, String), u32> = BTreeMap::new();
    for pair in pairs.iter().flatten() {
        *holders.entry(pair).or_default() += 1;
    }
    pairs
        .iter()
        .filter(|set| !set.is_empty())
        .map(|set| {
            let own = set
                .iter()
                .filter(|pair| holders.get(pair).is_some_and(|count| *count == 1))
                .count();
            own as f64 / set.len() as f64
        })
        .collect()
}

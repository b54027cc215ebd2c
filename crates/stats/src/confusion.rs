//! A table of true against given labels, and each label's precision, recall and F1. A rate of no cases is null, never
//! 0.

use serde::Serialize;

use crate::interval::{Interval, wilson};
use crate::pair::PairTable;

/// How well one label was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LabelScores {
    /// Right among those given this label; null when it was never given.
    pub precision: Option<f64>,
    /// Wilson's interval of it.
    pub precision_interval: Option<Interval>,
    /// Found among those that have this label; null when none has.
    pub recall: Option<f64>,
    /// Wilson's interval of it.
    pub recall_interval: Option<Interval>,
    /// The harmonic mean of both, 2·right / (given + true); null when the label occurs on neither side.
    pub f1: Option<f64>,
    /// Items that have this label.
    pub support: u64,
}

/// The mean of F1 over labels, and over how many labels it runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MacroMean {
    /// The mean; null when no label has a value.
    pub f1: Option<f64>,
    /// Labels with a value.
    pub labels: usize,
}

/// The scores of every label of a table whose first rater is the truth and whose second is under test.
#[must_use]
pub fn label_scores(table: &PairTable, confidence: f64) -> Vec<LabelScores> {
    (0..table.labels())
        .map(|label| {
            let right = table.count(label, label);
            let (has, given) = (table.first_total(label), table.second_total(label));
            let rate = |of: u64| (of > 0).then(|| right as f64 / of as f64);
            LabelScores {
                precision: rate(given),
                precision_interval: wilson(right, given, confidence),
                recall: rate(has),
                recall_interval: wilson(right, has, confidence),
                f1: (has + given > 0).then(|| 2.0 * right as f64 / (has + given) as f64),
                support: has,
            }
        })
        .collect()
}

/// The mean F1 over the labels that have one.
#[must_use]
pub fn macro_mean(scores: &[LabelScores]) -> MacroMean {
    let values: Vec<f64> = scores.iter().filter_map(|score| score.f1).collect();
    MacroMean {
        f1: (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64),
        labels: values.len(),
    }
}

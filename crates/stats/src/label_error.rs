//! How many published labels are wrong, and which rows most likely are.
//!
//! Two ways: from three or more independent sources of labels (the published label, judges, people) by Dawid and
//! Skene's model, or from one source of probabilities by confident learning. Both estimate; neither knows the truth.

use evalwright_core::Seed;
use rayon::prelude::*;
use serde::Serialize;

use crate::binomial::multinomial;
use crate::dawid_skene::{DawidSkene, DawidSkeneOptions, dawid_skene, sources};
use crate::error::StatsError;
use crate::interval::Interval;
use crate::random::Stream;
use crate::ratings::{Label, MISSING, RatingTable};
use crate::resample::percentile_interval;
use crate::undefined::Undefined;

/// An estimated share of wrong labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ErrorRate {
    /// The estimate, in [0, 1].
    pub rate: f64,
    /// Its percentile interval over items drawn again; null when half of the draws have no estimate.
    pub interval: Option<Interval>,
    /// Labels judged.
    pub items: u64,
}

/// A row whose label is likely wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Suspect {
    /// The row, counted from 0.
    pub item: usize,
    /// Its label.
    pub given: Label,
    /// The label that is likeliest instead.
    pub likeliest: Label,
    /// The probability that the label is wrong.
    pub wrong: f64,
    /// Other sources that gave the row its label.
    pub agreeing: usize,
    /// Other sources that gave another label.
    pub disagreeing: usize,
}

/// The share of wrong labels of one column of a table of ratings, by Dawid and Skene's model over all columns: the mean
/// probability that the true label is another one. The interval draws items again and fits the model anew each time.
///
/// # Errors
///
/// [`Undefined::TooFewRaters`] for fewer than three columns with ratings; [`Undefined::NoItems`] when the column has
/// none.
pub fn error_rate(
    table: &RatingTable,
    column: usize,
    options: DawidSkeneOptions,
    draws: usize,
    confidence: f64,
    seed: Seed,
) -> Result<(ErrorRate, DawidSkene), Undefined> {
    if sources(table) < 3 {
        return Err(Undefined::TooFewRaters);
    }
    let model = dawid_skene(table, table.weights(), options)?;
    let (rate, items) =
        wrong_share(table, column, table.weights(), &model).ok_or(Undefined::NoItems)?;
    let total: u64 = table.weights().iter().sum();
    let values: Vec<f64> = (0..draws)
        .into_par_iter()
        .map(|draw| {
            let mut stream = Stream::new(seed.derive(&format!("draw {draw}")));
            let mut weights = vec![0; table.weights().len()];
            multinomial(&mut stream, total, table.weights(), &mut weights);
            let model = dawid_skene(table, &weights, options).ok()?;
            Some(wrong_share(table, column, &weights, &model)?.0)
        })
        .flatten_iter()
        .collect();
    let interval = percentile_interval(values, draws, confidence);
    Ok((
        ErrorRate {
            rate,
            interval: interval.map(|interval| interval.widened_to(rate)),
            items,
        },
        model,
    ))
}

/// The mean probability that a column's labels are wrong, and how many there are.
fn wrong_share(
    table: &RatingTable,
    column: usize,
    weights: &[u64],
    model: &DawidSkene,
) -> Option<(f64, u64)> {
    let (mut wrong, mut items) = (0.0, 0_u64);
    for (place, ((pattern, _), weight)) in table.patterns().zip(weights).enumerate() {
        let given = *pattern.get(column)?;
        if given != MISSING {
            let right = model.posterior(place)?.get(usize::from(given))?;
            wrong += *weight as f64 * (1.0 - right);
            items += weight;
        }
    }
    (items > 0).then(|| (wrong / items as f64, items))
}

/// The rows of a column by the probability that their label is wrong, likeliest first; equal ones by row. At most
/// `most` rows, and none whose label is the likeliest one.
#[must_use]
pub fn suspects(
    table: &RatingTable,
    column: usize,
    model: &DawidSkene,
    most: usize,
) -> Vec<Suspect> {
    let mut found: Vec<Suspect> = (0..table.items())
        .filter_map(|item| {
            let row = table.row(item)?;
            let given = *row.get(column).filter(|label| **label != MISSING)?;
            let posterior = model.posterior(table.pattern_of(item)?)?;
            let right = *posterior.get(usize::from(given))?;
            let (likeliest, best) = posterior
                .iter()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(b.1))?;
            if *best <= right {
                return None;
            }
            let others = row
                .iter()
                .enumerate()
                .filter(|(rater, label)| *rater != column && **label != MISSING);
            let (agreeing, disagreeing): (Vec<_>, Vec<_>) =
                others.partition(|(_, label)| **label == given);
            Some(Suspect {
                item,
                given,
                likeliest: likeliest as Label,
                wrong: 1.0 - right,
                agreeing: agreeing.len(),
                disagreeing: disagreeing.len(),
            })
        })
        .collect();
    found.sort_by(|a, b| b.wrong.total_cmp(&a.wrong).then(a.item.cmp(&b.item)));
    found.truncate(most);
    found
}

/// What confident learning makes of labels and probabilities.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfidentLearning {
    /// The estimated share of wrong labels.
    pub rate: ErrorRate,
    /// `joint[given][true]`: estimated shares of all items; they sum to 1.
    pub joint: Vec<Vec<f64>>,
    /// Each label's threshold: the mean probability of the label among rows that carry it; null for labels that no row
    /// carries.
    pub thresholds: Vec<Option<f64>>,
    /// Rows by the probability of their own label, least first; equal ones by row.
    pub ranked: Vec<usize>,
}

/// Confident learning (Northcutt, Jiang and Chuang 2021, Journal of Artificial Intelligence Research 70: 1373–1411): a
/// row counts as having the likeliest label among those whose probability reaches the label's threshold, and the counts
/// are scaled to how often each label was given. Rows that reach no threshold are not counted.
///
/// `probabilities` holds `labels` numbers a row, from a judge that was not fitted to these labels, or held out. The
/// interval draws rows again, thresholds included.
///
/// # Errors
///
/// Lists of different length, a label not below `labels`, or a probability outside [0, 1].
pub fn confident_learning(
    given: &[Label],
    labels: usize,
    probabilities: &[f64],
    draws: usize,
    confidence: f64,
    seed: Seed,
) -> Result<Result<ConfidentLearning, Undefined>, StatsError> {
    if probabilities.len() != given.len() * labels {
        return Err(StatsError::Length {
            what: "probabilities",
            found: probabilities.len(),
            expected: given.len() * labels,
        });
    }
    if let Some(row) = given.iter().position(|label| usize::from(*label) >= labels) {
        return Err(StatsError::UnknownLabel {
            row,
            label: given[row],
            labels,
        });
    }
    if probabilities.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return Err(StatsError::Range {
            what: "a probability",
            expected: "0 to 1",
        });
    }
    if labels < 2 {
        return Ok(Err(Undefined::TooFewLabels));
    }
    let everything: Vec<u32> = vec![1; given.len()];
    let Some((joint, thresholds)) = joint_of(given, labels, probabilities, &everything) else {
        return Ok(Err(Undefined::NoItems));
    };
    let rate = off_diagonal(&joint);
    let values: Vec<f64> = (0..draws)
        .into_par_iter()
        .map_init(
            || vec![0_u32; given.len()],
            |counts, draw| {
                let mut stream = Stream::new(seed.derive(&format!("draw {draw}")));
                counts.fill(0);
                for _ in 0..given.len() {
                    counts[stream.below(given.len())] += 1;
                }
                let (joint, _) = joint_of(given, labels, probabilities, counts)?;
                Some(off_diagonal(&joint))
            },
        )
        .flatten_iter()
        .collect();
    let interval = percentile_interval(values, draws, confidence);
    let own = |row: &usize| {
        let place = row * labels + usize::from(given[*row]);
        probabilities[place]
    };
    let mut ranked: Vec<usize> = (0..given.len()).collect();
    ranked.sort_by(|a, b| own(a).total_cmp(&own(b)).then(a.cmp(b)));
    Ok(Ok(ConfidentLearning {
        rate: ErrorRate {
            rate,
            interval: interval.map(|interval| interval.widened_to(rate)),
            items: given.len() as u64,
        },
        joint,
        thresholds,
        ranked,
    }))
}

fn off_diagonal(joint: &[Vec<f64>]) -> f64 {
    let cells = joint.iter().enumerate().flat_map(|(given, row)| {
        row.iter()
            .enumerate()
            .filter(move |(truth, _)| *truth != given)
    });
    cells.map(|(_, share)| share).sum()
}

/// The calibrated joint of given and true labels, and each label's threshold.
type Joint = (Vec<Vec<f64>>, Vec<Option<f64>>);

/// The joint of rows counted `counts` times; `None` when nothing is counted.
fn joint_of(
    given: &[Label],
    labels: usize,
    probabilities: &[f64],
    counts: &[u32],
) -> Option<Joint> {
    let (mut sums, mut totals) = (vec![0.0; labels], vec![0_u64; labels]);
    let rows = || probabilities.chunks_exact(labels).zip(given).zip(counts);
    for ((row, label), count) in rows() {
        let label = usize::from(*label);
        sums[label] += f64::from(*count) * row[label];
        totals[label] += u64::from(*count);
    }
    let items: u64 = totals.iter().sum();
    if items == 0 {
        return None;
    }
    let thresholds: Vec<Option<f64>> = sums
        .iter()
        .zip(&totals)
        .map(|(sum, total)| (*total > 0).then(|| sum / *total as f64))
        .collect();
    let mut confident = vec![vec![0.0; labels]; labels];
    for ((row, label), count) in rows() {
        // Rounding of a mean must not keep out rows that are all equal to it.
        let reaching = row
            .iter()
            .zip(&thresholds)
            .enumerate()
            .filter(|(_, (p, t))| t.is_some_and(|threshold| **p >= threshold - 1e-12));
        if let Some((truth, _)) = reaching.max_by(|a, b| a.1.0.total_cmp(b.1.0)) {
            confident[usize::from(*label)][truth] += f64::from(*count);
        }
    }
    for (label, row) in confident.iter_mut().enumerate() {
        let counted: f64 = row.iter().sum();
        let share = totals[label] as f64 / items as f64;
        if counted > 0.0 {
            row.iter_mut().for_each(|cell| *cell *= share / counted);
        } else {
            // Nothing was confident: the label is taken at its word.
            row[label] = share;
        }
    }
    Some((confident, thresholds))
}

//! Dawid and Skene's model: every item has one true label, and every rater confuses labels in a way of their own.
//!
//! Fitted by expectation and maximisation over rating patterns, so the number of items does not matter, only that of
//! distinct patterns. The start is fixed (each pattern's label shares), so nothing depends on the order of items.

use rayon::prelude::*;
use serde::Serialize;

use crate::ratings::{Label, MISSING, RatingTable};
use crate::undefined::Undefined;

/// Nothing is impossible: the least probability of a label, and the least expected count of a confusion, before
/// normalising.
const LEAST: f64 = 1e-10;

/// Patterns that one task sums before sums are joined in a fixed order: results do not depend on threads.
const CHUNK: usize = 4096;

/// A rater whose answers tell less than this share of the truth's entropy tells nothing worth having.
pub const UNINFORMATIVE_BELOW: f64 = 0.02;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DawidSkeneOptions {
    /// At most so many rounds of expectation and maximisation.
    pub rounds: usize,
    /// Stop when a round raises the log-likelihood per rating by less than this. A negative number never stops early.
    pub tolerance: f64,
}

impl Default for DawidSkeneOptions {
    fn default() -> Self {
        Self {
            rounds: 1000,
            tolerance: 1e-13,
        }
    }
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DawidSkene {
    /// The share of items that have each label.
    pub shares: Vec<f64>,
    /// `confusion[rater][true label][given label]`: how likely the rater gives a label to an item that has another.
    pub confusion: Vec<Vec<Vec<f64>>>,
    /// For each rater, how much of the entropy of the true label an answer resolves, in [0, 1]; null when every item
    /// has the same true label.
    pub informativeness: Vec<Option<f64>>,
    /// Natural logarithm of the likelihood of all ratings.
    pub log_likelihood: f64,
    /// Rounds done.
    pub rounds: usize,
    /// Whether the likelihood had stopped rising.
    pub has_settled: bool,
    #[serde(skip)]
    labels: usize,
    /// Probabilities of the true label, pattern by pattern.
    #[serde(skip)]
    posteriors: Vec<f64>,
}

impl DawidSkene {
    /// The probability of each true label for the items of a pattern of the fitted table, summing to 1; `None` past
    /// the last pattern.
    #[must_use]
    pub fn posterior(&self, pattern: usize) -> Option<&[f64]> {
        self.posteriors
            .get(pattern * self.labels..(pattern + 1) * self.labels)
    }

    /// The likeliest label of a pattern, and its probability. `None` when two labels are equally likely to within
    /// 1e-9, or past the last pattern.
    #[must_use]
    pub fn likeliest(&self, pattern: usize) -> Option<(Label, f64)> {
        let posterior = self.posterior(pattern)?;
        let (label, best) = posterior
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))?;
        let rivals = posterior.iter().filter(|other| best - **other < 1e-9);
        (rivals.count() == 1).then_some((label as Label, *best))
    }

    /// Raters whose answers resolve less than [`UNINFORMATIVE_BELOW`] of the truth's entropy.
    #[must_use]
    pub fn uninformative_raters(&self) -> Vec<usize> {
        self.informativeness
            .iter()
            .enumerate()
            .filter(|(_, share)| share.is_some_and(|share| share < UNINFORMATIVE_BELOW))
            .map(|(rater, _)| rater)
            .collect()
    }
}

/// Fits the model (Dawid and Skene 1979, Applied Statistics 28: 20–28), items weighted by `weights`: those of the table,
/// or counts of a drawn sample, one a pattern.
///
/// Items that nobody rated enter nothing; their posterior is the label shares. Confusions of labels that a rater never
/// gave stay 0, as does the share of a label that nobody gave. A maximum found by these steps is a local one.
///
/// # Errors
///
/// No ratings at all, or fewer weights than patterns.
pub fn dawid_skene(
    table: &RatingTable,
    weights: &[u64],
    options: DawidSkeneOptions,
) -> Result<DawidSkene, Undefined> {
    let model = Model::new(table);
    let rated: u64 = model
        .rated
        .iter()
        .zip(weights)
        .filter(|(rated, _)| **rated)
        .map(|(_, weight)| *weight)
        .sum();
    if rated == 0 || weights.len() < model.rated.len() {
        return Err(Undefined::NoItems);
    }
    let ratings: u64 = table
        .patterns()
        .zip(weights)
        .map(|((pattern, _), weight)| {
            weight * pattern.iter().filter(|label| **label != MISSING).count() as u64
        })
        .sum();
    let mut posteriors = model.start();
    let mut parameters = model.maximise(&posteriors, weights, rated);
    let (mut log_likelihood, mut rounds, mut has_settled) = (f64::NEG_INFINITY, 0, false);
    while rounds < options.rounds && !has_settled {
        let reached = model.expect(&parameters, weights, &mut posteriors);
        parameters = model.maximise(&posteriors, weights, rated);
        rounds += 1;
        has_settled = (reached - log_likelihood) / (ratings as f64) < options.tolerance;
        log_likelihood = reached;
    }
    if rounds == 0 {
        let mut unused = posteriors.clone();
        log_likelihood = model.expect(&parameters, weights, &mut unused);
    }
    for (row, rated) in posteriors.chunks_exact_mut(model.labels).zip(&model.rated) {
        if !rated {
            row.copy_from_slice(&parameters.shares);
        }
    }
    Ok(DawidSkene {
        informativeness: (0..table.raters())
            .map(|rater| parameters.informativeness(&model, rater))
            .collect(),
        confusion: (0..table.raters())
            .map(|rater| {
                (0..model.labels)
                    .map(|truth| {
                        (0..model.labels)
                            .map(|given| parameters.confusion[model.place(rater, given, truth)])
                            .collect()
                    })
                    .collect()
            })
            .collect(),
        shares: parameters.shares,
        log_likelihood,
        rounds,
        has_settled,
        labels: model.labels,
        posteriors,
    })
}

struct Model<'a> {
    labels: usize,
    raters: usize,
    /// Whether a pattern holds a rating.
    rated: Vec<bool>,
    /// Whether a rater ever gave a label.
    used: Vec<bool>,
    patterns: Vec<&'a [Label]>,
}

struct Parameters {
    shares: Vec<f64>,
    /// By rater, given label, true label.
    confusion: Vec<f64>,
}

impl<'a> Model<'a> {
    fn new(table: &'a RatingTable) -> Self {
        let (labels, raters) = (table.labels(), table.raters());
        let patterns: Vec<&[Label]> = table.patterns().map(|(pattern, _)| pattern).collect();
        let mut used = vec![false; raters * labels];
        for pattern in &patterns {
            for (rater, label) in pattern.iter().enumerate() {
                if *label != MISSING {
                    used[rater * labels + usize::from(*label)] = true;
                }
            }
        }
        Self {
            labels,
            raters,
            rated: patterns
                .iter()
                .map(|pattern| pattern.iter().any(|label| *label != MISSING))
                .collect(),
            used,
            patterns,
        }
    }

    fn place(&self, rater: usize, given: usize, truth: usize) -> usize {
        (rater * self.labels + given) * self.labels + truth
    }

    /// Each pattern's label shares.
    fn start(&self) -> Vec<f64> {
        let mut posteriors = vec![0.0; self.patterns.len() * self.labels];
        for (pattern, row) in self
            .patterns
            .iter()
            .zip(posteriors.chunks_exact_mut(self.labels))
        {
            let mut ratings = 0.0;
            for label in pattern.iter().filter(|label| **label != MISSING) {
                row[usize::from(*label)] += 1.0;
                ratings += 1.0;
            }
            if ratings > 0.0 {
                row.iter_mut().for_each(|share| *share /= ratings);
            }
        }
        posteriors
    }

    fn maximise(&self, posteriors: &[f64], weights: &[u64], rated: u64) -> Parameters {
        let labels = self.labels;
        let partial: Vec<(Vec<f64>, Vec<f64>)> = self
            .patterns
            .par_chunks(CHUNK)
            .zip(posteriors.par_chunks(CHUNK * labels))
            .zip(weights.par_chunks(CHUNK))
            .map(|((patterns, posteriors), weights)| {
                let mut shares = vec![0.0; labels];
                let mut confusion = vec![0.0; self.raters * labels * labels];
                let rows = posteriors.chunks_exact(labels);
                for ((pattern, row), weight) in patterns.iter().zip(rows).zip(weights) {
                    let weight = *weight as f64;
                    let mut any = false;
                    for (rater, given) in pattern.iter().enumerate() {
                        if *given == MISSING {
                            continue;
                        }
                        any = true;
                        let start = self.place(rater, usize::from(*given), 0);
                        for (sum, share) in confusion[start..start + labels].iter_mut().zip(row) {
                            *sum += weight * share;
                        }
                    }
                    if any {
                        for (sum, share) in shares.iter_mut().zip(row) {
                            *sum += weight * share;
                        }
                    }
                }
                (shares, confusion)
            })
            .collect();
        let mut parameters = Parameters {
            shares: vec![0.0; labels],
            confusion: vec![0.0; self.raters * labels * labels],
        };
        for (shares, confusion) in partial {
            add(&mut parameters.shares, &shares);
            add(&mut parameters.confusion, &confusion);
        }
        for (label, share) in parameters.shares.iter_mut().enumerate() {
            // A label that nobody ever gave is the truth of nothing.
            let anyone = (0..self.raters).any(|rater| self.used[rater * labels + label]);
            *share = if anyone {
                (*share / rated as f64).max(LEAST)
            } else {
                0.0
            };
        }
        for rater in 0..self.raters {
            for truth in 0..labels {
                let mut sum = 0.0;
                for given in (0..labels).filter(|given| self.used[rater * labels + given]) {
                    let cell = &mut parameters.confusion[self.place(rater, given, truth)];
                    *cell = cell.max(LEAST);
                    sum += *cell;
                }
                for given in (0..labels).filter(|given| self.used[rater * labels + given]) {
                    parameters.confusion[self.place(rater, given, truth)] /= sum;
                }
            }
        }
        parameters
    }

    /// Writes the posteriors and returns the log-likelihood.
    fn expect(&self, parameters: &Parameters, weights: &[u64], posteriors: &mut [f64]) -> f64 {
        let labels = self.labels;
        let log_shares: Vec<f64> = parameters.shares.iter().map(|share| share.ln()).collect();
        // Confusions of unused labels are 0 and never read.
        let log_confusion: Vec<f64> = parameters.confusion.iter().map(|cell| cell.ln()).collect();
        let sums: Vec<f64> = self
            .patterns
            .par_chunks(CHUNK)
            .zip(posteriors.par_chunks_mut(CHUNK * labels))
            .zip(weights.par_chunks(CHUNK))
            .map(|((patterns, posteriors), weights)| {
                let mut sum = 0.0;
                let rows = posteriors.chunks_exact_mut(labels);
                for ((pattern, row), weight) in patterns.iter().zip(rows).zip(weights) {
                    row.copy_from_slice(&log_shares);
                    let mut any = false;
                    for (rater, given) in pattern.iter().enumerate() {
                        if *given != MISSING {
                            any = true;
                            let start = self.place(rater, usize::from(*given), 0);
                            add(row, &log_confusion[start..start + labels]);
                        }
                    }
                    let likelihood = normalise(row);
                    if any {
                        sum += *weight as f64 * likelihood;
                    }
                }
                sum
            })
            .collect();
        sums.iter().sum()
    }
}

impl Parameters {
    /// Mutual information of a rater's answer and the true label over the entropy of the true label.
    fn informativeness(&self, model: &Model<'_>, rater: usize) -> Option<f64> {
        let total: f64 = self.shares.iter().sum();
        let shares: Vec<f64> = self.shares.iter().map(|share| share / total).collect();
        let entropy: f64 = shares
            .iter()
            .filter(|share| **share > 0.0)
            .map(|share| -share * share.ln())
            .sum();
        if entropy < 1e-6 {
            return None;
        }
        let mut information = 0.0;
        for given in 0..model.labels {
            let joint =
                |truth: usize| shares[truth] * self.confusion[model.place(rater, given, truth)];
            let marginal: f64 = (0..model.labels).map(joint).sum();
            for (truth, share) in shares.iter().enumerate() {
                let cell = joint(truth);
                if cell > 0.0 {
                    information += cell * (cell / (marginal * share)).ln();
                }
            }
        }
        Some((information / entropy).clamp(0.0, 1.0))
    }
}

fn add(sums: &mut [f64], values: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Turns logarithms into shares that sum to 1 and returns the logarithm of what they summed to.
fn normalise(row: &mut [f64]) -> f64 {
    let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = (*value - highest).exp();
        sum += *value;
    }
    row.iter_mut().for_each(|value| *value /= sum);
    highest + sum.ln()
}

/// Raters who rated anything.
pub(crate) fn sources(table: &RatingTable) -> usize {
    let mut seen = vec![false; table.raters()];
    for (pattern, _) in table.patterns() {
        for (seen, label) in seen.iter_mut().zip(pattern) {
            *seen |= *label != MISSING;
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

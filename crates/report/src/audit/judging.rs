//! Judges in figures: what they knew, how steady they are, what they make of the labels, and how far their
//! probabilities can be believed where people labelled the same rows.
//!
//! Models are never seen here: what judges said comes as labels and probabilities. A figure that nobody can know is null
//! with its reason.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dataset::import::Imported;
use evalwright_stats::label_error::{ErrorRate, confident_learning};
use evalwright_stats::ratings::Label;
use evalwright_stats::{
    Interval, ReliabilityBin, bootstrap_interval, brier_score, expected_calibration_error,
    reliability, wilson,
};
use serde::Serialize;

use super::agreement::{Published, Source, SourceKind};
use super::{AuditOptions, family};
use crate::agreement::CONFIDENCE;

/// Bins of a reliability curve, of equal width over [0, 1].
const BINS: usize = 10;
/// The name of the confidence that stands in the files, where a judge's name could stand.
const STATED: &str = "label confidence in the files";

/// What was asked of judges, and what became of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JudgingInput {
    /// Rows that judges were asked about.
    pub rows: u64,
    /// Rows that nothing could be asked about, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Rows that a sample of this size was wanted of; none where all were asked about.
    pub sample: Option<u64>,
    /// Of the sample, rows that came first because people labelled them.
    pub labelled_first: u64,
    /// The models that wrote the rows, where that is known.
    pub writers: Vec<String>,
    /// For rows whose answers are free texts: the place of the published answer, as a label.
    pub classes: BTreeMap<usize, String>,
    /// One for each source that is a judge, in their order.
    pub judges: Vec<JudgeInput>,
}

/// One judge's answers in counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JudgeInput {
    /// Its name, which is the source's.
    pub name: String,
    /// Rows by the method with which the label was read.
    pub methods: BTreeMap<String, u64>,
    /// Rows whose probabilities are only bounded.
    pub bounded: u64,
    /// Rows of which it says nothing, by reason.
    pub unknown: BTreeMap<String, u64>,
    /// Rows asked about in both orders of the answers with a likeliest answer in each.
    pub orders: u64,
    /// Of these, rows with the same likeliest answer.
    pub steady: u64,
    /// Rows by their likeliest relevance, 1 to 5; empty where it was not asked.
    pub relevance: BTreeMap<u8, u64>,
    /// Rows whose relevance was asked and is not known.
    pub relevance_unknown: u64,
    /// Rows of which it was asked whether they are unclear, and not known.
    pub unclear_unknown: u64,
}

/// Judges in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judging {
    /// Rows that judges were asked about.
    pub rows: u64,
    /// Rows that nothing could be asked about, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Rows that a sample of this size was wanted of; null where all were asked about.
    pub sample: Option<u64>,
    /// Of the sample, rows that came first because people labelled them.
    pub labelled_first: u64,
    /// The models that wrote the rows, where that is known.
    pub writers: Vec<String>,
    /// One for each judge.
    pub judges: Vec<JudgeFigures>,
}

/// One judge in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgeFigures {
    /// Its name.
    pub judge: String,
    /// Rows by the method with which the label was read.
    pub methods: BTreeMap<String, u64>,
    /// Rows whose probabilities are known.
    pub known: u64,
    /// Rows whose probabilities are only bounded.
    pub bounded: u64,
    /// Rows of which it says nothing, by reason.
    pub unknown: BTreeMap<String, u64>,
    /// Rows with the same likeliest answer in both orders of the answers; null where that was not asked.
    pub steady: Option<Share>,
    /// Relevance from 1 to 5; null where it was not asked.
    pub relevance: Option<Relevance>,
    /// Rows that it finds unclear; null where it was not asked.
    pub unclear: Option<Share>,
    /// Rows of which it was asked whether they are unclear, and not known.
    pub unclear_unknown: u64,
    /// Estimated share of wrong published labels, by its probabilities alone; null with a reason below.
    pub label_errors: Option<ErrorRate>,
    /// Why it is null.
    pub label_errors_undefined: Option<String>,
    /// The writer of whose family it is; null where there is none.
    pub family_of_writer: Option<String>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share; null of none.
    pub share: Option<f64>,
    /// Wilson's 95 % interval.
    pub interval: Option<Interval>,
}

impl Share {
    pub(super) fn new(count: u64, of: u64) -> Self {
        Self {
            count,
            of,
            share: (of > 0).then(|| count as f64 / of as f64),
            interval: wilson(count, of, CONFIDENCE),
        }
    }
}

/// Relevance in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relevance {
    /// Rows by their likeliest relevance.
    pub rows: BTreeMap<u8, u64>,
    /// The mean of the expected relevance; null of none.
    pub mean: Option<f64>,
    /// The 95 % interval of the mean, rows drawn again.
    pub interval: Option<Interval>,
    /// Rows whose relevance is not known.
    pub unknown: u64,
}

/// How far stated probabilities of the published label can be believed, by what most people say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// Whose probabilities: a judge's, or those in the files.
    pub of: String,
    /// Rows with a probability on which more people agree than on any other label.
    pub rows: u64,
    /// Expected calibration error in ten bins; null of no rows.
    pub error: Option<f64>,
    /// Its 95 % interval, rows drawn again.
    pub error_interval: Option<Interval>,
    /// Brier score; null of no rows.
    pub brier: Option<f64>,
    /// Its 95 % interval, rows drawn again.
    pub brier_interval: Option<Interval>,
    /// The curve.
    pub bins: Vec<ReliabilityBin>,
}

/// The figures of all judges.
pub(super) fn judging(
    input: &JudgingInput,
    sources: &[Source],
    published: &Published<'_>,
    options: &AuditOptions,
) -> Judging {
    let judges = input
        .judges
        .iter()
        .map(|judge| {
            let source = sources
                .iter()
                .find(|one| one.kind == SourceKind::Judge && one.name == judge.name);
            figures(judge, source, input, published, options)
        })
        .collect();
    Judging {
        rows: input.rows,
        left_out: input.left_out.clone(),
        sample: input.sample,
        labelled_first: input.labelled_first,
        writers: input.writers.clone(),
        judges,
    }
}

fn figures(
    judge: &JudgeInput,
    source: Option<&Source>,
    input: &JudgingInput,
    published: &Published<'_>,
    options: &AuditOptions,
) -> JudgeFigures {
    let seed = options.seed.derive(&format!("judge {}", judge.name));
    let expected: Vec<f64> = source
        .into_iter()
        .flat_map(|source| source.relevance.values().copied())
        .collect();
    let was_asked = !judge.relevance.is_empty() || judge.relevance_unknown > 0;
    let doubts: Vec<bool> = source
        .into_iter()
        .flat_map(|source| source.ambiguous.values().copied())
        .collect();
    let (label_errors, label_errors_undefined) = match source {
        Some(source) => errors(source, published, options),
        None => (None, Some("it said nothing".to_owned())),
    };
    JudgeFigures {
        judge: judge.name.clone(),
        methods: judge.methods.clone(),
        known: source.map_or(0, |source| source.chances.len() as u64),
        bounded: judge.bounded,
        unknown: judge.unknown.clone(),
        steady: (judge.orders > 0).then(|| Share::new(judge.steady, judge.orders)),
        relevance: was_asked.then(|| Relevance {
            rows: judge.relevance.clone(),
            mean: mean(&expected),
            interval: bootstrap_interval(
                expected.len(),
                options.draws,
                CONFIDENCE,
                seed.derive("relevance"),
                |items| {
                    let drawn: Vec<f64> = items
                        .iter()
                        .filter_map(|at| expected.get(*at))
                        .copied()
                        .collect();
                    mean(&drawn)
                },
            ),
            unknown: judge.relevance_unknown,
        }),
        unclear: (!doubts.is_empty() || judge.unclear_unknown > 0).then(|| {
            let unclear = doubts.iter().filter(|doubt| **doubt).count();
            Share::new(unclear as u64, doubts.len() as u64)
        }),
        unclear_unknown: judge.unclear_unknown,
        label_errors,
        label_errors_undefined,
        family_of_writer: input
            .writers
            .iter()
            .find(|writer| family::are_of_one(writer, &judge.name))
            .cloned(),
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The share of wrong labels by one judge's probabilities (confident learning), over rows with a label whose
/// probabilities are known.
fn errors(
    source: &Source,
    published: &Published<'_>,
    options: &AuditOptions,
) -> (Option<ErrorRate>, Option<String>) {
    let rows: Vec<(String, &BTreeMap<String, f64>)> = source
        .chances
        .iter()
        .filter_map(|(row, chances)| Some((published.label(*row)?, chances)))
        .collect();
    let labels: BTreeSet<&str> = rows
        .iter()
        .flat_map(|(given, chances)| {
            std::iter::once(given.as_str()).chain(chances.keys().map(String::as_str))
        })
        .collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let mut given: Vec<Label> = Vec::new();
    let mut probabilities = Vec::new();
    for (label, chances) in &rows {
        let place = labels.iter().position(|known| known == label);
        let Some(place) = place.and_then(|place| Label::try_from(place).ok()) else {
            continue;
        };
        given.push(place);
        let of = |label: &&str| chances.get(*label).copied().unwrap_or(0.0).clamp(0.0, 1.0);
        probabilities.extend(labels.iter().map(of));
    }
    let seed = options
        .seed
        .derive(&format!("label errors by {}", source.name));
    let draws = options.draws.min(300);
    match confident_learning(
        &given,
        labels.len(),
        &probabilities,
        draws,
        CONFIDENCE,
        seed,
    ) {
        Ok(Ok(found)) => (Some(found.rate), None),
        Ok(Err(reason)) => (None, Some(reason.sentence().to_owned())),
        Err(error) => (None, Some(error.to_string())),
    }
}

/// Reliability of every judge's probabilities, and of the confidence in the files, against people. Empty without
/// people.
pub(super) fn trust(
    imported: &Imported,
    sources: &[Source],
    published: &Published<'_>,
    options: &AuditOptions,
) -> Vec<Reliability> {
    let people: Vec<&Source> = sources
        .iter()
        .filter(|one| one.kind == SourceKind::Person)
        .collect();
    let rows: BTreeSet<usize> = people
        .iter()
        .flat_map(|one| one.labels.keys().copied())
        .collect();
    // For each row whether most people give the published label.
    let right: BTreeMap<usize, bool> = rows
        .into_iter()
        .filter_map(|row| {
            let label = published.label(row)?;
            Some((row, majority(&people, row)? == label))
        })
        .collect();
    if right.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let stated = right
        .iter()
        .filter_map(|(row, right)| Some((imported.rows.get(*row)?.confidence?, *right)));
    found.extend(curve(STATED, stated.collect(), options));
    for judge in sources.iter().filter(|one| one.kind == SourceKind::Judge) {
        let points = right.iter().filter_map(|(row, right)| {
            let label = published.label(*row)?;
            let chances = judge.chances.get(row)?;
            Some((chances.get(&label).copied().unwrap_or(0.0), *right))
        });
        found.extend(curve(&judge.name, points.collect(), options));
    }
    found
}

/// The label that more people give than any other.
fn majority(people: &[&Source], row: usize) -> Option<String> {
    let mut votes: BTreeMap<&str, u64> = BTreeMap::new();
    for label in people.iter().filter_map(|one| one.labels.get(&row)) {
        *votes.entry(label).or_default() += 1;
    }
    let (label, most) = votes.iter().max_by_key(|(_, count)| **count)?;
    let is_alone = votes.iter().filter(|(_, count)| *count == most).count() == 1;
    is_alone.then(|| (*label).to_owned())
}

fn curve(of: &str, points: Vec<(f64, bool)>, options: &AuditOptions) -> Option<Reliability> {
    if points.is_empty() {
        return None;
    }
    let seed = options.seed.derive(&format!("reliability of {of}"));
    let interval = |purpose: &str, figure: fn(&[(f64, bool)]) -> Option<f64>| {
        let seed = seed.derive(purpose);
        let found = bootstrap_interval(points.len(), options.draws, CONFIDENCE, seed, |items| {
            let drawn: Vec<(f64, bool)> = items
                .iter()
                .filter_map(|at| points.get(*at))
                .copied()
                .collect();
            figure(&drawn)
        })?;
        let value = figure(&points)?;
        Some(Interval {
            low: found.low.min(value),
            high: found.high.max(value),
        })
    };
    let error = |points: &[(f64, bool)]| expected_calibration_error(points, BINS);
    Some(Reliability {
        of: of.to_owned(),
        rows: points.len() as u64,
        error: error(&points),
        error_interval: interval("error", error),
        brier: brier_score(&points),
        brier_interval: interval("brier", brier_score),
        bins: reliability(&points, BINS),
    })
}

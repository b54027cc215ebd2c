//! One file: its rows in figures.

use std::collections::BTreeMap;

use evalwright_dataset::import::{FileSummary, ImportedRow};
use evalwright_stats::Summary;
use evalwright_stats::diversity::{distinct_ngrams, ngram_vectors};
use serde::Serialize;

use super::across::FewShots;
use super::duplicates::{DroppedRow, Duplicates};
use super::giveaways::FileGuesses;
use super::order::Order;
use super::{AuditOptions, FileRows, defects, duplicates, giveaways, order};

/// A file in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileAudit {
    /// The file as the user named it, or as it was found.
    pub file: String,
    /// Its family.
    pub family: String,
    /// Its behaviour.
    pub behaviour: String,
    /// The format it was read as.
    pub format: Option<String>,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that could not be read.
    pub damaged: u64,
    /// Why the file could not be read to its end.
    pub problem: Option<String>,
    /// Rows by label.
    pub labels: BTreeMap<String, u64>,
    /// Rows by number of options, where questions have options.
    pub options: BTreeMap<usize, u64>,
    /// Order of the rows.
    pub order: Order,
    /// Confidence over all rows; null where no row has any.
    pub confidence: Option<Summary>,
    /// Confidence by label.
    pub confidence_by_label: Vec<LabelConfidence>,
    /// Words in a text; null without rows.
    pub words: Option<Summary>,
    /// Rows by defect.
    pub defects: BTreeMap<String, u64>,
    /// Duplicates within the file.
    pub duplicates: Duplicates,
    /// What gives its labels away.
    pub giveaways: FileGuesses,
    /// Distinct word pairs over all word pairs.
    pub distinct_pairs: Option<f64>,
    /// Mean cosine of two texts as word counts.
    pub self_similarity: Option<f64>,
}

/// Confidence of one label's rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelConfidence {
    /// The label.
    pub label: String,
    /// In seven figures.
    pub confidence: Summary,
    /// Counts in 20 bins of equal width over [0, 1].
    pub bins: Vec<u64>,
}

/// Bins of the confidence histogram.
pub(super) const BINS: usize = 20;

/// An example of a defect in a file.
pub(super) struct Example {
    pub(super) row: usize,
    pub(super) excerpt: String,
    pub(super) reason: String,
}

/// A file's figures with the rows behind them.
pub(super) struct Found {
    pub(super) audit: FileAudit,
    /// (position among all rows, code of the defect).
    pub(super) findings: Vec<(usize, &'static str)>,
    /// The first row of each defect.
    pub(super) examples: BTreeMap<&'static str, Example>,
    pub(super) dropped: Vec<DroppedRow>,
}

/// Looks at one file.
pub(super) fn look(
    of_file: &FileRows<'_>,
    summary: &FileSummary,
    few_shots: &FewShots,
    options: &AuditOptions,
) -> Found {
    let rows = &of_file.rows;
    let first = rows.first().map(|(_, row)| *row);
    let family = first.map_or_else(String::new, |row| row.family.to_string());
    let behaviour = first.map_or_else(String::new, |row| row.behaviour.to_string());
    let lints = defects::lints();
    let examples_of = few_shots.of(&family, &behaviour);
    let mut findings = Vec::new();
    let mut examples: BTreeMap<&'static str, Example> = BTreeMap::new();
    for (position, row) in rows {
        for found in defects::find(row, &lints, examples_of) {
            findings.push((*position, found.code));
            examples.entry(found.code).or_insert(Example {
                row: *position,
                excerpt: found.excerpt,
                reason: found.reason,
            });
        }
    }
    let mut defects: BTreeMap<String, u64> = BTreeMap::new();
    for (_, code) in &findings {
        *defects.entry((*code).to_owned()).or_default() += 1;
    }
    let (duplicates, dropped) = duplicates::find(rows, options.near);
    let texts: Vec<&str> = rows.iter().map(|(_, row)| row.text()).collect();
    let lengths: Vec<f64> = texts
        .iter()
        .map(|text| text.split_whitespace().count() as f64)
        .collect();
    let confidences: Vec<f64> = rows.iter().filter_map(|(_, row)| row.confidence).collect();
    let audit = FileAudit {
        file: summary.name.to_string(),
        family,
        format: summary.format.map(str::to_owned),
        sha256: summary.sha256.to_string(),
        rows: summary.rows,
        damaged: summary.damaged,
        problem: summary.problem.clone(),
        labels: count(
            rows.iter()
                .filter_map(|(_, row)| row.label().map(str::to_owned)),
        ),
        options: count(
            rows.iter()
                .filter(|(_, row)| !row.options.is_empty())
                .map(|(_, row)| row.options.len()),
        ),
        order: order::order(rows),
        confidence: evalwright_stats::summarise(&confidences),
        confidence_by_label: by_label(rows),
        words: evalwright_stats::summarise(&lengths),
        defects,
        duplicates,
        giveaways: giveaways::of_file(rows, &behaviour, options),
        distinct_pairs: distinct_ngrams(&texts, 2),
        self_similarity: ngram_vectors(&texts, 1).self_similarity(),
        behaviour,
    };
    Found {
        audit,
        findings,
        examples,
        dropped,
    }
}

fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

fn by_label(rows: &[(usize, &ImportedRow)]) -> Vec<LabelConfidence> {
    let mut lists: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (_, row) in rows {
        if let (Some(label), Some(confidence)) = (row.label(), row.confidence) {
            lists.entry(label).or_default().push(confidence);
        }
    }
    lists
        .into_iter()
        .filter_map(|(label, list)| {
            Some(LabelConfidence {
                label: label.to_owned(),
                confidence: evalwright_stats::summarise(&list)?,
                bins: evalwright_stats::histogram(&list, 0.0, 1.0, BINS),
            })
        })
        .collect()
}

//! Rows that repeat earlier rows of their file.
//!
//! Exact and normalised repeats are counted over the whole question (or statement), near ones over word 3-grams of it
//! with signs left out. A row counts once, under the strictest layer; labels do not matter for the count, and the same
//! text under two labels is counted as a conflict besides. For questions with options the stems are compared as well.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dataset::import::{Imported, ImportedRow};
use evalwright_dedup::{Form, Item, Layer, Layers, Near, Shingle, find_duplicates, fold};
use serde::Serialize;

use super::file::Found;

/// A file's duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Rows with the same bytes as an earlier one.
    pub exact: u64,
    /// Further rows that are the same but for case, blanks and signs.
    pub normalised: u64,
    /// Further rows in a cluster of similar texts.
    pub near: u64,
    /// For questions with options: rows whose stem, case and blanks aside, stands in an earlier row.
    pub stems: u64,
    /// Rows whose text stands in the file with another label, too.
    pub conflicts: u64,
}

impl Duplicates {
    /// As plain integers by layer.
    #[must_use]
    pub fn by_layer(&self) -> BTreeMap<String, u64> {
        BTreeMap::from([
            ("exact".to_owned(), self.exact),
            ("normalised".to_owned(), self.normalised),
            ("near".to_owned(), self.near),
            ("stems".to_owned(), self.stems),
        ])
    }

    /// All rows that repeat another, stems aside.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.exact + self.normalised + self.near
    }
}

/// A row that repeats another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DroppedRow {
    /// Its position among all rows.
    pub(super) row: usize,
    /// The position of the row that it repeats.
    pub(super) of: usize,
    pub(super) layer: Layer,
    pub(super) similarity: f64,
}

/// An example for the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DuplicateExample {
    /// The layer.
    pub layer: String,
    /// Where the row stands.
    pub place: String,
    /// What it says.
    pub text: String,
    /// Where the row stands that it repeats.
    pub of_place: String,
    /// What that one says.
    pub of_text: String,
    /// Jaccard similarity; 1 for exact and normalised.
    pub similarity: f64,
}

/// What is compared: the statement, or the whole question.
pub(super) fn compared(row: &ImportedRow) -> &str {
    row.statement.as_deref().unwrap_or(&row.question)
}

/// Finds the duplicates of one file.
pub(super) fn find(rows: &[(usize, &ImportedRow)], near: f64) -> (Duplicates, Vec<DroppedRow>) {
    let ids: Vec<String> = (0..rows.len()).map(|place| format!("{place:09}")).collect();
    let items: Vec<Item<'_>> = rows
        .iter()
        .zip(&ids)
        .map(|((_, row), id)| Item {
            id,
            text: compared(row),
            label: 0,
            priority: 0.0,
        })
        .collect();
    let layers = Layers {
        exact: true,
        normalised: true,
        near: Some(Near {
            threshold: near,
            shingle: Shingle::Words(3),
        }),
        form: Form::Words,
    };
    let mut counts = Duplicates::default();
    let mut dropped = Vec::new();
    // Only a threshold outside (0, 1] can fail here, and the command line refuses that.
    if let Ok(outcome) = find_duplicates(&items, &layers) {
        for one in outcome.dropped {
            if let (Some((row, _)), Some((of, _))) = (rows.get(one.index), rows.get(one.of)) {
                dropped.push(DroppedRow {
                    row: *row,
                    of: *of,
                    layer: one.layer,
                    similarity: one.similarity,
                });
            }
        }
    }
    // By what repeats, not by what survives: the row that a cluster keeps may be a near one.
    let texts: BTreeSet<&str> = rows.iter().map(|(_, row)| compared(row)).collect();
    let forms: BTreeSet<String> = texts.iter().map(|text| Form::Words.of(text)).collect();
    counts.exact = (rows.len() - texts.len()) as u64;
    counts.normalised = (texts.len() - forms.len()) as u64;
    counts.near = (dropped.len() as u64).saturating_sub(counts.exact + counts.normalised);
    let mut stems = BTreeSet::new();
    for (_, row) in rows {
        if let Some(stem) = row.stem.as_deref().filter(|_| !row.options.is_empty())
            && !stems.insert(fold(stem))
        {
            counts.stems += 1;
        }
    }
    let mut labels: BTreeMap<String, (BTreeSet<&str>, u64)> = BTreeMap::new();
    for (_, row) in rows {
        if let Some(label) = row.label() {
            let (seen, count) = labels.entry(fold(compared(row))).or_default();
            seen.insert(label);
            *count += 1;
        }
    }
    counts.conflicts = labels
        .values()
        .filter(|(seen, _)| seen.len() > 1)
        .map(|(_, count)| count)
        .sum();
    (counts, dropped)
}

/// A few of each layer, spread over the files: the first of each file, then the second, and so on.
pub(super) fn examples(found: &[Found], imported: &Imported, most: usize) -> Vec<DuplicateExample> {
    let mut examples = Vec::new();
    for layer in [Layer::Exact, Layer::Normalised, Layer::Near] {
        let lists: Vec<Vec<&DroppedRow>> = found
            .iter()
            .map(|one| {
                one.dropped
                    .iter()
                    .filter(|row| row.layer == layer)
                    .collect()
            })
            .collect();
        let rounds = lists.iter().map(Vec::len).max().unwrap_or(0);
        let spread =
            (0..rounds).flat_map(|round| lists.iter().filter_map(move |list| list.get(round)));
        for dropped in spread.take(most) {
            if let (Some(row), Some(of)) = (
                imported.rows.get(dropped.row),
                imported.rows.get(dropped.of),
            ) {
                examples.push(DuplicateExample {
                    layer: layer.to_string(),
                    place: row.place(),
                    text: compared(row).to_owned(),
                    of_place: of.place(),
                    of_text: compared(of).to_owned(),
                    similarity: dropped.similarity,
                });
            }
        }
    }
    examples
}

//! Families and files side by side: the same figures of each, with intervals, so that datasets can be compared at a
//! glance.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dataset::import::ImportedRow;
use evalwright_stats::{Interval, normal_quantile, wilson};
use serde::Serialize;

use super::FileRows;
use super::file::Found;
use super::giveaways::FileGuesses;
use crate::agreement::CONFIDENCE;
use crate::giveaways::GuesserFigures;

/// One family or file in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// The family, or the file.
    pub name: String,
    /// `family` or `file`.
    pub of: String,
    /// Its rows.
    pub rows: u64,
    /// The figures, in the same order in every column.
    pub figures: Vec<ColumnFigure>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnFigure {
    /// What it is.
    pub name: String,
    /// Its value; null where it is undefined.
    pub value: Option<f64>,
    /// Its 95 % interval, or the range over the files of a family; null where there is none.
    pub interval: Option<Interval>,
    /// Whether it is a share; else it is a plain number.
    pub is_share: bool,
}

/// Counts and sums of some rows, which add up over files.
#[derive(Debug, Clone, Default)]
struct Sums {
    rows: u64,
    labels: BTreeMap<String, u64>,
    words: Moments,
    confidence: Moments,
    repeats: u64,
    conflicts: u64,
    found: u64,
    damaged: u64,
}

/// A mean with what its interval needs.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// The mean with its normal interval; no interval of fewer than two numbers.
    fn figure(&self, name: &str) -> ColumnFigure {
        let mean = (self.count > 0.0).then(|| self.sum / self.count);
        let interval = mean.filter(|_| self.count > 1.0).and_then(|mean| {
            let variance = (self.squares / self.count - mean * mean).max(0.0);
            let error = (variance / (self.count - 1.0)).sqrt();
            let half = normal_quantile(0.5 + CONFIDENCE / 2.0)? * error;
            Some(Interval {
                low: mean - half,
                high: mean + half,
            })
        });
        ColumnFigure {
            name: name.to_owned(),
            value: mean,
            interval,
            is_share: false,
        }
    }
}

impl Sums {
    fn of(rows: &[(usize, &ImportedRow)], found: &Found) -> Self {
        let mut sums = Self {
            rows: rows.len() as u64,
            repeats: found.audit.duplicates.all(),
            conflicts: found.audit.duplicates.conflicts,
            damaged: found.audit.damaged,
            labels: found.audit.labels.clone(),
            ..Self::default()
        };
        for (_, row) in rows {
            sums.words.add(row.text().split_whitespace().count() as f64);
            if let Some(confidence) = row.confidence {
                sums.confidence.add(confidence);
            }
        }
        let flawed: BTreeSet<usize> = found.findings.iter().map(|(row, _)| *row).collect();
        sums.found = flawed.len() as u64;
        sums
    }

    fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        for (label, count) in &other.labels {
            *self.labels.entry(label.clone()).or_default() += count;
        }
        self.words.join(&other.words);
        self.confidence.join(&other.confidence);
        self.repeats += other.repeats;
        self.conflicts += other.conflicts;
        self.found += other.found;
        self.damaged += other.damaged;
    }

    fn column(&self, name: &str, of: &str, guesses: Option<&FileGuesses>) -> Column {
        let share = |name: &str, count: u64, of: u64| ColumnFigure {
            name: name.to_owned(),
            value: (of > 0).then(|| count as f64 / of as f64),
            interval: wilson(count.min(of), of, CONFIDENCE),
            is_share: true,
        };
        let labelled: u64 = self.labels.values().sum();
        let most = self.labels.values().copied().max().unwrap_or(0);
        let mut figures = vec![
            share(
                "lines that could not be read",
                self.damaged,
                self.rows + self.damaged,
            ),
            share("rows with the most frequent label", most, labelled),
            share("rows that repeat an earlier one", self.repeats, self.rows),
            share(
                "rows whose text has another label too",
                self.conflicts,
                self.rows,
            ),
            share("rows with a finding of a lint", self.found, self.rows),
            self.confidence.figure("mean confidence in the label"),
            self.words.figure("mean words of a text"),
        ];
        for (guesser, name) in [
            ("length", "label by length: area under the curve"),
            ("letter", "label by letter: area under the curve"),
            ("first_word", "label by first word: area under the curve"),
            ("words", "label by words: area under the curve"),
        ] {
            let found = guesses.into_iter().flat_map(|guesses| &guesses.guessers);
            let found = found
                .into_iter()
                .find(|one: &&GuesserFigures| code(one) == guesser);
            figures.push(ColumnFigure {
                name: name.to_owned(),
                value: found.and_then(|one| one.area),
                interval: found.and_then(|one| one.area_interval.or(one.area_range)),
                is_share: false,
            });
        }
        Column {
            name: name.to_owned(),
            of: of.to_owned(),
            rows: self.rows,
            figures,
        }
    }
}

/// A guesser's word in the document.
fn code(figures: &GuesserFigures) -> &'static str {
    use evalwright_stats::giveaway::Guesser;
    match figures.guesser {
        Guesser::Length => "length",
        Guesser::Letter => "letter",
        Guesser::FirstWord => "first_word",
        Guesser::Words => "words",
    }
}

/// A column for each family, then one for each file.
pub(super) fn columns(
    by_file: &[FileRows<'_>],
    found: &[Found],
    families: &[FileGuesses],
) -> Vec<Column> {
    let mut of_families: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut of_files = Vec::new();
    for (rows, found) in by_file.iter().zip(found) {
        let sums = Sums::of(&rows.rows, found);
        of_families
            .entry(&found.audit.family)
            .or_default()
            .join(&sums);
        of_files.push(sums.column(&found.audit.file, "file", Some(&found.audit.giveaways)));
    }
    let mut columns: Vec<Column> = of_families
        .iter()
        .map(|(family, sums)| {
            let guesses = families.iter().find(|one| one.of == *family);
            sums.column(family, "family", guesses)
        })
        .collect();
    columns.append(&mut of_files);
    columns
}

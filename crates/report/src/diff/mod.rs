//! What changed between two sets of rows: two versions, or any two files.
//!
//! Every row of either side is in exactly one place: unchanged, rescored, flipped, reworded, added or dropped.
//! Figures are compared with an interval on their difference, and a verdict is only ever what the interval allows.

mod changelog;
mod matching;
mod page;
mod settings;
mod shift;
mod terminal;
mod topics;

use std::collections::BTreeMap;

use evalwright_core::Seed;
use evalwright_dataset::Manifest;
use evalwright_stats::{Interval, wilson};
use serde::Serialize;

use crate::agreement::CONFIDENCE;
use crate::anchors::AnchorReport;
pub use matching::REWORDED_FROM;
pub use settings::Setting;
pub use shift::{Shift, Verdict};
pub use topics::TopicShift;

/// The format of the JSON document.
pub const DIFF_SCHEMA: &str = "evalwright.diff/1";

/// A row as far as a comparison looks at it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiffRow {
    /// Its id, or its file and line.
    pub id: String,
    /// The text that is compared.
    pub text: String,
    /// Its label: the answer that matches the behaviour, or whatever stands for it.
    pub label: String,
    /// P(the label is right), where the file says so.
    pub confidence: Option<f64>,
}

/// One of the two sides.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// How it is named: its folder or file.
    pub name: &'a str,
    /// Its rows in order.
    pub rows: &'a [DiffRow],
    /// Its manifest, where it is a version.
    pub manifest: Option<&'a Manifest>,
}

/// A row of both sides that is not the same in both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// As it was.
    pub before: DiffRow,
    /// As it is.
    pub after: DiffRow,
    /// Jaccard similarity of the two sets of words; 1 for the same text.
    pub similarity: f64,
}

/// A count with its share of the rows before, and Wilson's 95 % interval of that share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Counted {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share; null of none.
    pub share: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
}

impl Counted {
    fn new(count: usize, of: usize) -> Self {
        let (count, of) = (count as u64, of as u64);
        Self {
            count,
            of,
            share: (of > 0).then(|| count as f64 / of as f64),
            interval: wilson(count.min(of), of, CONFIDENCE),
        }
    }
}

/// How many rows went which way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counts {
    /// Rows before.
    pub before: u64,
    /// Rows after.
    pub after: u64,
    /// Same text, label and confidence.
    pub unchanged: u64,
    /// Same text and label, another confidence.
    pub rescored: Counted,
    /// Same text, another label; of the rows of both sides.
    pub flipped: Counted,
    /// Similar text; of the rows before.
    pub reworded: Counted,
    /// Reworded rows that have another label as well.
    pub reworded_and_flipped: u64,
    /// Of the rows before, those that are gone.
    pub dropped: Counted,
    /// Of the rows after, those that are new.
    pub added: Counted,
    /// Whether the rows that both have stand in the same order.
    pub same_order: bool,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// [`DIFF_SCHEMA`].
    pub schema: String,
    /// The name of the first side.
    pub before: String,
    /// The name of the second side.
    pub after: String,
    /// Same rows in the same order, same settings.
    pub is_empty: bool,
    /// What the figures say, in sentences.
    pub verdict: Vec<String>,
    /// The same rows under the judges of before and of now, where the second side was made from the first with another
    /// judge; null otherwise.
    pub anchors: Option<AnchorReport>,
    /// Rows by what became of them.
    pub counts: Counts,
    /// Figures of both sides with the interval of the difference.
    pub shifts: Vec<Shift>,
    /// Words whose share of rows changed beyond chance, the surest first.
    pub topics: Vec<TopicShift>,
    /// Settings of two versions that differ.
    pub settings: Vec<Setting>,
    /// Rows with another label, from label to label.
    pub flips_by_label: BTreeMap<String, u64>,
    /// Rows with another label.
    pub flipped: Vec<Changed>,
    /// Rows with similar text, the least similar last.
    pub reworded: Vec<Changed>,
    /// Rows with another confidence, the largest change first.
    pub rescored: Vec<Changed>,
    /// Rows that are gone, in their order.
    pub dropped: Vec<DiffRow>,
    /// Rows that are new, in their order.
    pub added: Vec<DiffRow>,
}

/// Compares two sets of rows. Rows without any match on the other side are added or dropped; a set without rows is
/// no error. The seed decides the draws behind intervals, so the same input gives the same document.
#[must_use]
pub fn compare(before: Compared<'_>, after: Compared<'_>, seed: Seed) -> Difference {
    let matched = matching::pair(before.rows, after.rows);
    let row = |rows: &[DiffRow], place: usize| rows.get(place).cloned();
    let changed = |pairs: &[matching::Pair]| -> Vec<Changed> {
        pairs
            .iter()
            .filter_map(|pair| {
                Some(Changed {
                    before: row(before.rows, pair.before)?,
                    after: row(after.rows, pair.after)?,
                    similarity: pair.similarity,
                })
            })
            .collect()
    };
    let (mut same, mut flipped) = (Vec::new(), Vec::new());
    for change in changed(&matched.same_text) {
        if change.before.label == change.after.label {
            same.push(change);
        } else {
            flipped.push(change);
        }
    }
    let (mut rescored, unchanged): (Vec<Changed>, Vec<Changed>) = same
        .into_iter()
        .partition(|change| change.before.confidence != change.after.confidence);
    rescored.sort_by(|a, b| confidence_step(b).total_cmp(&confidence_step(a)));
    let reworded = changed(&matched.reworded);
    let dropped: Vec<DiffRow> = matched
        .dropped
        .iter()
        .filter_map(|place| row(before.rows, *place))
        .collect();
    let added: Vec<DiffRow> = matched
        .added
        .iter()
        .filter_map(|place| row(after.rows, *place))
        .collect();

    let mut flips_by_label = BTreeMap::new();
    for change in flipped
        .iter()
        .chain(reworded.iter().filter(|change| is_flip(change)))
    {
        let step = format!(
            "{} → {}",
            change.before.label.trim(),
            change.after.label.trim()
        );
        *flips_by_label.entry(step).or_insert(0) += 1;
    }
    let both = matched.same_text.len() + matched.reworded.len();
    let counts = Counts {
        before: before.rows.len() as u64,
        after: after.rows.len() as u64,
        unchanged: unchanged.len() as u64,
        rescored: Counted::new(rescored.len(), both),
        flipped: Counted::new(flipped.len(), both),
        reworded: Counted::new(reworded.len(), before.rows.len()),
        reworded_and_flipped: reworded.iter().filter(|change| is_flip(change)).count() as u64,
        dropped: Counted::new(dropped.len(), before.rows.len()),
        added: Counted::new(added.len(), after.rows.len()),
        same_order: matched.same_order,
    };
    let settings = match (before.manifest, after.manifest) {
        (Some(before), Some(after)) => settings::differing(before, after),
        _ => Vec::new(),
    };
    let shifts = shift::shifts(before.rows, after.rows, seed);
    let topics = topics::shifts(before.rows, after.rows);
    let is_empty = counts.same_order
        && settings.is_empty()
        && counts.unchanged == counts.before
        && counts.unchanged == counts.after;
    let verdict = terminal::verdict(&counts, &shifts, &topics, &settings, is_empty);
    Difference {
        schema: DIFF_SCHEMA.to_owned(),
        before: before.name.to_owned(),
        after: after.name.to_owned(),
        is_empty,
        verdict,
        anchors: None,
        counts,
        shifts,
        topics,
        settings,
        flips_by_label,
        flipped,
        reworded,
        rescored,
        dropped,
        added,
    }
}

impl Difference {
    /// Adds what the anchors say, that were judged when the second side was made from the first.
    #[must_use]
    pub fn with_anchors(mut self, anchors: Option<AnchorReport>) -> Self {
        if let Some(anchors) = &anchors {
            self.verdict.extend(anchors.verdict.iter().cloned());
        }
        self.anchors = anchors;
        self
    }

    /// The difference in at most 40 lines for a terminal.
    #[must_use]
    pub fn summary_text(&self) -> String {
        terminal::summary(self)
    }

    /// The difference as the body of a changelog's section, as Markdown; `notes` are further sentences behind the verdict.
    #[must_use]
    pub fn changelog(&self, notes: &[String]) -> String {
        changelog::body(self, notes)
    }

    /// One HTML file with no script and no address of anything outside.
    ///
    /// # Errors
    /// When the page template fails: a fault of this program.
    pub fn html(&self) -> Result<Vec<u8>, crate::ReportError> {
        page::render(self)
    }
}

fn is_flip(change: &Changed) -> bool {
    change.before.label != change.after.label
}

fn confidence_step(change: &Changed) -> f64 {
    match (change.before.confidence, change.after.confidence) {
        (Some(before), Some(after)) => (after - before).abs(),
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests;

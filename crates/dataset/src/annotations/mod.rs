//! What people, or models as raters, said about rows: read from tables, JSON Lines and labelling tools.
//!
//! One rater counts once for an item. Whatever is not used is counted and named: ratings without a rater, words that
//! are no label, ratings given twice, items that are no row.

mod argilla;
mod collect;
mod form;
mod key;
mod label_studio;
mod labels;
mod long;
mod matching;
mod read;
mod wide;

use std::path::PathBuf;

use serde::Serialize;

use crate::import::Damage;

pub use form::{FormFormat, FormItem, form, form_items, form_settings, sample_key};
pub use key::{KeyAnswer, KeyItem, SAMPLE_KEY_SCHEMA, SampleKey};
pub use matching::{MatchBy, MatchedRating, MatchedRatings, match_ratings};
pub use read::{AnnotationOptions, read_annotations};

/// One rater's word on one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rating {
    /// The item as the file names it, as text without blanks around.
    pub item: String,
    /// The rater, as text without blanks around.
    pub rater: String,
    /// The label, in the spelling of the declared labels or else of its first use; none where only a number or a
    /// doubt was given.
    pub label: Option<String>,
    /// A number, such as relevance from 1 to 5.
    pub rating: Option<f64>,
    /// Whether the rater found the item unclear.
    pub ambiguous: Option<bool>,
    /// When, as the file writes it.
    pub time: Option<String>,
    /// The line in the file, from 1; for lists the number of the task.
    pub line: u64,
}

/// The ratings of one file, in the order of first use, and what became of the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Annotations {
    /// The ratings that count, at most one a rater and item.
    pub ratings: Vec<Rating>,
    /// What was read, and what was left out.
    pub report: AnnotationReport,
}

/// What was read from an annotation file, and what was left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnnotationReport {
    /// The file.
    pub file: PathBuf,
    /// How ratings stand in it.
    pub shape: Shape,
    /// Its columns, without blanks around; the names of fields for JSON.
    pub columns: Vec<String>,
    /// Records, without the header.
    pub rows: u64,
    /// The raters, sorted.
    pub raters: Vec<String>,
    /// Distinct items that stand in the file.
    pub items: u64,
    /// Of these, items with fewer than two ratings that count: they are left out of sums over pairs.
    pub items_with_fewer_than_two: u64,
    /// The labels in use, sorted, with the number of ratings.
    pub labels: std::collections::BTreeMap<String, u64>,
    /// Cells without a rating.
    pub missing: u64,
    /// Ratings that the rater skipped or took back.
    pub skipped: u64,
    /// Tasks or annotations that stand again under the same number.
    pub repeated_tasks: u64,
    /// Ratings that repeat an earlier one of the same rater and item in everything.
    pub identical_repeats: u64,
    /// Raters who gave one item different ratings; the last counts: by time where both have one that can be
    /// compared, else by place in the file.
    pub same_rater_twice: Vec<Twice>,
    /// Ratings that name no rater.
    pub without_rater: u64,
    /// Ratings that name no item.
    pub without_item: u64,
    /// Words that are no label.
    pub unknown_labels: Vec<UnknownLabel>,
    /// Records that could not be read.
    pub damaged: Vec<Damage>,
}

/// How ratings stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One rating a record: item, rater, label.
    Long,
    /// One item a record, one column a rater.
    Wide,
    /// An export of Label Studio.
    LabelStudio,
    /// An export of Argilla.
    Argilla,
}

/// A rater who rated an item more than once, not always the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Twice {
    /// The item.
    pub item: String,
    /// The rater.
    pub rater: String,
    /// The line of the rating that counts.
    pub kept_line: u64,
    /// The line of one that does not.
    pub dropped_line: u64,
}

/// A word that is no label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownLabel {
    /// The item.
    pub item: String,
    /// The rater.
    pub rater: String,
    /// The line, from 1.
    pub line: u64,
    /// The word as it stands.
    pub label: String,
}

//! The key of a sample for raters: which row each item is, and which label each letter stands for.
//!
//! It is kept apart from what raters see. With it, what they filled in is read back to rows and labels.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Annotations, MatchedRating, MatchedRatings, Rating, UnknownLabel};
use crate::import::{ImportedRow, label_class};

/// The format of a key.
pub const SAMPLE_KEY_SCHEMA: &str = "evalwright.sample-key/1";

/// A sample's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleKey {
    /// [`SAMPLE_KEY_SCHEMA`].
    pub schema: String,
    /// The seed that chose and ordered.
    pub seed: u64,
    /// The items in the order in which they are shown.
    pub items: Vec<KeyItem>,
}

/// One item of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyItem {
    /// What raters see as its name.
    pub item: String,
    /// Where its row stands: `file:line`.
    pub place: String,
    /// The row's identifier ([`ImportedRow::key`]).
    pub row: String,
    /// The answers as they are shown: letter, text, and the label that a row with that answer carries.
    pub answers: Vec<KeyAnswer>,
}

/// One answer as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAnswer {
    /// Its letter.
    pub letter: String,
    /// What it says.
    pub text: String,
    /// The label that it stands for.
    pub label: String,
}

impl KeyItem {
    /// The label that a rater's word stands for: a letter, else an answer's text.
    fn label(&self, word: &str) -> Option<&str> {
        let folded = label_class(word).to_lowercase();
        let by = |of: fn(&KeyAnswer) -> &str| {
            self.answers
                .iter()
                .find(|answer| of(answer).trim().to_lowercase() == folded)
        };
        by(|answer| &answer.letter)
            .or_else(|| by(|answer| &answer.text))
            .map(|answer| answer.label.as_str())
    }
}

impl SampleKey {
    /// Finds the row of each rating and the label that its word stands for. Ratings with a word that is none of the item's
    /// answers are named and left out.
    #[must_use]
    pub fn resolve(
        &self,
        annotations: &Annotations,
        rows: &[ImportedRow],
    ) -> (MatchedRatings, Vec<UnknownLabel>) {
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            places.entry(row.key()).or_default().push(place);
        }
        let items: BTreeMap<&str, &KeyItem> = self
            .items
            .iter()
            .map(|item| (item.item.as_str(), item))
            .collect();
        let mut matched = MatchedRatings::default();
        let mut strange = Vec::new();
        let (mut unknown, mut rated) = (BTreeSet::new(), BTreeSet::new());
        for rating in &annotations.ratings {
            let item = items.get(rating.item.trim());
            let row = item.and_then(|item| {
                let found = places.get(&item.row)?;
                // Rows that say the same have one identifier; the place tells them apart while files stay where they are.
                let here =
                    |at: &&usize| rows.get(**at).is_some_and(|row| row.place() == item.place);
                found.iter().find(here).or_else(|| found.first()).copied()
            });
            let (Some(item), Some(row)) = (item, row) else {
                matched.unmatched_ratings += 1;
                if unknown.insert(rating.item.as_str()) {
                    matched.unknown_items.push(rating.item.clone());
                }
                continue;
            };
            let label = match &rating.label {
                None => None,
                Some(word) => match item.label(word) {
                    Some(label) => Some(label.to_owned()),
                    None => {
                        strange.push(UnknownLabel {
                            item: rating.item.clone(),
                            rater: rating.rater.clone(),
                            line: rating.line,
                            label: word.clone(),
                        });
                        continue;
                    }
                },
            };
            rated.insert(row);
            matched.ratings.push(MatchedRating {
                row,
                rating: Rating {
                    label,
                    ..rating.clone()
                },
            });
        }
        matched.rows_without_rating = (rows.len() - rated.len()) as u64;
        (matched, strange)
    }
}

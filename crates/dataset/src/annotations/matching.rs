//! Which row a rating is about.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Annotations, Rating};
use crate::import::ImportedRow;

/// What a rating's item is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchBy {
    /// The row's identifier: its own, or the one that it gets when it is imported.
    Id,
    /// The row's number among all rows, from 1.
    Number,
    /// The row's text: statement, question without options, or the whole question; blanks around don't count.
    Text,
}

/// A rating and its row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchedRating {
    /// Place of the row among all rows, from 0.
    pub row: usize,
    /// The rating.
    pub rating: Rating,
}

/// The ratings that belong to rows, and those that do not.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MatchedRatings {
    /// The ratings, in their own order.
    pub ratings: Vec<MatchedRating>,
    /// Items that are no row, in the order of first use.
    pub unknown_items: Vec<String>,
    /// Ratings of such items.
    pub unmatched_ratings: u64,
    /// Items that name more than one row: the first of these rows has the rating.
    pub unclear_items: Vec<String>,
    /// Rows without any rating.
    pub rows_without_rating: u64,
}

/// Puts ratings to rows. Without rows every item is unknown.
#[must_use]
pub fn match_ratings(
    annotations: &Annotations,
    rows: &[ImportedRow],
    by: MatchBy,
) -> MatchedRatings {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        for name in names(row, place, by) {
            let known = places.entry(name).or_default();
            if known.last() != Some(&place) {
                known.push(place);
            }
        }
    }
    let mut matched = MatchedRatings::default();
    let mut has_rating = vec![false; rows.len()];
    let (mut unknown, mut unclear) = (BTreeSet::new(), BTreeSet::new());
    for rating in &annotations.ratings {
        let found = places
            .get(rating.item.trim())
            .map(Vec::as_slice)
            .unwrap_or_default();
        let Some(row) = found.first().copied() else {
            matched.unmatched_ratings += 1;
            if unknown.insert(rating.item.as_str()) {
                matched.unknown_items.push(rating.item.clone());
            }
            continue;
        };
        if found.len() > 1 && unclear.insert(rating.item.as_str()) {
            matched.unclear_items.push(rating.item.clone());
        }
        if let Some(slot) = has_rating.get_mut(row) {
            *slot = true;
        }
        matched.ratings.push(MatchedRating {
            row,
            rating: rating.clone(),
        });
    }
    matched.rows_without_rating = has_rating.iter().filter(|has| !**has).count() as u64;
    matched
}

fn names(row: &ImportedRow, place: usize, by: MatchBy) -> Vec<String> {
    match by {
        MatchBy::Id => row
            .id
            .iter()
            .map(|id| id.trim().to_owned())
            .chain([row.key()])
            .collect(),
        MatchBy::Number => vec![(place + 1).to_string()],
        MatchBy::Text => [row.text(), &row.question]
            .iter()
            .map(|text| text.trim().to_owned())
            .collect(),
    }
}

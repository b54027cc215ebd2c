//! Duplicates among items in memory, and the plain list of near pairs.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::error::DedupError;
use crate::item::{Item, Layers, Near, Outcome};
use crate::near_index::NearIndex;
use crate::pair::Pair;
use crate::search::Keyed;
use crate::settle::Rows;
use crate::texts::Packed;

/// Items that are brought into their form at a time.
const BATCH: usize = 1 << 14;

/// Texts of a batch that are cut one after the other.
const PART: usize = 256;

/// Finds what repeats what.
///
/// - Clusters are transitive: of a chain of near texts one stays, even where its ends are not near.
/// - The survivor has the highest priority; ties: the smallest id, then the smallest text and label. The
///   same items in another order give the same survivors.
/// - A text linked to one with another label is a conflict; neither stays (see [`crate::Dropped::conflict`]).
/// - Texts with nothing to be seen in them are listed as empty and are neither kept nor compared.
/// - Without any layer every item but the empty ones is kept.
/// - Every near link was checked exactly. Up to about two million shingles no near pair is missed where an exact join is
///   affordable; beyond, one right at the threshold is missed with a probability of about 0.3 %, a closer one less.
///
/// # Errors
/// A threshold outside (0, 1], a shingle of length 0, a priority that is not a number, or more than 2³² − 2 items.
pub fn find_duplicates(items: &[Item<'_>], layers: &Layers) -> Result<Outcome, DedupError> {
    let mut keyed = Keyed::new(*layers)?;
    check_priorities(items)?;
    for batch in items.chunks(BATCH) {
        let texts: Vec<&str> = batch.iter().map(|item| item.text).collect();
        keyed.push(&texts)?;
    }
    keyed.finish(&Items(items))
}

/// All near pairs of texts, which must be in their form already, in ascending order of (left, right).
///
/// Every pair is checked exactly. Recall is that of [`find_duplicates`].
///
/// # Errors
/// A threshold outside (0, 1], a shingle of length 0, or more than 2³² − 2 texts.
pub fn near_pairs(texts: &[String], near: Near) -> Result<Vec<Pair>, DedupError> {
    let layers = Layers {
        near: Some(near),
        ..Layers::default()
    };
    // Checks the request.
    Keyed::new(layers)?;
    if u32::try_from(texts.len()).map_or(true, |count| count == u32::MAX) {
        return Err(DedupError::TooMany { count: texts.len() });
    }
    let mut index = NearIndex::new(near);
    for batch in texts.chunks(BATCH) {
        let parts: Vec<Packed> = batch.par_chunks(PART).map(packed).collect();
        index.push(&parts)?;
    }
    let all = vec![true; texts.len()];
    index.seal(&all)?;
    index.pairs(&all, |_, _| true)
}

fn packed(texts: &[String]) -> Packed {
    let mut packed = Packed::default();
    for text in texts {
        packed.push(text);
    }
    packed
}

pub(crate) fn check_priorities(items: &[Item<'_>]) -> Result<(), DedupError> {
    match items.iter().position(|item| item.priority.is_nan()) {
        Some(index) => Err(DedupError::Priority {
            index,
            id: items.get(index).map_or("", |item| item.id).to_owned(),
        }),
        None => Ok(()),
    }
}

/// Items as rows.
pub(crate) struct Items<'a>(pub(crate) &'a [Item<'a>]);

impl Items<'_> {
    fn text(&self, row: u32) -> Option<&str> {
        self.0.get(row as usize).map(|item| item.text)
    }
}

impl Rows for Items<'_> {
    fn label(&self, row: u32) -> u32 {
        self.0.get(row as usize).map_or(0, |item| item.label)
    }

    fn is_reference(&self, _: u32) -> bool {
        false
    }

    fn rank(&self, left: u32, right: u32) -> Ordering {
        match (self.0.get(left as usize), self.0.get(right as usize)) {
            (Some(a), Some(b)) => b
                .priority
                .total_cmp(&a.priority)
                .then_with(|| a.id.cmp(b.id))
                .then_with(|| a.text.cmp(b.text))
                .then_with(|| a.label.cmp(&b.label))
                .then_with(|| left.cmp(&right)),
            _ => left.cmp(&right),
        }
    }

    fn is_same(&self, left: u32, right: u32) -> bool {
        self.text(left) == self.text(right)
    }
}

//! Duplicates among items in memory, and the plain list of near pairs.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::error::DedupError;
use crate::item::{Item, Layer, Layers, Near, Outcome};
use crate::near_index::NearIndex;
use crate::pair::Pair;
use crate::search::Keyed;
use crate::semantic::{Vectors, similar_pairs};
use crate::settle::{Groups, Links, Rows, Settling};
use crate::texts::Packed;
use crate::union_find::UnionFind;

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

/// Finds what says the same in other words, by the cosine of vectors; row `i` of `vectors` belongs to `items[i]`.
///
/// Clusters, survivors and conflicts are those of [`find_duplicates`], with [`Layer::Semantic`]; an item
/// without anything to be seen in it counts like any other here. Meant for up to about 200,000 items.
///
/// # Errors
/// A number of vectors other than that of the items, a cosine outside (0, 1], a priority that is not a number.
pub fn find_similar(
    items: &[Item<'_>],
    vectors: Vectors<'_>,
    threshold: f64,
) -> Result<Outcome, DedupError> {
    check_priorities(items)?;
    if vectors.len() != items.len() {
        return Err(DedupError::Vectors {
            vectors: vectors.len(),
            items: items.len(),
        });
    }
    let similar = similar_pairs(vectors, threshold)?;
    let links = Similar {
        vectors,
        pairs: similar
            .iter()
            .map(|pair| Pair::new(pair.left as u32, pair.right as u32, pair.cosine))
            .collect(),
    };
    let rows = Items(items);
    let keyed: Vec<(u32, u32)> = (0_u32..).zip(items).map(|(row, _)| (row, row)).collect();
    let groups = Groups::new(keyed, items.len(), &rows);
    let mut outcome = Outcome::default();
    let settling = Settling {
        rows: &rows,
        groups: &groups,
        links: Some(&links),
        exact: false,
        normalised: false,
    };
    settling.settle(&mut outcome)?;
    outcome.kept.sort_unstable();
    outcome
        .dropped
        .sort_unstable_by_key(|dropped| dropped.index);
    Ok(outcome)
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

/// Pairs of vectors.
struct Similar<'a> {
    vectors: Vectors<'a>,
    pairs: Vec<Pair>,
}

impl Links for Similar<'_> {
    fn layer(&self) -> Layer {
        Layer::Semantic
    }

    fn pairs(
        &self,
        wanted: &[bool],
        across: &(dyn Fn(u32, u32) -> bool + Sync),
    ) -> Result<Vec<Pair>, DedupError> {
        let is_wanted = |row: u32| wanted.get(row as usize) == Some(&true);
        let picked = self.pairs.iter().filter(|pair| {
            is_wanted(pair.left) && is_wanted(pair.right) && across(pair.left, pair.right)
        });
        Ok(picked.copied().collect())
    }

    fn link(&self, wanted: &[bool], forest: &mut UnionFind) -> Result<(), DedupError> {
        for pair in self.pairs(wanted, &|_, _| true)? {
            forest.link(pair.left, pair.right);
        }
        Ok(())
    }

    fn similarity(&self, left: u32, right: u32) -> Result<f64, DedupError> {
        Ok(self.vectors.cosine(left as usize, right as usize))
    }
}

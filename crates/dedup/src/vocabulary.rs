//! Texts as sets of small numbers: each distinct shingle gets its rank, rarest first.
//!
//! Ranks are given by the shingle itself, not by a hash of it, so equal numbers mean equal shingles; and they
//! depend on the texts alone, not on their order (ties in rarity: the shingle's own order).

use std::collections::HashMap;

use rayon::prelude::*;

use crate::hash;
use crate::shingle::{Shingle, shared_count, similarity};

/// The shingle sets of a list of texts.
pub(crate) struct Vocabulary {
    /// For each text its shingles' ranks, ascending; never empty.
    pub(crate) sets: Vec<Vec<u32>>,
    /// The pinned hash of the shingle of each rank.
    pub(crate) hashes: Vec<u64>,
}

impl Vocabulary {
    /// Cuts the texts.
    pub(crate) fn of(texts: &[&str], shingle: Shingle) -> Self {
        let cut: Vec<Vec<String>> = texts.par_iter().map(|text| shingle.cut(text)).collect();
        let mut counts: HashMap<&str, u32> = HashMap::new();
        for piece in cut.iter().flatten() {
            *counts.entry(piece).or_default() += 1;
        }
        let mut ordered: Vec<(u32, &str)> = counts.iter().map(|(&piece, &n)| (n, piece)).collect();
        ordered.par_sort_unstable();
        let ranks: HashMap<&str, u32> = ordered
            .iter()
            .zip(0_u32..)
            .map(|(&(_, piece), rank)| (piece, rank))
            .collect();
        let sets = cut
            .par_iter()
            .map(|pieces| {
                let mut set: Vec<u32> = pieces
                    .iter()
                    .filter_map(|piece| ranks.get(piece.as_str()).copied())
                    .collect();
                set.sort_unstable();
                set
            })
            .collect();
        let hashes = ordered.iter().map(|(_, piece)| hash::text(piece)).collect();
        Self { sets, hashes }
    }

    /// The set of one text; empty for a position that does not exist.
    pub(crate) fn set(&self, text: usize) -> &[u32] {
        self.sets.get(text).map_or(&[], Vec::as_slice)
    }

    /// The exact Jaccard similarity of two texts.
    pub(crate) fn similarity(&self, left: usize, right: usize) -> f64 {
        let (left, right) = (self.set(left), self.set(right));
        similarity(shared_count(left, right), left.len(), right.len())
    }
}

/// Two texts whose similarity reaches the threshold; `left < right`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pair {
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) similarity: f64,
}

impl Pair {
    /// The pair, if it is near.
    pub(crate) fn verified(
        vocabulary: &Vocabulary,
        left: usize,
        right: usize,
        threshold: f64,
    ) -> Option<Self> {
        let similarity = vocabulary.similarity(left, right);
        (similarity >= threshold).then_some(Self {
            left: left.min(right),
            right: left.max(right),
            similarity,
        })
    }
}

//! All near pairs without exception, by an inverted index over the rarest shingles.
//!
//! Two sets of sizes n and m with similarity of at least t share at least t·max(n, m) members. So if the members
//! are in one common order, each set's first n − ⌈t·n⌉ + 1 members must meet (Chaudhuri, Ganti and Kaushik
//! 2006; Bayardo, Ma and Srikant 2007), and only texts that meet there are compared. Rare shingles come first
//! in that order, so few do.

use rayon::prelude::*;

use crate::vocabulary::{Pair, Vocabulary};

/// Keeps ⌈t·n⌉ from being one too many when t·n lies a rounding error above a whole number.
const ROUNDING: f64 = 1e-9;

/// The near pairs, in ascending order of (left, right).
pub(crate) fn near_pairs(vocabulary: &Vocabulary, threshold: f64) -> Vec<Pair> {
    let mut postings: Vec<Vec<u32>> = vec![Vec::new(); vocabulary.hashes.len()];
    for (text, set) in (0_u32..).zip(&vocabulary.sets) {
        for &rank in prefix(set, threshold) {
            if let Some(list) = postings.get_mut(rank as usize) {
                list.push(text);
            }
        }
    }
    let mut pairs: Vec<Pair> = (0..vocabulary.sets.len())
        .into_par_iter()
        .map_init(Vec::new, |met: &mut Vec<usize>, left| {
            met.clear();
            let set = vocabulary.set(left);
            for &rank in prefix(set, threshold) {
                let list = postings.get(rank as usize).map_or(&[][..], Vec::as_slice);
                let later = list.partition_point(|&text| text as usize <= left);
                met.extend(
                    list.iter()
                        .skip(later)
                        .map(|&text| text as usize)
                        .filter(|&right| sizes_allow(set, vocabulary.set(right), threshold)),
                );
            }
            met.sort_unstable();
            met.dedup();
            met.iter()
                .filter_map(|&right| Pair::verified(vocabulary, left, right, threshold))
                .collect::<Vec<Pair>>()
        })
        .flatten_iter()
        .collect();
    pairs.sort_unstable_by_key(|pair| (pair.left, pair.right));
    pairs
}

/// The members that decide whether two sets can be near.
fn prefix(set: &[u32], threshold: f64) -> &[u32] {
    let needed = (threshold * set.len() as f64 - ROUNDING).ceil().max(1.0);
    // `needed` lies between 1 and the set's length, which came from a usize.
    let length = (set.len() + 1).saturating_sub(needed as usize);
    set.get(..length).unwrap_or(set)
}

/// Whether sets of these sizes can reach the threshold at all.
fn sizes_allow(left: &[u32], right: &[u32], threshold: f64) -> bool {
    let small = left.len().min(right.len()) as f64;
    let large = left.len().max(right.len()) as f64;
    small + ROUNDING >= threshold * large
}

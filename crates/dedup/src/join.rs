//! All near pairs without exception, by an inverted index over the rarest shingles.
//!
//! Two sets of sizes n and m with similarity of at least t share at least t·max(n, m) members. So if the members
//! are in one common order, each set's first n − ⌈t·n⌉ + 1 members must meet (Chaudhuri, Ganti and Kaushik
//! 2006; Bayardo, Ma and Srikant 2007), and only texts that meet there are compared. Rare shingles come first
//! in that order, so few do.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use rayon::prelude::*;

use crate::grams::sizes_allow;
use crate::pair::Pair;
use crate::shingle::{shared_count, similarity};

/// Keeps ⌈t·n⌉ from being one too many when t·n lies a rounding error above a whole number.
const ROUNDING: f64 = 1e-9;

/// Sets of ranks, rarest first, with where each rank stands.
pub(crate) struct Join {
    rows: Vec<u32>,
    sets: Vec<Vec<u32>>,
    postings: Vec<Vec<u32>>,
    threshold: f64,
}

impl Join {
    /// The index over the sets of some rows. Equal ranks mean equal hashes; ties in rarity: the hash's own order.
    pub(crate) fn new(rows: Vec<u32>, hashed: &[Arc<[u64]>], threshold: f64) -> Self {
        let mut counts: HashMap<u64, u32, BuildHasherDefault<Mixed>> = HashMap::default();
        for &gram in hashed.iter().flat_map(|set| set.iter()) {
            *counts.entry(gram).or_default() += 1;
        }
        let mut ordered: Vec<(u32, u64)> = counts.iter().map(|(&gram, &n)| (n, gram)).collect();
        ordered.par_sort_unstable();
        for (rank, (_, gram)) in (0_u32..).zip(&ordered) {
            counts.insert(*gram, rank);
        }
        let sets: Vec<Vec<u32>> = hashed
            .par_iter()
            .map(|grams| {
                let mut set: Vec<u32> = grams
                    .iter()
                    .filter_map(|gram| counts.get(gram).copied())
                    .collect();
                set.sort_unstable();
                set
            })
            .collect();
        let mut postings: Vec<Vec<u32>> = vec![Vec::new(); ordered.len()];
        for (text, set) in (0_u32..).zip(&sets) {
            for &rank in prefix(set, threshold) {
                if let Some(list) = postings.get_mut(rank as usize) {
                    list.push(text);
                }
            }
        }
        Self {
            rows,
            sets,
            postings,
            threshold,
        }
    }

    /// How often two texts meet.
    pub(crate) fn work(&self) -> u64 {
        let meetings = |list: &Vec<u32>| list.len() as u64 * (list.len() as u64).saturating_sub(1);
        self.postings.iter().map(meetings).sum::<u64>() / 2
    }

    /// The near pairs, in ascending order of (left, right).
    pub(crate) fn pairs(&self) -> Vec<Pair> {
        let set = |text: usize| self.sets.get(text).map_or(&[][..], Vec::as_slice);
        let mut pairs: Vec<Pair> =
            (0..self.sets.len())
                .into_par_iter()
                .map_init(Vec::new, |met: &mut Vec<usize>, left| {
                    met.clear();
                    let own = set(left);
                    for &rank in prefix(own, self.threshold) {
                        let list = self.postings.get(rank as usize);
                        let list = list.map_or(&[][..], Vec::as_slice);
                        let later = list.partition_point(|&text| text as usize <= left);
                        met.extend(list.iter().skip(later).map(|&text| text as usize).filter(
                            |&right| sizes_allow(own.len(), set(right).len(), self.threshold),
                        ));
                    }
                    met.sort_unstable();
                    met.dedup();
                    met.iter()
                        .filter_map(|&right| {
                            let other = set(right);
                            let shared = shared_count(own, other);
                            let similarity = similarity(shared, own.len(), other.len());
                            let (a, b) = (*self.rows.get(left)?, *self.rows.get(right)?);
                            (similarity >= self.threshold).then(|| Pair::new(a, b, similarity))
                        })
                        .collect::<Vec<Pair>>()
                })
                .flatten_iter()
                .collect();
        pairs.par_sort_unstable_by_key(|pair| (pair.left, pair.right));
        pairs
    }
}

/// The members that decide whether two sets can be near.
fn prefix(set: &[u32], threshold: f64) -> &[u32] {
    let needed = (threshold * set.len() as f64 - ROUNDING).ceil().max(1.0);
    // `needed` lies between 1 and the set's length, which came from a usize.
    let length = (set.len() + 1).saturating_sub(needed as usize);
    set.get(..length).unwrap_or(set)
}

/// Takes a hash as it is.
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 << 8) | u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

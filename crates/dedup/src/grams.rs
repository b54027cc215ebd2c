//! Texts cut into the hashes of their shingles.
//!
//! Equal shingles have equal hashes. Runs of up to four characters of the basic plane have different ones; other
//! shingles share a hash with a probability of 2⁻⁶⁴ for two of them.

use crate::hash;
use crate::shingle::{Shingle, shared_count, similarity};

/// The characters that fit side by side into 64 bits at 16 bits each.
const PACKED: usize = 4;

/// Cuts texts; holds room that is used again for each of them.
#[derive(Debug, Clone)]
pub(crate) struct Cutter {
    shingle: Shingle,
    units: Vec<u64>,
}

impl Cutter {
    pub(crate) fn new(shingle: Shingle) -> Self {
        Self {
            shingle,
            units: Vec::new(),
        }
    }

    /// Puts the hashes of the text's shingles into `grams`, in the order of the text, with repeats; at least one.
    pub(crate) fn cut(&mut self, text: &str, grams: &mut Vec<u64>) {
        grams.clear();
        match self.shingle {
            Shingle::Characters(length) if length <= PACKED && text.is_ascii() => {
                // The common case by far: one byte a character, and every run packs.
                let mask = u64::MAX >> (64 - 16 * length.max(1));
                let mut run = 0_u64;
                let mut bytes = text.bytes();
                for byte in bytes.by_ref().take(length.max(1) - 1) {
                    run = (run << 16) | u64::from(byte);
                }
                grams.extend(bytes.map(|byte| {
                    run = ((run << 16) | u64::from(byte)) & mask;
                    hash::mix(run)
                }));
            }
            Shingle::Characters(length) => {
                self.units.clear();
                self.units.extend(text.chars().map(u64::from));
                grams.extend(self.units.windows(length.max(1)).map(character_run));
            }
            Shingle::Words(length) => {
                self.units.clear();
                self.units.extend(text.split_whitespace().map(hash::text));
                grams.extend(self.units.windows(length.max(1)).map(chain));
            }
        }
        if grams.is_empty() {
            grams.push(hash::text(text));
        }
    }

    /// Makes `grams` the set of the text's shingles: hashes in ascending order, each once; never empty.
    pub(crate) fn set(&mut self, text: &str, grams: &mut Vec<u64>) {
        self.cut(text, grams);
        grams.sort_unstable();
        grams.dedup();
    }
}

fn character_run(run: &[u64]) -> u64 {
    if run.len() <= PACKED && run.iter().all(|&character| character <= 0xffff) {
        hash::mix(
            run.iter()
                .fold(0, |packed, character| (packed << 16) | character),
        )
    } else {
        chain(run)
    }
}

fn chain(run: &[u64]) -> u64 {
    run.iter()
        .fold(run.len() as u64, |state, &unit| hash::join(state, unit))
}

/// The Jaccard similarity of two sets.
pub(crate) fn jaccard_of_sets(left: &[u64], right: &[u64]) -> f64 {
    similarity(shared_count(left, right), left.len(), right.len())
}

/// Whether sets of these sizes can reach the threshold at all.
pub(crate) fn sizes_allow(left: usize, right: usize, threshold: f64) -> bool {
    let (small, large) = (left.min(right) as f64, left.max(right) as f64);
    small + 1e-9 >= threshold * large
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shingle::jaccard;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hashes_give_the_similarity_of_the_shingles(
            left in "[abé👍 ]{0,14}",
            right in "[abé👍 ]{0,14}",
            length in 1_usize..7,
            words: bool,
        ) {
            let shingle = if words { Shingle::Words(length) } else { Shingle::Characters(length) };
            let mut cutter = Cutter::new(shingle);
            let (mut a, mut b) = (Vec::new(), Vec::new());
            cutter.set(&left, &mut a);
            cutter.set(&right, &mut b);
            let found = jaccard_of_sets(&a, &b);
            prop_assert!((found - jaccard(&left, &right, shingle)).abs() < 1e-12, "{found}");
            prop_assert!(found < 1.0 || sizes_allow(a.len(), b.len(), 1.0));
        }
    }
}

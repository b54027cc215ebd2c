//! Near pairs of many texts by MinHash (Broder 1997) in bands (Leskovec, Rajaraman and Ullman, *Mining of
//! Massive Datasets*, section 3.4), each candidate checked exactly.
//!
//! A band is r hash functions; two texts are candidates when all r smallest hashes of some band agree, which
//! happens in one band with probability sʳ for similarity s. The number of bands is chosen so that a pair right at the
//! threshold is missed with a probability of at most [`MISS`]; one above it is missed far less often.

use rayon::prelude::*;

use crate::hash;
use crate::vocabulary::{Pair, Vocabulary};

/// The highest probability of missing a pair whose similarity is exactly the threshold.
const MISS: f64 = 1e-4;

/// The most hash functions worth their time; where they do not reach [`MISS`] the exact join is used instead.
const MOST_FUNCTIONS: usize = 512;

/// How many bands of how many hash functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    bands: usize,
    rows: usize,
}

impl Plan {
    /// The longest bands (so the fewest needless comparisons) that still reach [`MISS`] within
    /// [`MOST_FUNCTIONS`]; none for very low thresholds.
    pub(crate) fn for_threshold(threshold: f64) -> Option<Self> {
        (1..=8_usize).rev().find_map(|rows| {
            let agree = (0..rows).fold(1.0, |product, _| product * threshold);
            let bands = if agree >= 1.0 {
                1.0
            } else {
                (MISS.ln() / (-agree).ln_1p()).ceil().max(1.0)
            };
            // Compared as floats first: a tiny threshold would need more bands than fit a number.
            (bands * rows as f64 <= MOST_FUNCTIONS as f64).then_some(Self {
                bands: bands as usize,
                rows,
            })
        })
    }
}

/// The near pairs that share a band, in ascending order of (left, right).
pub(crate) fn near_pairs(vocabulary: &Vocabulary, plan: Plan, threshold: f64) -> Vec<Pair> {
    let mut candidates: Vec<(u32, u32)> = Vec::new();
    for band in 0..plan.bands {
        let mut keys: Vec<(u64, u32)> = vocabulary
            .sets
            .par_iter()
            .zip(0..u32::MAX)
            .map(|(set, text)| (band_key(vocabulary, set, plan, band), text))
            .collect();
        keys.par_sort_unstable();
        let mut found: Vec<(u32, u32)> = keys
            .par_chunk_by(|left, right| left.0 == right.0)
            .filter(|bucket| bucket.len() > 1)
            .flat_map_iter(|bucket| {
                bucket.iter().enumerate().flat_map(move |(at, &(_, left))| {
                    bucket
                        .iter()
                        .skip(at + 1)
                        .map(move |&(_, right)| (left, right))
                })
            })
            .collect();
        candidates.append(&mut found);
        candidates.par_sort_unstable();
        candidates.dedup();
    }
    candidates
        .par_iter()
        .filter_map(|&(left, right)| {
            Pair::verified(vocabulary, left as usize, right as usize, threshold)
        })
        .collect()
}

/// One value for the smallest hashes of a band.
fn band_key(vocabulary: &Vocabulary, set: &[u32], plan: Plan, band: usize) -> u64 {
    (0..plan.rows).fold(0, |key, row| {
        let salt = hash::salt(band * plan.rows + row);
        let smallest = set
            .iter()
            .filter_map(|&rank| vocabulary.hashes.get(rank as usize))
            .map(|&piece| hash::mix(piece ^ salt))
            .min()
            .unwrap_or(u64::MAX);
        hash::join(key, smallest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join;
    use crate::shingle::{Shingle, jaccard};
    use proptest::prelude::*;

    #[test]
    fn every_usual_threshold_has_a_plan_and_tiny_ones_have_none() {
        for threshold in [0.3, 0.5, 0.7, 0.8, 0.95, 1.0] {
            let plan = Plan::for_threshold(threshold).unwrap();
            let missed = (1.0 - threshold.powi(plan.rows as i32)).powi(plan.bands as i32);
            assert!(
                missed <= MISS * 1.000_001,
                "{threshold}: {plan:?} misses {missed}"
            );
        }
        assert_eq!(Plan::for_threshold(1.0), Some(Plan { bands: 1, rows: 8 }));
        assert_eq!(Plan::for_threshold(1e-300), None);
    }

    fn pairs_by_hand(texts: &[&str], shingle: Shingle, threshold: f64) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for left in 0..texts.len() {
            for right in left + 1..texts.len() {
                if jaccard(texts[left], texts[right], shingle) >= threshold {
                    pairs.push((left, right));
                }
            }
        }
        pairs
    }

    proptest! {
        #[test]
        fn both_searches_find_the_pairs_of_a_comparison_of_all(
            texts in proptest::collection::vec("[abcde]{1,2}( [abcde]{1,2}){0,9}", 2..24),
            threshold in prop_oneof![Just(0.5), Just(0.6), Just(0.7), Just(0.8), Just(1.0), 0.05_f64..1.0],
            shingle in prop_oneof![Just(Shingle::Words(1)), Just(Shingle::Words(2)), Just(Shingle::Characters(4))],
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let vocabulary = Vocabulary::of(&texts, shingle);
            let truth = pairs_by_hand(&texts, shingle, threshold);
            let joined: Vec<(usize, usize)> =
                join::near_pairs(&vocabulary, threshold).iter().map(|p| (p.left, p.right)).collect();
            prop_assert_eq!(&joined, &truth);
            if let Some(plan) = Plan::for_threshold(threshold) {
                let banded: Vec<(usize, usize)> =
                    near_pairs(&vocabulary, plan, threshold).iter().map(|p| (p.left, p.right)).collect();
                prop_assert!(banded.iter().all(|pair| truth.contains(pair)), "a pair that is not near");
                // Each pair is missed with a probability of at most 1e-4: two misses in one small set mean a fault.
                prop_assert!(truth.len() - banded.len() <= 1, "{} of {}", banded.len(), truth.len());
            }
        }
    }

    /// Needs the published persona statements; says so when it cannot run.
    #[test]
    fn bands_find_what_the_exact_join_finds_in_published_statements() {
        let name = "bands_find_what_the_exact_join_finds_in_published_statements";
        let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
            eprintln!("SKIPPED {name}: EVALWRIGHT_SHARED is not set");
            return;
        };
        let folder = std::path::PathBuf::from(shared).join("data/model-written-evals/persona");
        let Ok(entries) = std::fs::read_dir(&folder) else {
            eprintln!("SKIPPED {name}: no {}", folder.display());
            return;
        };
        let mut texts = std::collections::BTreeSet::new();
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|end| end == "jsonl") {
                for line in std::fs::read_to_string(path).unwrap().lines() {
                    let row: serde_json::Value = serde_json::from_str(line).unwrap();
                    texts.insert(crate::normalise(row["statement"].as_str().unwrap()));
                }
            }
        }
        assert!(texts.len() > 100_000, "only {} texts", texts.len());
        // Neighbours in the alphabet stay together, or too few near pairs would be left to compare.
        let texts: Vec<&str> = texts.iter().take(20_000).map(String::as_str).collect();
        for shingle in [Shingle::Words(1), Shingle::Characters(4)] {
            let start = std::time::Instant::now();
            let vocabulary = Vocabulary::of(&texts, shingle);
            let cut = start.elapsed();
            let banded = near_pairs(&vocabulary, Plan::for_threshold(0.7).unwrap(), 0.7);
            let by_bands = start.elapsed() - cut;
            let joined = join::near_pairs(&vocabulary, 0.7);
            let by_join = start.elapsed() - cut - by_bands;
            eprintln!(
                "{} texts, {shingle}: cut {cut:.1?}, bands {} pairs {by_bands:.1?}, join {} pairs {by_join:.1?}",
                texts.len(),
                banded.len(),
                joined.len()
            );
            let truth: std::collections::BTreeSet<(usize, usize)> =
                joined.iter().map(|pair| (pair.left, pair.right)).collect();
            assert!(
                banded
                    .iter()
                    .all(|pair| truth.contains(&(pair.left, pair.right)))
            );
            assert!(banded.len() as f64 >= 0.999 * joined.len() as f64);
        }
    }
}

//! Which texts are looked at: those whose sketches agree in a band (Leskovec, Rajaraman and Ullman, *Mining of Massive
//! Datasets*, section 3.4).
//!
//! A band is r slots of the sketch; two texts are candidates when all r of some band agree, which happens in one
//! band with probability sʳ for similarity s. The number of bands is chosen so that a pair right at the threshold
//! is missed with a probability of at most [`MISS`]; one above it is missed far less often.

use crate::hash;
use crate::sketch::kept_of;

/// The highest probability of missing a pair whose similarity is exactly the threshold.
const MISS: f64 = 3e-3;

/// The most slots worth their time; where they do not reach [`MISS`] every pair is compared instead.
const MOST_SLOTS: usize = 512;

/// The standard deviations above its expectation at which the difference of two kept sketches still passes: about one
/// pair in 1,000 at the threshold lies higher.
const SPREAD: f64 = 3.1;

/// How many bands of how many slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Number of bands.
    pub(crate) bands: usize,
    /// Slots in a band.
    pub(crate) rows: usize,
    /// Kept bits that may differ where two texts are compared.
    pub(crate) most_different: u32,
}

impl Plan {
    /// The longest bands (so the fewest needless comparisons) of at most eight slots that still reach
    /// [`MISS`] within [`MOST_SLOTS`]; none for very low thresholds.
    pub(crate) fn for_threshold(threshold: f64) -> Option<Self> {
        (1..=8_usize).rev().find_map(|rows| {
            let agree = (0..rows).fold(1.0, |product, _| product * threshold);
            let bands = if agree >= 1.0 {
                1.0
            } else {
                (MISS.ln() / (-agree).ln_1p()).ceil().max(1.0)
            };
            // Compared as floats first: a tiny threshold would need more bands than fit a number.
            (bands * rows as f64 <= MOST_SLOTS as f64).then(|| Self {
                bands: bands as usize,
                rows,
                most_different: most_different(threshold, kept_of(bands as usize * rows)),
            })
        })
    }

    /// Slots of all bands.
    pub(crate) fn slots(self) -> usize {
        self.bands * self.rows
    }

    /// One value for the slots of each band.
    pub(crate) fn keys<'a>(self, slots: &'a [u16]) -> impl Iterator<Item = u32> + 'a {
        slots.chunks_exact(self.rows).take(self.bands).map(|band| {
            let mut key = 0;
            for packed in band.chunks(4) {
                let packed = packed
                    .iter()
                    .fold(0, |packed, &slot| (packed << 16) | u64::from(slot));
                key = hash::mix(key ^ packed).wrapping_add(1);
            }
            (key >> 32) as u32
        })
    }
}

/// With more kept bits that differ a pair is not compared. A bit differs in half the slots that do.
fn most_different(threshold: f64, bits: usize) -> u32 {
    let (bits, share) = (bits as f64, (1.0 - threshold) / 2.0);
    let deviation = (bits * share * (1.0 - share)).sqrt();
    (bits * share + SPREAD * deviation).ceil() as u32
}

/// A band's keys with the rows they belong to, in the order of the keys; rows of one key ascend. Used for one band after
/// the other, so that its memory is asked for once.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    records: Vec<u64>,
    other: Vec<u64>,
}

impl Sorted {
    /// Lets `fill` put in records, key · 2³² + row with rows ascending, and sorts them.
    pub(crate) fn fill<E>(
        &mut self,
        fill: impl FnOnce(&mut Vec<u64>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.records.clear();
        fill(&mut self.records)?;
        sort_by_key(&mut self.records, &mut self.other);
        Ok(())
    }

    /// The rows of each key that several have.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = &[u64]> {
        self.records
            .chunk_by(|left, right| left >> 32 == right >> 32)
            .filter(|bucket| bucket.len() > 1)
    }
}

/// The row of a record.
pub(crate) fn row(record: u64) -> u32 {
    record as u32
}

/// Bits of a key that one pass sorts by.
const DIGIT: u32 = 11;

/// Sorts by the upper half, keeping the order of equals: three passes over its bits, lowest first (Knuth, volume 3,
/// section 5.2.5).
fn sort_by_key(records: &mut Vec<u64>, sorted: &mut Vec<u64>) {
    if records.len() < 256 {
        records.sort_by_key(|record| record >> 32);
        return;
    }
    let digits = [32, 32 + DIGIT, 32 + 2 * DIGIT];
    let digit = |record: u64, shift: u32| (record >> shift) as usize & ((1 << DIGIT) - 1);
    let mut counts = [[0_usize; 1 << DIGIT]; 3];
    for &record in records.iter() {
        for (counts, shift) in counts.iter_mut().zip(digits) {
            counts[digit(record, shift)] += 1;
        }
    }
    sorted.clear();
    sorted.resize(records.len(), 0);
    for (counts, shift) in counts.iter_mut().zip(digits) {
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        for &record in records.iter() {
            let place = &mut counts[digit(record, shift)];
            if let Some(slot) = sorted.get_mut(*place) {
                *slot = record;
            }
            *place += 1;
        }
        std::mem::swap(records, sorted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            assert!(plan.most_different as usize <= kept_of(plan.slots()) / 2);
        }
        let one = Plan::for_threshold(1.0).unwrap();
        assert_eq!((one.bands, one.rows, one.most_different), (1, 8, 0));
        assert_eq!(Plan::for_threshold(1e-300), None);
    }

    proptest! {
        #[test]
        fn sorting_is_that_of_the_library(keys in proptest::collection::vec(0_u64..500, 0..2000), spread in 0_u32..32) {
            let mut records: Vec<u64> =
                keys.iter().zip(0_u64..).map(|(key, row)| ((key << spread) & 0xffff_ffff) << 32 | row).collect();
            let mut wanted = records.clone();
            wanted.sort_by_key(|record| record >> 32);
            sort_by_key(&mut records, &mut Vec::new());
            prop_assert_eq!(records, wanted);
        }
    }
}

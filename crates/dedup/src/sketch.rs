//! A text's sketch: the smallest hash of its shingles under many hash functions (MinHash, Broder 1997).
//!
//! Two sketches agree in a slot with the probability of the Jaccard similarity of their sets. Hashes have 16 bits: the
//! smallest of a few dozen is still one of some thousand values, and sixteen functions fit one instruction. A function is
//! h ↦ a·h + b modulo 2¹⁶ with odd a, a permutation.

use crate::hash;

/// Slots that are filled at a time, so that their state stays in registers.
pub(crate) const LANES: usize = 32;

/// The most slots of which a bit is kept to estimate similarities. Many slots of one bit tell more than a few whole ones
/// in the same room (Li and König, *b-Bit Minwise Hashing*, 2010).
pub(crate) const MOST_KEPT: usize = 512;

/// The fewest slots of a sketch.
const FEWEST: usize = 128;

/// One bit of each of the first slots; those that a sketch does not have are 0.
pub(crate) type Kept = [u64; MOST_KEPT / 64];

/// The hash functions of a number of slots that is a multiple of [`LANES`].
#[derive(Debug, Clone)]
pub(crate) struct Functions {
    blocks: Vec<([u16; LANES], [u16; LANES])>,
}

impl Functions {
    /// At least this many, and enough to keep bits of.
    pub(crate) fn new(slots: usize) -> Self {
        let blocks = (0..slots.max(FEWEST).div_ceil(LANES))
            .map(|block| {
                let salt = |lane: usize| hash::salt(block * LANES + lane);
                (
                    std::array::from_fn(|lane| salt(lane) as u16 | 1),
                    std::array::from_fn(|lane| (salt(lane) >> 16) as u16),
                )
            })
            .collect();
        Self { blocks }
    }

    /// How many slots a sketch has.
    pub(crate) fn slots(&self) -> usize {
        self.blocks.len() * LANES
    }

    /// Fills the slots; `grams` are not empty. Repeats do not count.
    #[inline(always)]
    pub(crate) fn sketch(&self, grams: &[u64], short: &mut Vec<u16>, slots: &mut [u16]) {
        short.clear();
        short.extend(grams.iter().map(|gram| (gram >> 48) as u16));
        let (targets, _) = slots.as_chunks_mut::<LANES>();
        for ((factors, offsets), target) in self.blocks.iter().zip(targets) {
            let mut least = [u16::MAX; LANES];
            for &gram in short.iter() {
                for lane in 0..LANES {
                    let hashed = gram.wrapping_mul(factors[lane]).wrapping_add(offsets[lane]);
                    least[lane] = least[lane].min(hashed);
                }
            }
            *target = least;
        }
    }
}

/// How many of a sketch's slots a bit is kept of, for a plan of this many.
pub(crate) fn kept_of(slots: usize) -> usize {
    (slots.max(FEWEST).div_ceil(LANES) * LANES).min(MOST_KEPT)
}

/// What is kept of a sketch. The bit is the highest of the slot's value times an odd constant: a smallest value has few
/// high bits that differ, and its lowest bit is that of the shingle under every function.
#[inline(always)]
pub(crate) fn keep(slots: &[u16]) -> Kept {
    let mut kept = Kept::default();
    for (word, slots) in kept.iter_mut().zip(slots.chunks(64)) {
        for (at, &value) in slots.iter().enumerate() {
            *word |= u64::from(value.wrapping_mul(SPREAD) >> 15) << at;
        }
    }
    kept
}

/// 2¹⁶ divided by the golden ratio, made odd: neighbouring values fall far apart.
const SPREAD: u16 = 0x9e37;

/// How many of the kept bits differ.
#[inline(always)]
pub(crate) fn difference(left: &Kept, right: &Kept) -> u32 {
    left.iter()
        .zip(right)
        .map(|(l, r)| (l ^ r).count_ones())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grams::{Cutter, jaccard_of_sets};
    use crate::shingle::Shingle;

    #[test]
    fn slots_agree_as_often_as_the_sets_are_similar() {
        let functions = Functions::new(16 * LANES);
        let mut cutter = Cutter::new(Shingle::Words(1));
        let mut short = Vec::new();
        let mut sketch = |text: &str| {
            let mut slots = vec![0; functions.slots()];
            let mut grams = Vec::new();
            cutter.set(text, &mut grams);
            functions.sketch(&grams, &mut short, &mut slots);
            (grams, slots)
        };
        let (mut sum, mut square) = (0.0, 0.0);
        let (mut kept, mut kept_square) = (0.0, 0.0);
        let tests = 200;
        for test in 0..tests {
            // 40 words each, of which 24 to 36 are shared.
            let shared = 24 + test % 13;
            let text = |own: &str| -> String {
                (0..40)
                    .map(|word| match word < shared {
                        true => format!("{test}s{word} "),
                        false => format!("{test}{own}{word} "),
                    })
                    .collect()
            };
            let (left, right) = (sketch(&text("l")), sketch(&text("r")));
            let truth = jaccard_of_sets(&left.0, &right.0);
            let equal = left.1.iter().zip(&right.1).filter(|(l, r)| l == r).count();
            let off = equal as f64 / functions.slots() as f64 - truth;
            sum += off;
            square += off * off * functions.slots() as f64 / (truth * (1.0 - truth));
            // Bits of slots that differ agree half the time.
            let differ = f64::from(difference(&keep(&left.1), &keep(&right.1)));
            let bits = kept_of(functions.slots()) as f64;
            let wanted = bits * (1.0 - truth) / 2.0;
            kept += (differ - wanted) / bits;
            kept_square += (differ - wanted).powi(2) / (wanted * (1.0 - wanted / bits));
        }
        let count = f64::from(tests);
        // 512 slots of 200 tests: the mean is known to about 0.0015.
        assert!((sum / count).abs() < 0.006, "{}", sum / count);
        assert!((kept / count).abs() < 0.006, "{}", kept / count);
        // The functions act as if drawn independently: the spread is that of as many coins.
        assert!(square / count < 1.6, "{}", square / count);
        assert!(kept_square / count < 1.6, "{}", kept_square / count);
    }
}

//! A text's sketch: the smallest hash of its shingles under many hash functions (MinHash, Broder 1997).
//!
//! Two sketches agree in a slot with the probability of the Jaccard similarity of their sets. Hashes have 16 bits: the
//! smallest of a few dozen is still one of some thousand values, and sixteen functions fit one instruction. A function is
//! h ↦ a·h + b modulo 2¹⁶ with odd a, a permutation.

use crate::hash;

/// Slots that are filled at a time, so that their state stays in registers.
pub(crate) const LANES: usize = 32;

/// Bytes kept of each sketch to estimate similarities: the low byte of each of the first slots.
pub(crate) const KEPT: usize = 2 * LANES;

/// The hash functions of a number of slots that is a multiple of [`LANES`].
#[derive(Debug, Clone)]
pub(crate) struct Functions {
    blocks: Vec<([u16; LANES], [u16; LANES])>,
}

impl Functions {
    /// At least this many, and as many as are kept.
    pub(crate) fn new(slots: usize) -> Self {
        let blocks = (0..slots.max(KEPT).div_ceil(LANES))
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

/// What is kept of a sketch.
pub(crate) fn keep(slots: &[u16]) -> [u8; KEPT] {
    std::array::from_fn(|slot| slots.get(slot).map_or(0, |&value| value as u8))
}

/// How many of the kept bytes agree.
#[inline(always)]
pub(crate) fn agreement(left: &[u8; KEPT], right: &[u8; KEPT]) -> u8 {
    left.iter()
        .zip(right)
        .map(|(l, r)| u8::from(l == r))
        .fold(0, u8::wrapping_add)
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
        let (mut sum, mut square, mut kept) = (0.0, 0.0, 0.0);
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
            kept += f64::from(agreement(&keep(&left.1), &keep(&right.1))) / KEPT as f64 - truth;
        }
        let count = f64::from(tests);
        // 512 slots of 200 tests: the mean is known to about 0.0015.
        assert!((sum / count).abs() < 0.006, "{}", sum / count);
        assert!((kept / count).abs() < 0.015, "{}", kept / count);
        // The functions act as if drawn independently: the spread is that of as many coins.
        assert!(square / count < 1.6, "{}", square / count);
    }
}

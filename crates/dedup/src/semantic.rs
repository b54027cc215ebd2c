//! Pairs of texts that mean the same, from vectors made elsewhere (embeddings).
//!
//! The search compares every vector with every other one, so it misses nothing; the work grows with the square
//! of their number and is meant for up to about 200,000 vectors. A fast product of tiles, at the precision of
//! the processor, only picks candidates, with room for its rounding; whether a pair is similar is decided by
//! [`Vectors::cosine`], which is the same on every machine. So the result depends neither on the threads nor
//! on the instruction set.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::error::DedupError;

/// How far the length of a vector may be from 1.
const UNIT_TOLERANCE: f64 = 1e-3;

/// Left vectors in one tile; with two registers of right vectors their sums fill the processor's registers.
const TILE_ROWS: usize = 6;

/// Right vectors that are packed and compared at a time: a few megabytes, so that they stay in the cache.
const RIGHT_BLOCK: usize = 2048;

/// Left vectors of one task.
const LEFT_BLOCK: usize = 48 * TILE_ROWS;

/// Vectors of one length, one after the other: row-major, `data[row · dimension + column]`.
#[derive(Debug, Clone, Copy)]
pub struct Vectors<'a> {
    data: &'a [f32],
    dimension: usize,
}

impl<'a> Vectors<'a> {
    /// Takes vectors of length 1 (to within 0.001), `dimension` numbers each. No vector at all is fine.
    ///
    /// # Errors
    /// [`DedupError::Dimension`] for a dimension of 0 or data that is no multiple of it,
    /// [`DedupError::NotUnit`] for a vector that is not of length 1, [`DedupError::TooMany`] for more than
    /// 2³² − 1 vectors.
    pub fn new(data: &'a [f32], dimension: usize) -> Result<Self, DedupError> {
        if dimension == 0 || !data.len().is_multiple_of(dimension) {
            return Err(DedupError::Dimension {
                numbers: data.len(),
                dimension,
            });
        }
        let vectors = Self { data, dimension };
        if u32::try_from(vectors.len()).is_err() {
            return Err(DedupError::TooMany {
                count: vectors.len(),
            });
        }
        for row in 0..vectors.len() {
            let length = vectors.cosine(row, row).sqrt();
            let is_unit = (length - 1.0).abs() <= UNIT_TOLERANCE;
            if !is_unit {
                return Err(DedupError::NotUnit { row, length });
            }
        }
        Ok(vectors)
    }

    /// How many vectors there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len() / self.dimension
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Numbers in a vector.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// One vector; empty for a row that does not exist.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [f32] {
        let start = row.saturating_mul(self.dimension);
        self.data
            .get(start..start.saturating_add(self.dimension))
            .unwrap_or(&[])
    }

    /// The cosine of two vectors, which is their product as they are of length 1: summed in the order of the
    /// columns, in 64 bits. 0 for a row that does not exist.
    #[must_use]
    pub fn cosine(&self, left: usize, right: usize) -> f64 {
        let products = self.row(left).iter().zip(self.row(right));
        products.map(|(&l, &r)| f64::from(l) * f64::from(r)).sum()
    }
}

/// Two vectors whose cosine reaches the threshold; `left < right`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimilarPair {
    /// Row of the first vector.
    pub left: usize,
    /// Row of the second.
    pub right: usize,
    /// Their cosine, as [`Vectors::cosine`] gives it.
    pub cosine: f64,
}

/// All pairs whose cosine is at least the threshold, in ascending order of (left, right).
///
/// # Errors
/// [`DedupError::Cosine`] for a threshold outside (0, 1].
pub fn similar_pairs(vectors: Vectors<'_>, threshold: f64) -> Result<Vec<SimilarPair>, DedupError> {
    if !(threshold > 0.0 && threshold <= 1.0) {
        return Err(DedupError::Cosine { threshold });
    }
    // A sum of n products of numbers of at most 1 in size, all squares adding up to 1, is off by at most n
    // roundings of 2⁻²⁴ (Higham 2002, section 3.1); the factor 2 covers lengths a little above 1.
    let rounding = 2.0 * vectors.dimension() as f64 * f64::from(f32::EPSILON);
    let floor = (threshold - rounding) as f32;
    let architecture = Arch::new();
    let mut pairs = Vec::new();
    for start in (0..vectors.len()).step_by(RIGHT_BLOCK) {
        let end = vectors.len().min(start + RIGHT_BLOCK);
        let packed = architecture.dispatch(Pack {
            vectors,
            start,
            end,
        });
        let lefts: Vec<usize> = (0..end).step_by(LEFT_BLOCK).collect();
        let found: Vec<Vec<SimilarPair>> = lefts
            .into_par_iter()
            .map(|left| {
                let mut candidates = Vec::new();
                architecture.dispatch(Compare {
                    vectors,
                    lefts: (left, end.min(left + LEFT_BLOCK)),
                    rights: (start, end),
                    packed: &packed,
                    floor,
                    found: &mut candidates,
                });
                candidates
                    .into_iter()
                    .filter_map(|(left, right)| {
                        let cosine = vectors.cosine(left, right);
                        (cosine >= threshold).then_some(SimilarPair {
                            left,
                            right,
                            cosine,
                        })
                    })
                    .collect()
            })
            .collect();
        pairs.extend(found.into_iter().flatten());
    }
    pairs.par_sort_unstable_by_key(|pair| (pair.left, pair.right));
    Ok(pairs)
}

/// For each vector from `references` on that is alike to one of those before, the nearest of these, the first of
/// equally near ones; in ascending order of the former, which is `right`.
///
/// # Errors
/// As [`similar_pairs`].
pub fn repeats_of_references(
    vectors: Vectors<'_>,
    references: usize,
    threshold: f64,
) -> Result<Vec<SimilarPair>, DedupError> {
    let mut nearest: std::collections::BTreeMap<usize, SimilarPair> =
        std::collections::BTreeMap::new();
    for pair in similar_pairs(vectors, threshold)? {
        if pair.left < references && pair.right >= references {
            let known = nearest.entry(pair.right).or_insert(pair);
            if pair.cosine > known.cosine {
                *known = pair;
            }
        }
    }
    Ok(nearest.into_values().collect())
}

/// Right vectors side by side: for each panel of two registers' width, all its first columns, all its second ones …
struct Pack<'a> {
    vectors: Vectors<'a>,
    start: usize,
    end: usize,
}

impl WithSimd for Pack<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Vec<f32> {
        let width = 2 * S::F32_LANES;
        let dimension = self.vectors.dimension();
        let panels = (self.end - self.start).div_ceil(width);
        let mut packed = vec![0.0; panels * width * dimension];
        for (panel, target) in packed.chunks_exact_mut(width * dimension).enumerate() {
            for lane in 0..width {
                let row = self.start + panel * width + lane;
                if row < self.end {
                    for (slots, &value) in target.chunks_exact_mut(width).zip(self.vectors.row(row))
                    {
                        if let Some(slot) = slots.get_mut(lane) {
                            *slot = value;
                        }
                    }
                }
            }
        }
        packed
    }
}

/// Compares a block of left vectors with the packed right ones.
struct Compare<'a, 'b> {
    vectors: Vectors<'a>,
    lefts: (usize, usize),
    rights: (usize, usize),
    packed: &'b [f32],
    floor: f32,
    found: &'b mut Vec<(usize, usize)>,
}

impl WithSimd for Compare<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = 2 * S::F32_LANES;
        let dimension = self.vectors.dimension();
        let mut tile = vec![[0.0_f32; TILE_ROWS]; dimension];
        for first in (self.lefts.0..self.lefts.1).step_by(TILE_ROWS) {
            for row in 0..TILE_ROWS {
                // Rows past the end repeat the last one and are not reported.
                let source = self.vectors.row((first + row).min(self.lefts.1 - 1));
                for (slots, &value) in tile.iter_mut().zip(source) {
                    slots[row] = value;
                }
            }
            for (panel, columns) in self.packed.chunks_exact(width * dimension).enumerate() {
                let right = self.rights.0 + panel * width;
                // The pairs of this panel are those of a later one with left and right exchanged.
                if right + width <= first {
                    continue;
                }
                let sums = product(simd, &tile, columns);
                for (row, sums) in sums.iter().enumerate() {
                    let sums: &[f32] = pulp::bytemuck::cast_slice(sums);
                    for (lane, &sum) in sums.iter().enumerate() {
                        let (left, right) = (first + row, right + lane);
                        if sum >= self.floor
                            && left < right
                            && left < self.lefts.1
                            && right < self.rights.1
                        {
                            self.found.push((left, right));
                        }
                    }
                }
            }
        }
    }
}

/// The products of a tile of left vectors with a panel of right ones.
#[inline(always)]
fn product<S: Simd>(
    simd: S,
    tile: &[[f32; TILE_ROWS]],
    columns: &[f32],
) -> [[S::f32s; 2]; TILE_ROWS] {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; 2]; TILE_ROWS];
    let (registers, _) = S::as_simd_f32s(columns);
    let (pairs, _) = registers.as_chunks::<2>();
    for (lefts, rights) in tile.iter().zip(pairs) {
        for row in 0..TILE_ROWS {
            let left = simd.splat_f32s(lefts[row]);
            sums[row][0] = simd.mul_add_e_f32s(left, rights[0], sums[row][0]);
            sums[row][1] = simd.mul_add_e_f32s(left, rights[1], sums[row][1]);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Vectors of length 1 that stand near a few directions, so that many pairs are similar.
    fn unit_vectors(seeds: &[(u8, Vec<f32>)], dimension: usize) -> Vec<f32> {
        let mut data = Vec::new();
        for (direction, noise) in seeds {
            let mut row: Vec<f32> = (0..dimension)
                .map(|column| {
                    let base = f32::from(u8::from(column % 3 == usize::from(*direction % 3)));
                    base + noise
                        .get(column % noise.len().max(1))
                        .copied()
                        .unwrap_or(0.0)
                })
                .collect();
            let length = row
                .iter()
                .map(|&x| f64::from(x) * f64::from(x))
                .sum::<f64>()
                .sqrt();
            for value in &mut row {
                *value = (f64::from(*value) / length) as f32;
            }
            data.extend(row);
        }
        data
    }

    fn by_hand(vectors: Vectors<'_>, threshold: f64) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for left in 0..vectors.len() {
            for right in left + 1..vectors.len() {
                if vectors.cosine(left, right) >= threshold {
                    pairs.push((left, right));
                }
            }
        }
        pairs
    }

    fn places(pairs: &[SimilarPair]) -> Vec<(usize, usize)> {
        pairs.iter().map(|pair| (pair.left, pair.right)).collect()
    }

    proptest! {
        #[test]
        fn all_pairs_of_a_comparison_by_hand_are_found(
            seeds in proptest::collection::vec((0_u8..3, proptest::collection::vec(-0.4_f32..0.4, 5)), 0..60),
            dimension in 1_usize..40,
            threshold in prop_oneof![Just(1.0), 0.3_f64..1.0],
        ) {
            let data = unit_vectors(&seeds, dimension);
            prop_assume!(data.iter().all(|value| value.is_finite()));
            let vectors = Vectors::new(&data, dimension).unwrap();
            prop_assert_eq!(places(&similar_pairs(vectors, threshold).unwrap()), by_hand(vectors, threshold));
        }
    }

    #[test]
    fn blocks_and_threads_make_no_difference() {
        // More rows than one block of the right side, each row one of 700 directions in a plane.
        let count = RIGHT_BLOCK + LEFT_BLOCK + 7;
        let mut data = Vec::new();
        for row in 0..count {
            let angle = (row * 389 % 700) as f64 / 700.0 * std::f64::consts::TAU;
            data.extend([angle.cos() as f32, angle.sin() as f32]);
        }
        let vectors = Vectors::new(&data, 2).unwrap();
        let truth = by_hand(vectors, 0.999_99);
        assert!(truth.len() > count);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let found = pool.install(|| similar_pairs(vectors, 0.999_99).unwrap());
            assert_eq!(places(&found), truth, "{threads} threads");
        }
    }

    #[test]
    fn wrong_vectors_and_thresholds_are_named() {
        assert!(matches!(
            Vectors::new(&[1.0, 0.0, 1.0], 2),
            Err(DedupError::Dimension { .. })
        ));
        assert!(matches!(
            Vectors::new(&[], 0),
            Err(DedupError::Dimension { .. })
        ));
        for wrong in [
            [0.5, 0.5],
            [0.0, 0.0],
            [f32::NAN, 0.0],
            [f32::INFINITY, 0.0],
        ] {
            let data = [1.0, 0.0, wrong[0], wrong[1]];
            assert!(matches!(
                Vectors::new(&data, 2),
                Err(DedupError::NotUnit { row: 1, .. })
            ));
        }
        let none = Vectors::new(&[], 3).unwrap();
        assert!(none.is_empty());
        assert_eq!(similar_pairs(none, 0.5).unwrap(), Vec::new());
        for threshold in [0.0, -0.5, 1.01, f64::NAN] {
            assert!(matches!(
                similar_pairs(none, threshold),
                Err(DedupError::Cosine { .. })
            ));
        }
    }
}

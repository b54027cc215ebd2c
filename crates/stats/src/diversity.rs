//! How far texts differ from one another: distinct n-grams, self-similarity, the Vendi score, the entropy of clusters,
//! and a map in two dimensions.
//!
//! Figures that cost the square of the number of rows are computed on a seeded sample when there are many, and say on
//! how many rows.

mod clusters;
mod map;
mod neighbours;
mod ngrams;
mod vendi;

pub use clusters::{Clusters, clusters, evenness};
pub use map::{Map, MapMethod, neighbour_map, principal_map};
pub use ngrams::{NgramVectors, distinct_ngrams, hashed_terms, hashed_vectors, ngram_vectors};
pub use vendi::{Sampled, vendi_of_ngrams, vendi_of_vectors};

use evalwright_core::Seed;

use crate::error::StatsError;
use crate::random::Stream;

/// Dense vectors of equal length, such as embeddings, each scaled to length 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    dimensions: usize,
    cells: Vec<f64>,
}

impl Vectors {
    /// Vectors laid one after the other. A vector of zeros stays as it is: it resembles nothing.
    ///
    /// # Errors
    ///
    /// No dimensions, a last vector that is not full, or a number that is not finite.
    pub fn new(dimensions: usize, cells: &[f32]) -> Result<Self, StatsError> {
        if dimensions == 0 || !cells.len().is_multiple_of(dimensions) {
            return Err(StatsError::Length {
                what: "numbers of vectors",
                found: cells.len(),
                expected: dimensions * cells.len().checked_div(dimensions).unwrap_or_default(),
            });
        }
        if cells.iter().any(|cell| !cell.is_finite()) {
            return Err(StatsError::Range {
                what: "a number of a vector",
                expected: "finite",
            });
        }
        let cells = cells.iter().map(|cell| f64::from(*cell)).collect();
        Ok(Self::scaled(dimensions, cells))
    }

    /// Finite numbers, in whole vectors of at least one.
    fn scaled(dimensions: usize, mut cells: Vec<f64>) -> Self {
        for vector in cells.chunks_exact_mut(dimensions) {
            let length = crate::eigen::dot(vector, vector).sqrt();
            if length > 0.0 {
                vector.iter_mut().for_each(|cell| *cell /= length);
            }
        }
        Self { dimensions, cells }
    }

    /// Numbers a vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Vectors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len() / self.dimensions
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// One after the other.
    pub(crate) fn iter(&self) -> std::slice::ChunksExact<'_, f64> {
        self.cells.chunks_exact(self.dimensions)
    }

    pub(crate) fn get(&self, place: usize) -> &[f64] {
        &self.cells[place * self.dimensions..(place + 1) * self.dimensions]
    }

    /// The vectors of some rows.
    pub(crate) fn of_rows(&self, rows: &[usize]) -> Self {
        Self {
            dimensions: self.dimensions,
            cells: rows
                .iter()
                .flat_map(|row| self.get(*row))
                .copied()
                .collect(),
        }
    }

    /// The mean cosine of two different vectors, in [−1, 1], exactly and in linear time: the squared length of the sum of
    /// unit vectors is their number plus all pairs' cosines. `None` for fewer than two vectors that are not zero.
    #[must_use]
    pub fn self_similarity(&self) -> Option<f64> {
        let mut sum = vec![0.0; self.dimensions];
        let mut count = 0.0;
        for vector in self
            .iter()
            .filter(|vector| vector.iter().any(|cell| cell.abs() > 0.0))
        {
            for (sum, cell) in sum.iter_mut().zip(vector) {
                *sum += cell;
            }
            count += 1.0;
        }
        mean_cosine(crate::eigen::dot(&sum, &sum), count)
    }
}

/// From the squared length of the sum of `count` unit vectors.
fn mean_cosine(square: f64, count: f64) -> Option<f64> {
    (count > 1.5).then(|| ((square - count) / (count * (count - 1.0))).clamp(-1.0, 1.0))
}

/// At most `most` rows of `rows`, rising; all of them when they fit.
fn sample_of(rows: usize, most: usize, seed: Seed) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    if rows > most {
        Stream::new(seed.derive("sample of rows")).shuffle(&mut order);
        order.truncate(most);
        order.sort_unstable();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn self_similarity_is_the_mean_over_all_pairs() {
        let cells: Vec<f32> = (0..60)
            .map(|place| ((place * 37) % 11) as f32 - 4.0)
            .collect();
        let vectors = Vectors::new(5, &cells).unwrap();
        let (mut sum, mut pairs) = (0.0, 0.0);
        for a in 0..vectors.len() {
            for b in 0..a {
                sum += crate::eigen::dot(vectors.get(a), vectors.get(b));
                pairs += 1.0;
            }
        }
        assert!((vectors.self_similarity().unwrap() - sum / pairs).abs() < 1e-12);
        assert_eq!(
            Vectors::new(2, &[0.0, 0.0, 1.0, 0.0])
                .unwrap()
                .self_similarity(),
            None
        );
        assert!(Vectors::new(0, &[]).is_err());
        assert!(Vectors::new(2, &[1.0]).is_err());
        assert!(Vectors::new(1, &[f32::NAN]).is_err());
        assert!(Vectors::new(3, &[]).unwrap().is_empty());
    }
}

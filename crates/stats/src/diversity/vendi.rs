//! The Vendi score: how many different rows a set amounts to.

use evalwright_core::Seed;
use rayon::prelude::*;
use serde::Serialize;

use super::{NgramVectors, Vectors, sample_of};
use crate::eigen::Symmetric;

/// A figure that may come from a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sampled {
    /// The figure.
    pub value: f64,
    /// Rows that it was computed on.
    pub rows: usize,
    /// Rows that there are.
    pub of: usize,
}

/// The Vendi score of texts under the cosine of their n-grams (Friedman and Dieng 2023, Transactions on Machine Learning
/// Research): the exponential of the entropy of the eigenvalues of the similarity matrix over its size. 1 when all rows
/// are equal, the number of rows when no two share anything.
///
/// Texts without words are left out. With more than `most` others a seeded sample of `most` is taken, and the score is
/// one of that many rows. The work grows with the cube: 1,000 rows took 0.3 s of one core. `None` for no rows.
#[must_use]
pub fn vendi_of_ngrams(vectors: &NgramVectors, most: usize, seed: Seed) -> Option<Sampled> {
    let with_words: Vec<usize> = (0..vectors.len())
        .filter(|row| !vectors.is_blank(*row))
        .collect();
    let sample = sample_of(with_words.len(), most, seed);
    let rows: Vec<usize> = sample
        .into_iter()
        .filter_map(|place| with_words.get(place).copied())
        .collect();
    let n = rows.len() as f64;
    let matrix = Symmetric::from(rows.len(), |a, b| {
        if a == b {
            1.0 / n
        } else {
            vectors.cosine(rows[a], rows[b]) / n
        }
    });
    Some(Sampled {
        value: score(&matrix.eigenvalues())?,
        rows: rows.len(),
        of: vectors.len(),
    })
}

/// The Vendi score of dense vectors under their cosine. The eigenvalues other than 0 of the matrix of all pairs are those
/// of the vectors' own product, so the work grows with the square of the dimensions and only linearly with the rows.
///
/// With more than `most` rows a seeded sample is taken. `None` for no rows, or when all vectors are zero.
#[must_use]
pub fn vendi_of_vectors(vectors: &Vectors, most: usize, seed: Seed) -> Option<Sampled> {
    let rows = sample_of(vectors.len(), most, seed);
    let sample = vectors.of_rows(&rows);
    Some(Sampled {
        value: score(&product(&sample).eigenvalues())?,
        rows: rows.len(),
        of: vectors.len(),
    })
}

/// XᵀX / n, or XXᵀ / n when there are fewer rows than dimensions.
fn product(vectors: &Vectors) -> Symmetric {
    let (rows, dimensions) = (vectors.len(), vectors.dimensions());
    let n = rows as f64;
    if rows <= dimensions {
        return Symmetric::from(rows, |a, b| {
            crate::eigen::dot(vectors.get(a), vectors.get(b)) / n
        });
    }
    let columns: Vec<Vec<f64>> = (0..dimensions)
        .into_par_iter()
        .map(|column| vectors.iter().map(|vector| vector[column]).collect())
        .collect();
    Symmetric::from(dimensions, |a, b| {
        crate::eigen::dot(&columns[a], &columns[b]) / n
    })
}

/// The exponential of the entropy of eigenvalues, scaled to sum 1; rounding below 0 counts as 0.
fn score(eigenvalues: &[f64]) -> Option<f64> {
    let sum: f64 = eigenvalues.iter().map(|value| value.max(0.0)).sum();
    if sum <= 0.0 {
        return None;
    }
    let entropy: f64 = eigenvalues
        .iter()
        .map(|value| value / sum)
        .filter(|share| *share > 0.0)
        .map(|share| -share * share.ln())
        .sum();
    Some(entropy.exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diversity::ngram_vectors;

    #[test]
    fn equal_rows_count_once_and_unlike_ones_each() {
        let same = ngram_vectors(&["a b", "a b", "a b", ""], 2);
        let same = vendi_of_ngrams(&same, 100, Seed(1)).unwrap();
        assert!((same.value - 1.0).abs() < 1e-9 && (same.rows, same.of) == (3, 4));
        let unlike = ngram_vectors(&["a", "b", "c", "d"], 1);
        assert!((vendi_of_ngrams(&unlike, 100, Seed(1)).unwrap().value - 4.0).abs() < 1e-9);
        let halves = Vectors::new(2, &[1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 3.0]).unwrap();
        assert!((vendi_of_vectors(&halves, 100, Seed(1)).unwrap().value - 2.0).abs() < 1e-9);
        // Two unit vectors with cosine ½: eigenvalues ¾ and ¼.
        let slanted = Vectors::new(2, &[1.0, 0.0, 0.5, 0.75_f32.sqrt()]).unwrap();
        let expected = (-(0.75 * 0.75_f64.ln() + 0.25 * 0.25_f64.ln())).exp();
        let got = vendi_of_vectors(&slanted, 100, Seed(1)).unwrap().value;
        assert!((got - expected).abs() < 1e-6);
        assert_eq!(
            vendi_of_vectors(&Vectors::new(2, &[]).unwrap(), 9, Seed(1)),
            None
        );
        let zero = Vectors::new(2, &[0.0, 0.0]).unwrap();
        assert_eq!(vendi_of_vectors(&zero, 9, Seed(1)), None);
    }

    #[test]
    fn both_products_and_the_sample_agree() {
        let cells: Vec<f32> = (0..600)
            .map(|place| ((place * 7919) % 101) as f32 - 50.0)
            .collect();
        let wide = Vectors::new(60, &cells).unwrap();
        let small = vendi_of_vectors(&wide, 100, Seed(1)).unwrap();
        let pairs = Symmetric::from(10, |a, b| {
            crate::eigen::dot(wide.get(a), wide.get(b)) / 10.0
        });
        assert!((small.value - score(&pairs.eigenvalues()).unwrap()).abs() < 1e-9);
        let tall = Vectors::new(6, &cells).unwrap();
        let all = vendi_of_vectors(&tall, 100, Seed(1)).unwrap();
        let pairs = Symmetric::from(100, |a, b| {
            crate::eigen::dot(tall.get(a), tall.get(b)) / 100.0
        });
        assert!((all.value - score(&pairs.eigenvalues()).unwrap()).abs() < 1e-9);
        let sample = vendi_of_vectors(&tall, 40, Seed(1)).unwrap();
        assert_eq!((sample.rows, sample.of), (40, 100));
        assert_eq!(vendi_of_vectors(&tall, 40, Seed(1)), Some(sample));
    }
}

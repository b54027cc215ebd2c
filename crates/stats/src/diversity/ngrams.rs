//! Word n-grams of texts: how many are distinct, and texts as sparse vectors of them.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use evalwright_core::ContentHash;

use super::{Vectors, mean_cosine};
use crate::giveaway::{numbered_words, words};

/// The longest n-gram.
const LONGEST: usize = 3;

/// Word numbers, unused places filled up.
type Ngram = [u32; LONGEST];

fn ngrams(words: &[u32], n: usize) -> impl Iterator<Item = Ngram> + '_ {
    words.windows(n).map(|window| {
        let mut ngram = [u32::MAX; LONGEST];
        for (place, word) in ngram.iter_mut().zip(window) {
            *place = *word;
        }
        ngram
    })
}

/// Distinct n-grams over all n-grams of all texts together (Li, Galley, Brockett, Gao and Dolan 2016, NAACL: 110–119), in
/// (0, 1]; `n` is 1, 2 or 3. It falls as texts become more, so only sets of equal size can be compared.
///
/// `None` for another `n`, or when no text has `n` words.
#[must_use]
pub fn distinct_ngrams(texts: &[&str], n: usize) -> Option<f64> {
    if n == 0 || n > LONGEST {
        return None;
    }
    let (_, texts) = numbered_words(texts);
    let mut all: Vec<Ngram> = texts.iter().flat_map(|words| ngrams(words, n)).collect();
    let total = all.len();
    all.par_sort_unstable();
    all.dedup();
    (total > 0).then(|| all.len() as f64 / total as f64)
}

/// Texts as dense vectors of their words and pairs of neighbouring words, each counted once and weighing the logarithm of
/// texts over texts with it, hashed with a sign into `dimensions` numbers (Weinberger, Dasgupta, Langford, Smola and
/// Attenberg 2009, ICML: 1113–1120) and scaled to length 1. A text without words is a vector of zeros; no dimensions count
/// as one.
#[must_use]
pub fn hashed_vectors(texts: &[&str], dimensions: usize) -> Vectors {
    let dimensions = dimensions.max(1);
    let words: Vec<Vec<String>> = texts.par_iter().map(|text| words(text).collect()).collect();
    Vectors::scaled(dimensions, hashed_terms(words, dimensions))
}

/// What [`hashed_vectors`] is before it is scaled, one row of `dimensions` numbers after another, for texts whose words are
/// known. No dimensions count as one.
#[must_use]
pub fn hashed_terms(words: Vec<Vec<String>>, dimensions: usize) -> Vec<f64> {
    let dimensions = dimensions.max(1);
    let texts = words.len();
    let terms: Vec<Vec<String>> = words
        .into_par_iter()
        .map(|words| {
            let mut terms: Vec<String> = words.windows(2).map(|pair| pair.join(" ")).collect();
            terms.extend(words);
            terms.sort_unstable();
            terms.dedup();
            terms
        })
        .collect();
    let mut frequency: BTreeMap<&str, usize> = BTreeMap::new();
    for term in terms.iter().flatten() {
        *frequency.entry(term).or_default() += 1;
    }
    let places: BTreeMap<&str, (usize, f64)> = frequency
        .into_iter()
        .map(|(term, count)| {
            let hash = ContentHash::of(term.as_bytes()).leading_u64();
            let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
            let weight = (texts as f64 / count as f64).ln();
            (term, ((hash % dimensions as u64) as usize, sign * weight))
        })
        .collect();
    let mut cells = vec![0.0; dimensions * texts];
    for (row, terms) in cells.chunks_exact_mut(dimensions).zip(&terms) {
        for (place, weight) in terms.iter().filter_map(|term| places.get(term.as_str())) {
            row[*place] += weight;
        }
    }
    cells
}

/// Texts as vectors of n-gram counts, scaled to length 1.
#[derive(Debug, Clone, PartialEq)]
pub struct NgramVectors {
    dimensions: usize,
    /// For each text its n-grams' numbers, rising, and their values.
    rows: Vec<Vec<(u32, f64)>>,
}

/// Vectors of the word n-grams of length 1 to `longest`, which is at most 3; a text without words has an empty one.
#[must_use]
pub fn ngram_vectors(texts: &[&str], longest: usize) -> NgramVectors {
    let (_, texts) = numbered_words(texts);
    let mut numbers: HashMap<Ngram, u32> = HashMap::new();
    let rows = texts
        .iter()
        .map(|words| {
            let mut row: Vec<u32> = (1..=longest.min(LONGEST))
                .flat_map(|n| ngrams(words, n))
                .map(|ngram| {
                    let next = numbers.len() as u32;
                    *numbers.entry(ngram).or_insert(next)
                })
                .collect();
            row.sort_unstable();
            let mut counted: Vec<(u32, f64)> = row
                .chunk_by(|a, b| a == b)
                .filter_map(|run| Some((*run.first()?, run.len() as f64)))
                .collect();
            let length = counted
                .iter()
                .map(|(_, count)| count * count)
                .sum::<f64>()
                .sqrt();
            counted.iter_mut().for_each(|(_, count)| *count /= length);
            counted
        })
        .collect();
    NgramVectors {
        dimensions: numbers.len(),
        rows,
    }
}

impl NgramVectors {
    /// Texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The mean cosine of two different texts, in [0, 1], exactly and in linear time. Texts without words are left out;
    /// `None` for fewer than two others.
    #[must_use]
    pub fn self_similarity(&self) -> Option<f64> {
        let mut sum = vec![0.0; self.dimensions];
        for (number, value) in self.rows.iter().flatten() {
            sum[*number as usize] += value;
        }
        let square: f64 = sum.iter().map(|value| value * value).sum();
        let count = self.rows.iter().filter(|row| !row.is_empty()).count();
        mean_cosine(square, count as f64)
    }

    /// The cosine of two texts; 0 when one has no words or does not exist.
    #[must_use]
    pub fn cosine(&self, first: usize, second: usize) -> f64 {
        let (Some(first), Some(second)) = (self.rows.get(first), self.rows.get(second)) else {
            return 0.0;
        };
        let (mut sum, mut place) = (0.0, 0);
        for (number, value) in first {
            while second.get(place).is_some_and(|(other, _)| other < number) {
                place += 1;
            }
            match second.get(place) {
                Some((other, other_value)) if other == number => sum += value * other_value,
                Some(_) => {}
                None => break,
            }
        }
        sum
    }

    pub(super) fn is_blank(&self, row: usize) -> bool {
        self.rows.get(row).is_none_or(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let texts = ["a b a b", "A b", "", "c"];
        // a b a b a b c: three of seven; ab ba ab ab: two of four; aba bab: both.
        assert!((distinct_ngrams(&texts, 1).unwrap() - 3.0 / 7.0).abs() < 1e-12);
        assert!((distinct_ngrams(&texts, 2).unwrap() - 0.5).abs() < 1e-12);
        assert!((distinct_ngrams(&texts, 3).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(distinct_ngrams(&texts, 4), None);
        assert_eq!(distinct_ngrams(&["a"], 2), None);
        let vectors = ngram_vectors(&texts, 1);
        assert!((vectors.cosine(0, 1) - 1.0).abs() < 1e-12);
        assert!(vectors.cosine(0, 3).abs() < 1e-12 && vectors.cosine(0, 2).abs() < 1e-12);
        // Pairs of the three texts with words: 1, 0, 0.
        assert!((vectors.self_similarity().unwrap() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(ngram_vectors(&["x", ""], 2).self_similarity(), None);
    }

    #[test]
    fn hashed_vectors_are_near_where_words_are_shared() {
        let texts = [
            "the red garden gate",
            "a red garden gate",
            "violins play at noon",
            "",
        ];
        // So many that no two of the terms share a place.
        let vectors = hashed_vectors(&texts, 4_096);
        let dot = |a: usize, b: usize| -> f64 {
            let pairs = vectors.get(a).iter().zip(vectors.get(b));
            pairs.map(|(x, y)| x * y).sum()
        };
        assert!((dot(0, 0) - 1.0).abs() < 1e-12);
        assert!(dot(0, 1) > dot(0, 2) + 0.2, "{} {}", dot(0, 1), dot(0, 2));
        assert!(dot(3, 3).abs() < 1e-12);
        assert_eq!(hashed_vectors(&[], 0).len(), 0);
    }
}

//! Clusters of texts by their words, for a choice that covers all of them.
//!
//! Each text is a vector of hashed words and pairs of words; spherical k-means groups the vectors. What is alike
//! in words is alike here; what says the same in other words is not.

use evalwright_core::Seed;
use evalwright_stats::diversity::hashed_terms;

use super::wording::words_in_order;
use crate::draw::Draw;

/// Numbers in a vector.
const DIMENSIONS: usize = 128;
/// Candidates that a cluster has on average.
const PER_CLUSTER: usize = 20;
/// Most clusters.
const MOST: usize = 50;
/// Rounds of k-means at the most.
const ROUNDS: u32 = 20;

type Vector = Vec<f64>;

/// The cluster of each text, from 0 on; so many clusters at the most, or one for 20 texts. Texts should come in an order that does not depend on the input: sums
/// are taken and clusters are numbered in it.
pub(super) fn lexical_clusters(texts: &[&str], wanted: Option<usize>, seed: Seed) -> Vec<u32> {
    let count = match wanted {
        Some(wanted) => wanted.min(texts.len()).max(1),
        None => (texts.len() / PER_CLUSTER).clamp(1, MOST),
    };
    if count == 1 {
        return vec![0; texts.len()];
    }
    let vectors = vectors(texts);
    let mut centres = start(&vectors, count, seed);
    let mut places = vec![0_usize; vectors.len()];
    for round in 0..ROUNDS {
        let next: Vec<usize> = vectors
            .iter()
            .map(|vector| nearest(&centres, vector))
            .collect();
        if round > 0 && next == places {
            break;
        }
        places = next;
        let mut sums = vec![vec![0.0; DIMENSIONS]; count];
        for (vector, place) in vectors.iter().zip(&places) {
            if let Some(sum) = sums.get_mut(*place) {
                add(sum, vector, 1.0);
            }
        }
        for (centre, mut sum) in centres.iter_mut().zip(sums) {
            // A cluster that lost all its texts stays where it was.
            if normalise(&mut sum) {
                *centre = sum;
            }
        }
    }
    places
        .into_iter()
        .map(|place| u32::try_from(place).unwrap_or(0))
        .collect()
}

/// Vectors of length 1 (or 0 for a text without words): words and pairs of neighbours, rarer ones weighing more
/// (the logarithm of texts over texts with it), hashed with a sign (Weinberger et al. 2009).
fn vectors(texts: &[&str]) -> Vec<Vector> {
    let words = texts.iter().map(|text| words_in_order(text)).collect();
    let mut cells = hashed_terms(words, DIMENSIONS);
    cells
        .chunks_exact_mut(DIMENSIONS)
        .map(|vector| {
            normalise(vector);
            vector.to_vec()
        })
        .collect()
}

/// Centres far from each other: each next one is a text drawn with a chance that grows with the square of its
/// distance from the centres so far (Arthur and Vassilvitskii 2007).
fn start(vectors: &[Vector], count: usize, seed: Seed) -> Vec<Vector> {
    let mut draw = Draw::new(seed.derive("clusters"));
    let mut centres: Vec<Vector> = Vec::new();
    let mut distances = vec![1.0_f64; vectors.len()];
    while centres.len() < count {
        let total: f64 = distances.iter().sum();
        let mut left = draw.unit() * total;
        let chosen = distances
            .iter()
            .position(|distance| {
                left -= distance;
                left < 0.0
            })
            .unwrap_or(0);
        let centre = vectors.get(chosen).cloned().unwrap_or_default();
        for (distance, vector) in distances.iter_mut().zip(vectors) {
            // For vectors of length 1 the squared distance is twice this.
            *distance = distance.min((1.0 - product(&centre, vector)).max(0.0));
        }
        centres.push(centre);
    }
    centres
}

/// The centre with the largest product; ties: the first.
fn nearest(centres: &[Vector], vector: &Vector) -> usize {
    let mut best = (f64::NEG_INFINITY, 0);
    for (place, centre) in centres.iter().enumerate() {
        let near = product(centre, vector);
        if near > best.0 {
            best = (near, place);
        }
    }
    best.1
}

fn product(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn add(sum: &mut [f64], vector: &[f64], factor: f64) {
    for (sum, number) in sum.iter_mut().zip(vector) {
        *sum += factor * number;
    }
}

/// Scales to length 1; `false` for a vector of zeros.
fn normalise(vector: &mut [f64]) -> bool {
    let length = product(vector, vector).sqrt();
    if length > 0.0 {
        for number in vector.iter_mut() {
            *number /= length;
        }
    }
    length > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_about_one_thing_come_together() {
        let topics = [
            ["garden", "roses", "soil", "seeds"],
            ["engine", "brakes", "wheels", "road"],
            ["violin", "concert", "piano", "notes"],
        ];
        let texts: Vec<String> = (0..60)
            .map(|number| {
                let topic = topics[number % 3];
                format!(
                    "the {} and the {} of {number}",
                    topic[number / 3 % 4],
                    topic[(number / 3 + 1) % 4]
                )
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let clusters = lexical_clusters(&texts, None, Seed(2));
        let mut pure = 0;
        for (one, first) in clusters.iter().enumerate() {
            for (other, second) in clusters.iter().enumerate() {
                pure += usize::from((first == second) == (one % 3 == other % 3));
            }
        }
        assert!(pure > 3000, "{pure} of 3600 pairs are as the topics are");
        assert_eq!(clusters, lexical_clusters(&texts, None, Seed(2)));
        let three = lexical_clusters(&texts, Some(3), Seed(2));
        assert_eq!(three.iter().max(), Some(&2));
    }

    #[test]
    fn few_or_empty_texts_are_one_cluster() {
        assert!(lexical_clusters(&[], None, Seed(1)).is_empty());
        assert_eq!(lexical_clusters(&["a", ""], None, Seed(1)), [0, 0]);
        let empty = vec![""; 50];
        assert!(
            lexical_clusters(&empty, None, Seed(1))
                .iter()
                .all(|cluster| *cluster == 0)
        );
    }
}

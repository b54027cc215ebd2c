//! Seeded clusters of vectors, and how evenly rows fall into them.

use evalwright_core::Seed;
use rayon::prelude::*;
use serde::Serialize;

use super::{Vectors, sample_of};
use crate::random::Stream;

/// Rounds after which the search ends even if a row still changes its cluster.
const ROUNDS: usize = 50;

/// Vectors summed by one task; sums are joined in a fixed order.
const CHUNK: usize = 1024;

/// Rows in groups of alike ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clusters {
    /// The cluster of each row, counted from 0 in falling order of size; equal sizes by their first row.
    #[serde(skip)]
    pub cluster_of: Vec<usize>,
    /// Rows in each cluster, falling.
    pub sizes: Vec<u64>,
    /// The entropy of the sizes over its maximum ln k: 1 when all clusters are equally full, 0 when one holds everything;
    /// null for a single cluster.
    pub evenness: Option<f64>,
    /// `exp(entropy)`: how many equally full clusters would be as uneven.
    pub effective: f64,
    /// Rows that the centres were found on.
    pub fitted_on: usize,
}

/// Groups vectors into at most `k` clusters by k-means with spread-out starts (Lloyd 1982, IEEE Transactions on Information
/// Theory 28: 129–137; Arthur and Vassilvitskii 2007, SODA: 1027–1035). With more than `most` rows the centres are found on a
/// seeded sample, and every row then joins its nearest centre.
///
/// Fewer clusters come back when there are fewer distinct vectors. `None` for no rows or no clusters.
#[must_use]
pub fn clusters(vectors: &Vectors, k: usize, most: usize, seed: Seed) -> Option<Clusters> {
    if vectors.is_empty() || k == 0 {
        return None;
    }
    let rows = sample_of(vectors.len(), most, seed);
    let sample = vectors.of_rows(&rows);
    let mut stream = Stream::new(seed.derive("cluster starts"));
    let mut centres = starts(&sample, k, &mut stream);
    let mut assigned: Vec<usize> = Vec::new();
    for _ in 0..ROUNDS {
        let next = nearest(&sample, &centres);
        if next == assigned {
            break;
        }
        assigned = next;
        move_centres(&sample, &assigned, &mut centres);
    }
    let cluster_of = nearest(vectors, &centres);
    Some(ordered(cluster_of, centres.len(), rows.len()))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// Rows drawn with the square of their distance to the nearest centre so far as weight.
fn starts(vectors: &Vectors, k: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
    let first = vectors.get(stream.below(vectors.len())).to_vec();
    let mut gaps: Vec<f64> = vectors.iter().map(|row| distance(row, &first)).collect();
    let mut centres = vec![first];
    while centres.len() < k {
        let total: f64 = gaps.iter().sum();
        if total <= 1e-12 {
            break;
        }
        let mut left = stream.unit() * total;
        let chosen = gaps.iter().position(|gap| {
            left -= gap;
            left < 0.0
        });
        // Rounding can leave a rest: the farthest row then.
        let farthest = || (0..gaps.len()).max_by(|a, b| gaps[*a].total_cmp(&gaps[*b]));
        let Some(chosen) = chosen.or_else(farthest) else {
            break;
        };
        let centre = vectors.get(chosen).to_vec();
        for (gap, row) in gaps.iter_mut().zip(vectors.iter()) {
            *gap = gap.min(distance(row, &centre));
        }
        centres.push(centre);
    }
    centres
}

/// The nearest centre of each row, the first among equally near ones.
fn nearest(vectors: &Vectors, centres: &[Vec<f64>]) -> Vec<usize> {
    (0..vectors.len())
        .into_par_iter()
        .map(|row| {
            let row = vectors.get(row);
            let gaps = centres.iter().map(|centre| distance(row, centre));
            gaps.enumerate()
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .map_or(0, |(centre, _)| centre)
        })
        .collect()
}

/// Every centre becomes the mean of its rows; one without rows stays.
fn move_centres(vectors: &Vectors, assigned: &[usize], centres: &mut [Vec<f64>]) {
    let (k, dimensions) = (centres.len(), vectors.dimensions());
    let rows: Vec<usize> = (0..assigned.len()).collect();
    let parts: Vec<(Vec<f64>, Vec<u64>)> = rows
        .par_chunks(CHUNK)
        .map(|rows| {
            let (mut sums, mut counts) = (vec![0.0; k * dimensions], vec![0; k]);
            for row in rows {
                let centre = assigned[*row];
                counts[centre] += 1;
                let sum = &mut sums[centre * dimensions..(centre + 1) * dimensions];
                for (sum, cell) in sum.iter_mut().zip(vectors.get(*row)) {
                    *sum += cell;
                }
            }
            (sums, counts)
        })
        .collect();
    for (place, centre) in centres.iter_mut().enumerate() {
        let count: u64 = parts.iter().map(|(_, counts)| counts[place]).sum();
        if count > 0 {
            for (dimension, cell) in centre.iter_mut().enumerate() {
                let sums = parts
                    .iter()
                    .map(|(sums, _)| sums[place * dimensions + dimension]);
                *cell = sums.sum::<f64>() / count as f64;
            }
        }
    }
}

/// The entropy of counts over its maximum ln k: 1 when all are equal, 0 when one holds everything. `None` for fewer than
/// two counts, or when all are 0.
#[must_use]
pub fn evenness(counts: &[u64]) -> Option<f64> {
    let is_defined = counts.len() > 1 && counts.iter().any(|count| *count > 0);
    is_defined.then(|| (entropy(counts) / (counts.len() as f64).ln()).clamp(0.0, 1.0))
}

/// In nats; empty counts add nothing.
fn entropy(counts: &[u64]) -> f64 {
    let all: u64 = counts.iter().sum();
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f64 / all as f64)
        .map(|share| -share * share.ln())
        .sum()
}

fn ordered(cluster_of: Vec<usize>, k: usize, fitted_on: usize) -> Clusters {
    let mut sizes = vec![0_u64; k];
    let mut first = vec![usize::MAX; k];
    for (row, cluster) in cluster_of.iter().enumerate() {
        sizes[*cluster] += 1;
        first[*cluster] = first[*cluster].min(row);
    }
    let mut order: Vec<usize> = (0..k).filter(|cluster| sizes[*cluster] > 0).collect();
    order.sort_by_key(|cluster| (std::cmp::Reverse(sizes[*cluster]), first[*cluster]));
    let mut rank = vec![0; k];
    for (place, cluster) in order.iter().enumerate() {
        rank[*cluster] = place;
    }
    let sizes: Vec<u64> = order.iter().map(|cluster| sizes[*cluster]).collect();
    Clusters {
        cluster_of: cluster_of
            .into_iter()
            .map(|cluster| rank[cluster])
            .collect(),
        evenness: evenness(&sizes),
        effective: entropy(&sizes).exp(),
        sizes,
        fitted_on,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenness_by_hand() {
        assert!((evenness(&[5, 5, 0, 0]).unwrap() - 0.5).abs() < 1e-12);
        assert!((evenness(&[7, 0]).unwrap()).abs() < 1e-12);
        assert!((evenness(&[3, 3, 3]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(evenness(&[3]), None);
        assert_eq!(evenness(&[0, 0]), None);
    }

    /// Three bundles of directions with 40, 20 and 10 rows, turned a little each.
    fn bundles() -> Vectors {
        let cells: Vec<f32> = (0..70)
            .flat_map(|row| {
                let base: f32 = match row {
                    0..40 => 0.0,
                    40..60 => 1.5,
                    _ => 3.0,
                };
                let angle = base + (row % 7) as f32 * 0.02;
                [angle.cos(), angle.sin()]
            })
            .collect();
        Vectors::new(2, &cells).unwrap()
    }

    #[test]
    fn plain_bundles_are_found_and_threads_do_not_matter() {
        let with_threads = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| clusters(&bundles(), 3, 1000, Seed(1)).unwrap())
        };
        let found = with_threads(1);
        assert_eq!(found, with_threads(3));
        assert_eq!(found.sizes, [40, 20, 10]);
        assert_eq!(
            (
                found.cluster_of[0],
                found.cluster_of[41],
                found.cluster_of[69]
            ),
            (0, 1, 2)
        );
        let shares = [4.0_f64 / 7.0, 2.0 / 7.0, 1.0 / 7.0];
        let entropy: f64 = shares.iter().map(|share| -share * share.ln()).sum();
        assert!((found.evenness.unwrap() - entropy / 3.0_f64.ln()).abs() < 1e-12);
        assert!((found.effective - entropy.exp()).abs() < 1e-12);
    }

    #[test]
    fn few_distinct_rows_give_few_clusters() {
        let same = Vectors::new(2, &[1.0, 0.0, 2.0, 0.0]).unwrap();
        let one = clusters(&same, 5, 10, Seed(1)).unwrap();
        assert_eq!((one.sizes, one.evenness), (vec![2], None));
        assert_eq!(clusters(&same, 0, 10, Seed(1)), None);
        let sampled = clusters(&bundles(), 3, 50, Seed(2)).unwrap();
        assert_eq!((sampled.fitted_on, sampled.cluster_of.len()), (50, 70));
    }
}

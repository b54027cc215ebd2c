//! Intervals by drawing items again, where a statistic depends on items only through sums over them.
//!
//! Items that add the same are one group, and drawing n items with replacement is one multinomial draw over
//! groups: a million items in twenty groups cost twenty binomial draws. Each draw has a seed of its own, so the
//! result is the same for any number of threads, and groups are sorted, so the order of items leaves no trace.

use evalwright_core::Seed;
use rayon::prelude::*;

use crate::binomial::multinomial;
use crate::describe::quantile;
use crate::interval::Interval;
use crate::random::Stream;

/// Groups of items that add the same numbers to every sum.
#[derive(Debug, Clone)]
pub(crate) struct Additive {
    width: usize,
    contributions: Vec<f64>,
    weights: Vec<u64>,
}

impl Additive {
    /// `contributions` holds `width` numbers for each weight.
    pub(crate) fn new(width: usize, contributions: Vec<f64>, weights: &[u64]) -> Self {
        Self {
            width,
            contributions,
            weights: weights.to_vec(),
        }
    }

    /// The sums over all items as they are.
    pub(crate) fn sums(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        self.add(&self.weights, &mut sums);
        sums
    }

    fn add(&self, counts: &[u64], sums: &mut [f64]) {
        sums.fill(0.0);
        for (row, count) in self.contributions.chunks_exact(self.width).zip(counts) {
            if *count > 0 {
                let count = *count as f64;
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += count * value;
                }
            }
        }
    }

    /// Counts of one draw of as many items as there are. With about as many groups as items, single items are
    /// drawn instead of binomials.
    fn draw(&self, items: u64, stream: &mut Stream, counts: &mut [u64]) {
        if self.weights.len() as u64 * 2 > items && self.weights.iter().all(|weight| *weight == 1) {
            counts.fill(0);
            for _ in 0..items {
                counts[stream.below(self.weights.len())] += 1;
            }
        } else {
            multinomial(stream, items, &self.weights, counts);
        }
    }
}

/// The values of a statistic over `draws` draws of all items with replacement; draws without a value are left out.
pub(crate) fn resampled<F>(groups: &Additive, draws: usize, seed: Seed, statistic: F) -> Vec<f64>
where
    F: Fn(&[f64]) -> Option<f64> + Sync,
{
    let items: u64 = groups.weights.iter().sum();
    if items == 0 || groups.width == 0 {
        return Vec::new();
    }
    (0..draws)
        .into_par_iter()
        .map_init(
            || (vec![0; groups.weights.len()], vec![0.0; groups.width]),
            |(counts, sums), draw| {
                let mut stream = Stream::new(seed.derive(&format!("draw {draw}")));
                groups.draw(items, &mut stream, counts);
                groups.add(counts, sums);
                statistic(sums).filter(|value| value.is_finite())
            },
        )
        .flatten_iter()
        .collect()
}

/// The percentile interval of a statistic over items drawn again with replacement, as
/// [`crate::bootstrap::bootstrap_interval`] gives it for statistics that need the items themselves. It always holds the
/// statistic of the items as they are.
///
/// `None` for no items, no draws, a confidence outside (0, 1), or when half of the draws or more are undefined.
pub(crate) fn resampled_interval<F>(
    groups: &Additive,
    draws: usize,
    confidence: f64,
    seed: Seed,
    statistic: F,
) -> Option<Interval>
where
    F: Fn(&[f64]) -> Option<f64> + Sync,
{
    let values = resampled(groups, draws, seed, &statistic);
    let interval = percentile_interval(values, draws, confidence)?;
    let value = statistic(&groups.sums()).filter(|value| value.is_finite());
    Some(value.map_or(interval, |value| interval.widened_to(value)))
}

/// The percentiles of drawn values (Efron 1979, Annals of Statistics 7: 1–26). `None` for no draws, a confidence
/// outside (0, 1), or when half of the draws or more left no value.
pub(crate) fn percentile_interval(
    mut values: Vec<f64>,
    draws: usize,
    confidence: f64,
) -> Option<Interval> {
    if draws == 0 || values.len() * 2 <= draws || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let outside = (1.0 - confidence) / 2.0;
    Some(Interval {
        low: quantile(&values, outside)?,
        high: quantile(&values, 1.0 - outside)?,
    })
}

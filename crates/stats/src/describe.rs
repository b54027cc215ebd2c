//! Counts in bins, quantiles and a short summary of a list of numbers.

use serde::{Deserialize, Serialize};

/// A list of numbers in seven figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many numbers.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// The smallest.
    pub minimum: f64,
    /// A quarter lies below.
    pub lower_quartile: f64,
    /// Half lies below.
    pub median: f64,
    /// Three quarters lie below.
    pub upper_quartile: f64,
    /// The largest.
    pub maximum: f64,
}

/// Counts of values in `bins` bins of equal width over [`low`, `high`]. A bin holds its lower edge and not its
/// upper one, but the last holds both. Values outside, and values that are not numbers, are not counted.
///
/// All counts are 0 when `low` is not below `high` or an end is not finite; without bins the list is empty.
#[must_use]
pub fn histogram(values: &[f64], low: f64, high: f64, bins: usize) -> Vec<u64> {
    let mut counts = vec![0_u64; bins];
    for value in values {
        if let Some(count) = bin_of(*value, low, high, bins).and_then(|bin| counts.get_mut(bin)) {
            *count += 1;
        }
    }
    counts
}

/// The bin of a value under the rule of [`histogram`].
pub(crate) fn bin_of(value: f64, low: f64, high: f64, bins: usize) -> Option<usize> {
    let usable = low.is_finite() && high.is_finite() && low < high && bins > 0;
    if !usable || !(low..=high).contains(&value) {
        return None;
    }
    let place = (value - low) / (high - low) * bins as f64;
    Some((place.floor() as usize).min(bins - 1))
}

/// The value below which the share `probability` of `sorted` lies, by linear interpolation between the two
/// nearest (type 7 of Hyndman and Fan 1996, The American Statistician 50: 361–365).
///
/// `sorted` must rise. Worked number: 1, 2, 4 at 0.75 gives 3. `None` for an empty list or a probability
/// outside [0, 1].
#[must_use]
pub fn quantile(sorted: &[f64], probability: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&probability) {
        return None;
    }
    let last = sorted.len().checked_sub(1)?;
    let place = probability * last as f64;
    let below = place.floor() as usize;
    let start = *sorted.get(below)?;
    let end = *sorted.get((below + 1).min(last))?;
    Some(start + (end - start) * (place - below as f64))
}

/// The summary of a list in any order; `None` when it is empty or holds a value that is not finite.
#[must_use]
pub fn summarise(values: &[f64]) -> Option<Summary> {
    if values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(Summary {
        count: u64::try_from(sorted.len()).ok()?,
        minimum: *sorted.first()?,
        lower_quartile: quantile(&sorted, 0.25)?,
        median: quantile(&sorted, 0.5)?,
        upper_quartile: quantile(&sorted, 0.75)?,
        maximum: *sorted.last()?,
        // Over the sorted list, so that the order of the input cannot change the rounding.
        mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edges_fall_upwards_and_the_last_bin_is_closed() {
        let values = [0.0, 0.25, 0.5, 0.99, 1.0, 1.01, -0.1, f64::NAN];
        assert_eq!(histogram(&values, 0.0, 1.0, 4), [1, 1, 1, 2]);
        assert_eq!(histogram(&values, 1.0, 1.0, 2), [0, 0]);
        assert!(histogram(&values, 0.0, 1.0, 0).is_empty());
        let tenths: Vec<f64> = (0..10).map(|tenth| f64::from(tenth) / 10.0).collect();
        assert_eq!(histogram(&tenths, 0.0, 1.0, 10), [1; 10]);
    }

    #[test]
    fn quantiles_interpolate() {
        let sorted = [1.0, 2.0, 4.0];
        for (probability, expected) in [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            let got = quantile(&sorted, probability).unwrap();
            assert!((got - expected).abs() < 1e-12, "{probability}: {got}");
        }
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&sorted, 1.1), None);
        assert_eq!(quantile(&sorted, f64::NAN), None);
    }

    proptest! {
        #[test]
        fn a_summary_is_ordered_and_ignores_order(values in prop::collection::vec(-1e6_f64..1e6, 1..50)) {
            let summary = summarise(&values).unwrap();
            let ordered = [summary.minimum, summary.lower_quartile, summary.median, summary.upper_quartile, summary.maximum];
            prop_assert!(ordered.is_sorted());
            prop_assert!(summary.minimum - 1e-6 <= summary.mean && summary.mean <= summary.maximum + 1e-6);
            let reversed: Vec<f64> = values.iter().rev().copied().collect();
            prop_assert_eq!(summarise(&reversed), Some(summary));
        }

        #[test]
        fn every_value_in_range_is_counted_once(values in prop::collection::vec(0.0_f64..=1.0, 0..80), bins in 1_usize..20) {
            let total: u64 = histogram(&values, 0.0, 1.0, bins).iter().sum();
            prop_assert_eq!(total, values.len() as u64);
        }
    }
}

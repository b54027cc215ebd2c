//! Percentile intervals by drawing items again.
//!
//! Every draw has a seed of its own, derived from the given one and its number, so the result is the same for
//! any number of threads.

use evalwright_core::Seed;
use rayon::prelude::*;

use crate::interval::Interval;
use crate::random::Stream;
use crate::resample::percentile_interval;

/// The percentile interval of a statistic over `n` items drawn again with replacement (Efron 1979, Annals of
/// Statistics 7: 1–26; ends by linear interpolation as in [`crate::describe::quantile`]).
///
/// `statistic` receives `n` item numbers below `n`, repeated ones included, and returns `None` where it is
/// undefined for a draw; such draws are left out. `None` for no items, no draws, a confidence outside (0, 1),
/// or when half of the draws or more are undefined. A statistic that is constant gives an interval of width 0.
pub fn bootstrap_interval<F>(
    n: usize,
    draws: usize,
    confidence: f64,
    seed: Seed,
    statistic: F,
) -> Option<Interval>
where
    F: Fn(&[usize]) -> Option<f64> + Sync,
{
    if n == 0 || draws == 0 || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let values: Vec<f64> = (0..draws)
        .into_par_iter()
        .filter_map(|draw| {
            let seed = seed.derive(&format!("draw {draw}"));
            let mut stream = Stream::new(seed);
            let items: Vec<usize> = (0..n).map(|_| stream.below(n)).collect();
            statistic(&items).filter(|value| value.is_finite())
        })
        .collect();
    percentile_interval(values, draws, confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mean_of(values: &[f64]) -> impl Fn(&[usize]) -> Option<f64> + Sync {
        move |items| Some(items.iter().map(|item| values[*item]).sum::<f64>() / items.len() as f64)
    }

    #[test]
    fn near_the_normal_interval_for_a_share() {
        // 100 successes of 400: standard error √(0.25·0.75/400) = 0.02165, so 0.25 ± 0.0424.
        let values: Vec<f64> = (0..400)
            .map(|item| f64::from(u8::from(item % 4 == 0)))
            .collect();
        let interval = bootstrap_interval(400, 4000, 0.95, Seed(1), mean_of(&values)).unwrap();
        assert!((interval.low - 0.2076).abs() < 0.006, "{interval:?}");
        assert!((interval.high - 0.2924).abs() < 0.006, "{interval:?}");
    }

    #[test]
    fn threads_do_not_matter_and_seeds_do() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let with_threads = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| bootstrap_interval(50, 500, 0.9, Seed(7), mean_of(&values)))
        };
        assert_eq!(with_threads(1), with_threads(4));
        let other = bootstrap_interval(50, 500, 0.9, Seed(8), mean_of(&values));
        assert_ne!(with_threads(1), other);
    }

    #[test]
    fn undefined_draws_are_left_out_unless_they_are_half() {
        let sometimes = |items: &[usize]| items.first().filter(|item| **item > 0).map(|_| 1.0);
        let interval = bootstrap_interval(10, 400, 0.95, Seed(0), sometimes).unwrap();
        assert!(interval.holds(1.0));
        assert_eq!(bootstrap_interval(10, 400, 0.95, Seed(0), |_| None), None);
        assert_eq!(
            bootstrap_interval(10, 400, 0.95, Seed(0), |_| Some(f64::NAN)),
            None
        );
        assert_eq!(
            bootstrap_interval(0, 400, 0.95, Seed(0), |_| Some(1.0)),
            None
        );
        assert_eq!(bootstrap_interval(3, 0, 0.95, Seed(0), |_| Some(1.0)), None);
    }

    proptest! {
        #[test]
        fn a_mean_stays_between_its_ends(values in prop::collection::vec(-5.0_f64..5.0, 1..40), seed in any::<u64>()) {
            let interval = bootstrap_interval(values.len(), 100, 0.95, Seed(seed), mean_of(&values)).unwrap();
            let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(lowest - 1e-9 <= interval.low && interval.low <= interval.high && interval.high <= highest + 1e-9);
        }
    }
}

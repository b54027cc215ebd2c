//! Exact draws from binomial and multinomial distributions, in time that does not grow with the number of trials.

use crate::random::Stream;

/// Below this mean the distribution function is searched from 0; the rejection method needs at least it.
const SEARCHED_MEAN: f64 = 10.0;

/// How many of `trials` succeed when each does with probability `probability`; exact up to the rounding of
/// 64-bit floating point.
///
/// Small means by inversion; others by the transformed rejection BTRS (Hörmann 1993, Journal of Statistical
/// Computation and Simulation 46: 101–110). A probability outside [0, 1] counts as the nearer end.
pub(crate) fn binomial(stream: &mut Stream, trials: u64, probability: f64) -> u64 {
    if trials == 0 || probability <= 0.0 {
        0
    } else if probability >= 1.0 {
        trials
    } else if probability > 0.5 {
        trials - smaller_half(stream, trials, 1.0 - probability)
    } else {
        smaller_half(stream, trials, probability)
    }
}

/// For 0 < `probability` ≤ 1/2.
fn smaller_half(stream: &mut Stream, trials: u64, probability: f64) -> u64 {
    if trials as f64 * probability < SEARCHED_MEAN {
        searched(stream, trials, probability)
    } else {
        rejected(stream, trials, probability)
    }
}

fn searched(stream: &mut Stream, trials: u64, probability: f64) -> u64 {
    let odds = probability / (1.0 - probability);
    // At least e⁻¹⁴ for means below 10 and probabilities of at most 1/2, so it never vanishes.
    let none = (trials as f64 * (-probability).ln_1p()).exp();
    loop {
        let (mut left, mut mass) = (stream.unit(), none);
        for successes in 0..=trials {
            if left < mass {
                return successes;
            }
            left -= mass;
            mass *= (trials - successes) as f64 / (successes + 1) as f64 * odds;
            if mass < f64::MIN_POSITIVE {
                // Rounding left a rest beyond the whole mass: draw again.
                break;
            }
        }
    }
}

fn rejected(stream: &mut Stream, trials: u64, probability: f64) -> u64 {
    let n = trials as f64;
    let odds = probability / (1.0 - probability);
    let deviation = (n * probability * (1.0 - probability)).sqrt();
    // The constants of the paper's table for BTRS.
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * probability;
    let centre = n * probability + 0.5;
    let inner = 0.92 - 4.2 / b;
    let alpha = (2.83 + 5.1 / b) * deviation;
    let mode = ((n + 1.0) * probability).floor();
    loop {
        let u = stream.unit() - 0.5;
        let v = stream.unit();
        let edge = 0.5 - u.abs();
        let k = ((2.0 * a / edge + b) * u + centre).floor();
        if !(0.0..=n).contains(&k) {
            continue;
        }
        if edge >= 0.07 && v <= inner {
            return k as u64;
        }
        let height = (v * alpha / (a / (edge * edge) + b)).ln();
        let bound = (mode + 0.5) * ((mode + 1.0) / (odds * (n - mode + 1.0))).ln()
            + (n + 1.0) * ((n - mode + 1.0) / (n - k + 1.0)).ln()
            + (k + 0.5) * (odds * (n - k + 1.0) / (k + 1.0)).ln()
            + stirling_rest(mode)
            + stirling_rest(n - mode)
            - stirling_rest(k)
            - stirling_rest(n - k);
        if height <= bound {
            return k as u64;
        }
    }
}

/// ln k! − [(k + ½)·ln(k + 1) − (k + 1) + ½·ln 2π], the rest of Stirling's formula.
fn stirling_rest(k: f64) -> f64 {
    // ln k! for k below 10 is exact in a sum of ten logarithms; above, the series is good to 1e-12.
    if k < 10.0 {
        let mut logarithm = 0.0;
        let mut factor = 2.0;
        while factor <= k {
            logarithm += f64::ln(factor);
            factor += 1.0;
        }
        let half_of_two_pi = 0.5 * std::f64::consts::TAU.ln();
        return logarithm - ((k + 0.5) * (k + 1.0).ln() - (k + 1.0) + half_of_two_pi);
    }
    let square = (k + 1.0) * (k + 1.0);
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / 1680.0 / square) / square) / square)
        / (k + 1.0)
}

/// Shares `trials` out over cells in proportion to `weights`, one conditional binomial after the other. Writes
/// one count a cell into `counts`, which must be as long as `weights`; their sum is `trials` unless every
/// weight is 0.
pub(crate) fn multinomial(stream: &mut Stream, trials: u64, weights: &[u64], counts: &mut [u64]) {
    let mut mass: u64 = weights.iter().sum();
    let mut left = trials;
    for (count, weight) in counts.iter_mut().zip(weights) {
        *count = if *weight >= mass {
            // The last cell with any weight takes what is left, whatever rounding says.
            if *weight == 0 { 0 } else { left }
        } else {
            binomial(stream, left, *weight as f64 / mass as f64)
        };
        left -= *count;
        mass -= weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalwright_core::Seed;

    fn log_factorial(n: u64) -> f64 {
        (2..=n).map(|factor| (factor as f64).ln()).sum()
    }

    /// Pearson's statistic of draws against the exact probabilities, over cells expecting at least five.
    fn chi_square(trials: u64, probability: f64, draws: u64) -> (f64, f64) {
        let mut stream = Stream::new(Seed(trials ^ 99));
        let mut counts = vec![0_u64; trials as usize + 1];
        for _ in 0..draws {
            counts[binomial(&mut stream, trials, probability) as usize] += 1;
        }
        let (mut sum, mut cells, mut rest, mut rest_expected) = (0.0, 0.0, 0_u64, 0.0);
        for (k, count) in counts.iter().enumerate() {
            let k = k as u64;
            let log = log_factorial(trials) - log_factorial(k) - log_factorial(trials - k)
                + k as f64 * probability.ln()
                + (trials - k) as f64 * (1.0 - probability).ln();
            let expected = draws as f64 * log.exp();
            if expected < 5.0 {
                rest += count;
                rest_expected += expected;
            } else {
                sum += (*count as f64 - expected).powi(2) / expected;
                cells += 1.0;
            }
        }
        if rest_expected > 1.0 {
            sum += (rest as f64 - rest_expected).powi(2) / rest_expected;
            cells += 1.0;
        }
        (sum, cells - 1.0)
    }

    #[test]
    fn draws_follow_the_exact_distribution() {
        for (trials, probability) in [
            (1, 0.3),
            (12, 0.5),
            (40, 0.1),
            (40, 0.9),
            (60, 0.35),
            (200, 0.5),
            (500, 0.03),
            (1000, 0.7),
        ] {
            let (statistic, freedom) = chi_square(trials, probability, 200_000);
            // Mean and five standard deviations of a chi-square distribution.
            let limit = freedom + 5.0 * (2.0 * freedom.max(1.0)).sqrt();
            assert!(
                statistic < limit,
                "{trials} {probability}: {statistic} > {limit}"
            );
        }
    }

    #[test]
    fn huge_numbers_of_trials_keep_mean_and_spread() {
        let mut stream = Stream::new(Seed(5));
        let draws: Vec<f64> = (0..20_000)
            .map(|_| binomial(&mut stream, 10_000_000_000, 0.2) as f64)
            .collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance =
            draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        let deviation = (10_000_000_000_f64 * 0.16).sqrt();
        assert!((mean - 2e9).abs() < 4.0 * deviation / 20_000_f64.sqrt());
        assert!((variance.sqrt() / deviation - 1.0).abs() < 0.03);
    }

    #[test]
    fn a_multinomial_draw_spends_every_trial_and_no_empty_cell() {
        let mut stream = Stream::new(Seed(6));
        let weights = [0, 3, 0, 1, 6, 0];
        let mut sums = [0_u64; 6];
        for _ in 0..2000 {
            let mut counts = [0_u64; 6];
            multinomial(&mut stream, 10, &weights, &mut counts);
            assert_eq!(counts.iter().sum::<u64>(), 10);
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        assert_eq!([sums[0], sums[2], sums[5]], [0, 0, 0]);
        for (cell, share) in [(1, 0.3), (3, 0.1), (4, 0.6)] {
            assert!(
                (sums[cell] as f64 / 20_000.0 - share).abs() < 0.015,
                "{sums:?}"
            );
        }
        let mut counts = [7; 2];
        multinomial(&mut stream, 5, &[0, 0], &mut counts);
        assert_eq!(counts, [0, 0]);
        assert_eq!(binomial(&mut stream, 0, 0.5), 0);
        assert_eq!(binomial(&mut stream, 5, 0.0), 0);
        assert_eq!(binomial(&mut stream, 5, 1.0), 5);
    }
}

//! Equal frequencies: Pearson's chi-square test, and how near counts come to them.

use serde::Serialize;

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChiSquare {
    /// Σ (observed − expected)² / expected, with the mean of the counts as what is expected.
    pub statistic: f64,
    /// Number of counts minus one.
    pub degrees: u32,
    /// The probability of a statistic at least this large if all are equally likely: the upper tail of the chi-square
    /// distribution. Approximate; rough where fewer than five are expected in a place.
    pub p_value: f64,
}

/// Tests whether counts are as even as chance would have them. `None` for fewer than two counts, or nothing counted.
///
/// ```
/// use evalwright_stats::chi_square;
/// let even = chi_square(&[50, 50]).unwrap();
/// assert!((even.p_value - 1.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn chi_square(counts: &[u64]) -> Option<ChiSquare> {
    let total: u64 = counts.iter().sum();
    if counts.len() < 2 || total == 0 {
        return None;
    }
    let expected = total as f64 / counts.len() as f64;
    let statistic: f64 = counts
        .iter()
        .map(|count| (*count as f64 - expected).powi(2) / expected)
        .sum();
    let degrees = u32::try_from(counts.len() - 1).ok()?;
    Some(ChiSquare {
        statistic,
        degrees,
        p_value: upper_gamma(f64::from(degrees) / 2.0, statistic / 2.0),
    })
}

/// Shannon's entropy of counts as a share of the most that as many things can have in as many places: 1 where no two
/// counts differ by more than one, 0 where all stands in one place. `None` where nothing else is possible: for fewer than
/// two counts, or fewer than two things.
///
/// ```
/// use evalwright_stats::evenness;
/// assert_eq!(evenness(&[1, 0, 1]), Some(1.0));
/// assert_eq!(evenness(&[2, 0, 0]), Some(0.0));
/// ```
#[must_use]
pub fn evenness(counts: &[u64]) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    if counts.len() < 2 || total < 2 {
        return None;
    }
    // Σ n ln n; the entropy is ln(total) less this over the total, and it is the least where counts are as even as can be.
    let weighed = |count: u64| match count {
        0 => 0.0,
        count => count as f64 * (count as f64).ln(),
    };
    let places = counts.len() as u64;
    let (each, more) = (total / places, total % places);
    let least = more as f64 * weighed(each + 1) + (places - more) as f64 * weighed(each);
    let most = weighed(total);
    let own: f64 = counts.iter().copied().map(weighed).sum();
    Some(((most - own) / (most - least)).clamp(0.0, 1.0))
}

/// The regularised upper incomplete gamma function Q(a, x), a > 0 and x ≥ 0: by its series below a + 1 (Abramowitz and
/// Stegun 6.5.29), by its continued fraction above (6.5.31, evaluated by Lentz's method).
fn upper_gamma(a: f64, x: f64) -> f64 {
    const STEPS: u32 = 10_000;
    const SMALL: f64 = 1e-300;
    if x <= 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() - x - log_gamma(a)).exp();
    if x < a + 1.0 {
        let mut term = 1.0 / a;
        let mut sum = term;
        for step in 1..STEPS {
            term *= x / (a + f64::from(step));
            sum += term;
            if term < sum * 1e-16 {
                break;
            }
        }
        return (1.0 - scale * sum).clamp(0.0, 1.0);
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / SMALL;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for step in 1..STEPS {
        let step = f64::from(step);
        let numerator = -step * (step - a);
        b += 2.0;
        d = 1.0 / nonzero(numerator * d + b, SMALL);
        c = nonzero(b + numerator / c, SMALL);
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (scale * fraction).clamp(0.0, 1.0)
}

fn nonzero(value: f64, small: f64) -> f64 {
    if value.abs() < small { small } else { value }
}

/// ln Γ(a) for a > 0: Stirling's series (Abramowitz and Stegun 6.1.41) after shifting the argument above 10.
fn log_gamma(a: f64) -> f64 {
    let mut shifted = a;
    let mut product = 1.0;
    while shifted < 10.0 {
        product *= shifted;
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            - square
                * (1.0 / 360.0
                    - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0))));
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
        - f64::ln(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Percentage points of printed tables (Abramowitz and Stegun 26.8).
    #[test]
    fn the_tail_agrees_with_printed_tables() {
        for (degrees, statistic, p) in [
            (1.0, 3.841_459, 0.05),
            (1.0, 6.634_897, 0.01),
            (2.0, 5.991_465, 0.05),
            (4.0, 13.276_704, 0.01),
            (10.0, 18.307_038, 0.05),
            (30.0, 43.772_972, 0.05),
            (100.0, 124.342_113, 0.05),
            (5.0, 0.554_298, 0.99),
        ] {
            let tail = upper_gamma(degrees / 2.0, statistic / 2.0);
            assert!((tail - p).abs() < 1e-6, "{degrees} {statistic}: {tail}");
        }
        // With two degrees the tail is exp(−x/2).
        for x in [0.1_f64, 1.0, 7.0, 40.0] {
            assert!((upper_gamma(1.0, x / 2.0) - (-x / 2.0).exp()).abs() < 1e-13);
        }
    }

    #[test]
    fn a_worked_table_and_the_ends() {
        // (60 − 50)²/50 + (40 − 50)²/50 = 4.
        let test = chi_square(&[60, 40]).unwrap();
        assert!((test.statistic - 4.0).abs() < 1e-12);
        assert_eq!(test.degrees, 1);
        assert!((test.p_value - 0.045_500_264).abs() < 1e-8, "{test:?}");
        assert_eq!(chi_square(&[7]), None);
        assert_eq!(chi_square(&[0, 0]), None);
    }

    #[test]
    fn evenness_by_hand() {
        // Five things in three places can stand 2, 2, 1 at the evenest: 5 ln 5 − 4 ln 2 of 8.047 − 2.773 = 5.275.
        assert_eq!(evenness(&[2, 1, 2]), Some(1.0));
        // Here they stand 3, 2, 0: 8.047 − 3 ln 3 − 2 ln 2 = 3.365.
        let found = evenness(&[3, 2, 0]).unwrap();
        assert!(
            (found - 3.365_058_335 / 5.274_600_840).abs() < 1e-8,
            "{found}"
        );
        assert_eq!(evenness(&[4, 0]), Some(0.0));
        assert_eq!(evenness(&[1, 0]), None);
        assert_eq!(evenness(&[9]), None);
    }
}

//! The beta distribution, and what follows from it: Clopper and Pearson's interval, Student's quantiles.

use crate::interval::Interval;

/// ln Γ(x) for x > 0, to about 1e-14: Stirling's series after lifting the argument above 15.
fn log_gamma(x: f64) -> f64 {
    let (mut lifted, mut product) = (x, 1.0_f64);
    while lifted < 15.0 {
        product *= lifted;
        lifted += 1.0;
    }
    let inverse = 1.0 / lifted;
    let square = inverse * inverse;
    // Bernoulli numbers over 2k(2k−1), highest first.
    let series = [
        -691.0 / 360_360.0,
        1.0 / 1188.0,
        -1.0 / 1680.0,
        1.0 / 1260.0,
        -1.0 / 360.0,
        1.0 / 12.0,
    ]
    .iter()
    .fold(0.0, |sum, coefficient| sum * square + coefficient);
    (lifted - 0.5) * lifted.ln() - lifted + 0.5 * std::f64::consts::TAU.ln() + series * inverse
        - product.ln()
}

/// The regularised incomplete beta function I_x(a, b) for a, b > 0 and x in [0, 1], by its continued fraction
/// (DLMF 8.17.22) evaluated from the front.
pub(crate) fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean; above it the mirrored one does.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta_below(1.0 - x, b, a);
    }
    incomplete_beta_below(x, a, b)
}

fn incomplete_beta_below(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let front =
        (log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    // Lentz's evaluation, as modified by Thompson and Barnett (1986).
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..10_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// The x at which I_x(a, b) reaches `probability`, by halving: 200 steps leave no bit undecided.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if incomplete_beta(middle, a, b) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The interval of Clopper and Pearson 1934 (Biometrika 26: 404–413), which holds the share at least as often
/// as it says, at the price of being wider than [`crate::interval::wilson`].
///
/// Worked number: 1 of 10 at 0.95 gives 0.00253 to 0.44502. `None` for no trials, more successes than trials, or a
/// confidence outside (0, 1).
#[must_use]
pub fn clopper_pearson(successes: u64, trials: u64, confidence: f64) -> Option<Interval> {
    if trials == 0 || successes > trials || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let outside = (1.0 - confidence) / 2.0;
    let (k, failures) = (successes as f64, (trials - successes) as f64);
    Some(Interval {
        low: if successes == 0 {
            0.0
        } else {
            beta_quantile(outside, k, failures + 1.0)
        },
        high: if successes == trials {
            1.0
        } else {
            beta_quantile(1.0 - outside, k + 1.0, failures)
        },
    })
}

/// The number below which the share `probability` of Student's distribution with `freedom` degrees lies.
///
/// Worked number: 0.975 with 9 degrees gives 2.262157. `None` unless `probability` lies strictly between 0 and 1
/// and `freedom` is above 0.
#[must_use]
pub fn student_quantile(probability: f64, freedom: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0 && freedom > 0.0 && freedom.is_finite()) {
        return None;
    }
    let tail = probability.min(1.0 - probability);
    // P(T > t) = I_{ν/(ν+t²)}(ν/2, 1/2) / 2. Near the middle that argument is near 1 and its mirror is exact.
    let size = if tail < 0.25 {
        let x = beta_quantile(2.0 * tail, freedom / 2.0, 0.5);
        (freedom * (1.0 - x) / x).sqrt()
    } else {
        let y = beta_quantile(1.0 - 2.0 * tail, 0.5, freedom / 2.0);
        (freedom * y / (1.0 - y)).sqrt()
    };
    Some(size.copysign(probability - 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::normal_quantile;

    #[test]
    fn tabled_quantiles() {
        // Student 1908 and every table since; one degree is the Cauchy distribution, tan(π(p − ½)).
        for (probability, freedom, expected) in [
            (0.975, 9.0, 2.262_157_162_740_99),
            (0.975, 1.0, 12.706_204_736_432_1),
            (0.6, 1.0, 0.324_919_696_232_906_3),
            (0.995, 30.0, 2.749_995_653_567_23),
            (0.025, 4.0, -2.776_445_105_197_79),
        ] {
            let got = student_quantile(probability, freedom).unwrap();
            assert!(
                (got - expected).abs() < 1e-9,
                "{probability} {freedom}: {got}"
            );
        }
        let far = student_quantile(0.975, 1e7).unwrap();
        assert!((far - normal_quantile(0.975).unwrap()).abs() < 1e-6);
        assert_eq!(student_quantile(1.0, 3.0), None);
        assert_eq!(student_quantile(0.5, 0.0), None);
        assert!(student_quantile(0.5, 3.0).unwrap().abs() < 1e-12);
    }

    #[test]
    fn closed_forms_of_the_incomplete_beta_function() {
        for x in [0.01, 0.2, 0.5, 0.77, 0.999] {
            // I_x(1, b) = 1 − (1 − x)^b and I_x(a, 1) = x^a.
            assert!((incomplete_beta(x, 1.0, 3.5) - (1.0 - (1.0 - x).powf(3.5))).abs() < 1e-13);
            assert!((incomplete_beta(x, 2.5, 1.0) - x.powf(2.5)).abs() < 1e-13);
            let mirrored = 1.0 - incomplete_beta(1.0 - x, 7.0, 2.0);
            assert!((incomplete_beta(x, 2.0, 7.0) - mirrored).abs() < 1e-13);
        }
    }
}

//! How many rows and raters an interval of a wanted width needs.

use serde::Serialize;

use crate::chance::{ChanceModel, chance_corrected};
use crate::interval::{normal_quantile, wilson};
use crate::profile::Profiles;
use crate::weights::AgreementWeights;

/// More rows than this are no plan.
const MOST_ROWS: u64 = 1 << 40;

/// The fewest rows for which Wilson's interval of a share near `expected` is at most `width` wide, end to end.
///
/// `expected` lies in [0, 1]; 0.5 is the worst case. The share is taken as the nearest one that the rows allow. Worked
/// number: 0.5, 0.1 at 0.95 confidence needs 381 rows. `None` for a width outside (0, 1], a confidence outside (0, 1), an
/// expectation outside [0, 1], or more than 2⁴⁰ rows.
#[must_use]
pub fn rows_for_share(expected: f64, width: f64, confidence: f64) -> Option<u64> {
    let possible = (0.0..=1.0).contains(&expected) && width > 0.0 && width <= 1.0;
    if !possible {
        return None;
    }
    let fits = |rows: u64| {
        let successes = (expected * rows as f64).round().min(rows as f64) as u64;
        wilson(successes, rows, confidence).map(|interval| interval.high - interval.low <= width)
    };
    let mut high = 1;
    while !fits(high)? {
        high *= 2;
        if high > MOST_ROWS {
            return None;
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    // Rounding the share makes the width jump a little from one number of rows to the next.
    let first = high.saturating_sub(64).max(1);
    (first..=high).find(|rows| (*rows..=high).all(|rows| fits(rows) == Some(true)))
}

/// Rows for one number of raters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RaterPlan {
    /// Ratings an item.
    pub raters: u32,
    /// Items to rate.
    pub rows: u64,
    /// Ratings in all.
    pub ratings: u64,
}

/// The rows for which the normal interval of Fleiss's kappa is at most `width` wide, for 2 to `most_raters` raters.
///
/// The model behind it: an item has label k with probability `shares[k]`; a rater names that label with probability √kappa
/// and otherwise draws from the shares. Any two raters then agree beyond chance by exactly `kappa`. The variance is that
/// of Gwet's linearised standard error over all profiles that can come up (Gwet 2014, Handbook of Inter-Rater Reliability).
/// More raters need fewer rows and more ratings.
///
/// `None` for a kappa outside [0, 1], shares that are not above 0 or do not sum to 1 within 1e-9, fewer than two labels, a
/// width that is not above 0, a confidence outside (0, 1), fewer than 2 or more than 12 raters, or more than 8 labels.
#[must_use]
pub fn rows_for_kappa(
    kappa: f64,
    shares: &[f64],
    width: f64,
    confidence: f64,
    most_raters: u32,
) -> Option<Vec<RaterPlan>> {
    let sums_to_one = (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9;
    let possible = (0.0..=1.0).contains(&kappa)
        && (2..=8).contains(&shares.len())
        && sums_to_one
        && shares.iter().all(|share| *share > 0.0)
        && width > 0.0
        && width.is_finite()
        && confidence > 0.0
        && confidence < 1.0
        && (2..=12).contains(&most_raters);
    if !possible {
        return None;
    }
    let z = normal_quantile(0.5 + confidence / 2.0)?;
    (2..=most_raters)
        .map(|raters| {
            let deviation = kappa_deviation(kappa, shares, raters)?;
            let rows = (2.0 * z * deviation / width).powi(2).ceil().max(2.0);
            if rows > MOST_ROWS as f64 {
                return None;
            }
            let rows = rows as u64;
            Some(RaterPlan {
                raters,
                rows,
                ratings: rows * u64::from(raters),
            })
        })
        .collect()
}

/// The standard error of Fleiss's kappa times the root of the number of items.
fn kappa_deviation(kappa: f64, shares: &[f64], raters: u32) -> Option<f64> {
    /// Items over which probabilities are spread; rounding to whole items moves the deviation by less than 1e-6.
    const ITEMS: f64 = 1e12;
    let insight = kappa.sqrt();
    let mut counts = Vec::new();
    let mut weights = Vec::new();
    let mut profile = vec![0_u32; shares.len()];
    each_profile(&mut profile, 0, raters, &mut |profile| {
        let probability: f64 = shares
            .iter()
            .enumerate()
            .map(|(truth, share)| {
                let mut product = share * arrangements(profile);
                for (label, count) in profile.iter().enumerate() {
                    let own = if label == truth { insight } else { 0.0 };
                    let chance = own + (1.0 - insight) * shares[label];
                    product *= chance.powi(*count as i32);
                }
                product
            })
            .sum();
        let weight = (probability * ITEMS).round() as u64;
        if weight > 0 {
            counts.extend_from_slice(profile);
            weights.push(weight);
        }
    });
    let items: u64 = weights.iter().sum();
    let profiles = Profiles::weighted(shares.len(), counts, weights);
    let identity = AgreementWeights::identity(shares.len());
    let fleiss = chance_corrected(&profiles, ChanceModel::Fleiss, &identity);
    Some(fleiss.standard_error? * (items as f64).sqrt())
}

/// Calls `visit` with every way to share `left` ratings out over the labels from `label` on.
fn each_profile(profile: &mut [u32], label: usize, left: u32, visit: &mut impl FnMut(&[u32])) {
    if label + 1 == profile.len() {
        profile[label] = left;
        visit(profile);
        return;
    }
    for count in 0..=left {
        profile[label] = count;
        each_profile(profile, label + 1, left - count, visit);
    }
}

/// In how many orders the ratings of a profile can come.
fn arrangements(profile: &[u32]) -> f64 {
    let mut product = 1.0;
    let mut placed = 0.0;
    for count in profile {
        for place in 1..=*count {
            placed += 1.0;
            product *= placed / f64::from(place);
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::ratings::RatingTable;
    use evalwright_core::Seed;

    #[test]
    fn rows_for_a_share() {
        let width = |successes: u64, rows: u64| {
            let interval = wilson(successes, rows, 0.95).unwrap();
            interval.high - interval.low
        };
        let rows = rows_for_share(0.5, 0.1, 0.95).unwrap();
        assert_eq!(rows, 381);
        assert!(width(190, 380) > 0.1 && width(191, 381) <= 0.1);
        let sure = rows_for_share(1.0, 0.1, 0.95).unwrap();
        assert!(width(sure, sure) <= 0.1 && width(sure - 1, sure - 1) > 0.1);
        assert!(rows_for_share(0.9, 0.1, 0.95).unwrap() < rows);
        assert_eq!(rows_for_share(0.5, 0.0, 0.95), None);
        assert_eq!(rows_for_share(0.5, 1e-9, 0.95), None);
        assert_eq!(rows_for_share(0.5, 0.1, 1.0), None);
        assert_eq!(rows_for_share(f64::NAN, 0.1, 0.95), None);
    }

    #[test]
    fn planned_rows_give_the_planned_width() {
        for (kappa, shares, raters) in [
            (0.6, vec![0.5, 0.5], 2_u32),
            (0.7, vec![0.2, 0.3, 0.5], 3),
            (0.8, vec![0.1, 0.9], 5),
        ] {
            let plans = rows_for_kappa(kappa, &shares, 0.2, 0.95, 5).unwrap();
            let plan = plans[raters as usize - 2];
            let mut stream = Stream::new(Seed(raters.into()));
            let label = |stream: &mut Stream| {
                let mut left = stream.unit();
                shares.iter().position(|share| {
                    left -= share;
                    left < 0.0
                })
            };
            let insight = f64::sqrt(kappa);
            let values: Vec<f64> = (0..300)
                .map(|_| {
                    let mut cells = Vec::new();
                    for _ in 0..plan.rows {
                        let truth = label(&mut stream).unwrap_or(0);
                        for _ in 0..raters {
                            let own = stream.unit() < insight;
                            let drawn = label(&mut stream).unwrap_or(0);
                            cells.push(if own { truth } else { drawn } as u16);
                        }
                    }
                    let table =
                        RatingTable::from_rows(raters as usize, shares.len(), &cells).unwrap();
                    let identity = AgreementWeights::identity(shares.len());
                    let profiles = Profiles::of(&table);
                    chance_corrected(&profiles, ChanceModel::Fleiss, &identity)
                        .value
                        .unwrap()
                })
                .collect();
            // 95 of 100 estimates within half a width of the truth, give or take the noise of 300 trials.
            let within = values
                .iter()
                .filter(|value| (*value - kappa).abs() <= 0.1)
                .count();
            assert!(
                (272..=297).contains(&within),
                "{kappa}: {within} of 300 with {plan:?}"
            );
        }
    }

    #[test]
    fn more_raters_need_fewer_rows() {
        let plans = rows_for_kappa(0.6, &[0.5, 0.5], 0.1, 0.95, 8).unwrap();
        assert_eq!(plans.len(), 7);
        assert!(plans.windows(2).all(|pair| pair[0].rows > pair[1].rows));
        assert_eq!(rows_for_kappa(1.5, &[0.5, 0.5], 0.1, 0.95, 3), None);
        assert_eq!(rows_for_kappa(0.5, &[0.5, 0.6], 0.1, 0.95, 3), None);
        assert_eq!(rows_for_kappa(0.5, &[1.0], 0.1, 0.95, 3), None);
        assert_eq!(rows_for_kappa(0.5, &[0.5, 0.5], 0.1, 0.95, 1), None);
    }
}

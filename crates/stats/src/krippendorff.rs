//! Krippendorff's alpha: any number of raters, missing ratings, four levels of measurement.
//!
//! Alpha compares pairs of ratings within items with pairs over all items; an item with a single rating has no
//! pair and enters neither.

use evalwright_core::Seed;
use serde::{Deserialize, Serialize};

use crate::coefficient::Coefficient;
use crate::interval::Interval;
use crate::profile::Profiles;
use crate::resample::{Additive, resampled_interval};
use crate::undefined::Undefined;

/// What differences between labels mean. The level alters alpha a lot, so a report must name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Labels are equal or not.
    Nominal,
    /// Labels have an order, the declared one.
    Ordinal,
    /// Differences of the labels' numbers count.
    Interval,
    /// Ratios of the labels' numbers count; they should not be negative.
    Ratio,
}

/// Krippendorff's alpha (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability): 1 − observed over expected
/// disagreement.
///
/// `values` are the numbers that labels stand for, in their declared order; they matter for interval and ratio
/// levels, and labels without one count as their place. `observed` in the result is 1 − the observed disagreement
/// and `chance` 1 − the expected one for nominal data, and both are left out for other levels, whose disagreements
/// have units. There is no standard error: see [`alpha_interval`].
///
/// Worked number: five items with 4, 4 and one with 4, 2 have alpha exactly 0 at every level but ratio's rounding,
/// because the single 2 carries all variation. Undefined, with the reason: no items, no item with two ratings, no
/// variation among ratings that can be paired.
#[must_use]
pub fn krippendorff_alpha(profiles: &Profiles, level: Level, values: &[f64]) -> Coefficient {
    let paired = profiles.paired_items();
    if profiles.items() == 0 {
        return Coefficient::missing(Undefined::NoItems, 0);
    }
    if paired == 0 {
        return Coefficient::missing(Undefined::NoPairs, 0);
    }
    let alpha = Alpha::new(profiles.labels(), level, values);
    let coincidences = alpha.groups(profiles).sums();
    let Some(value) = alpha.value(&coincidences) else {
        return Coefficient {
            observed: (level == Level::Nominal).then_some(1.0),
            ..Coefficient::missing(Undefined::NoVariation, paired)
        };
    };
    let (observed, chance) = alpha.agreements(&coincidences);
    let nominal = level == Level::Nominal;
    Coefficient {
        value: Some(value),
        undefined: None,
        observed: nominal.then_some(observed),
        chance: nominal.then_some(chance),
        standard_error: None,
        items: paired,
    }
}

/// The percentile interval of alpha over items drawn again with replacement.
///
/// # Errors
///
/// Why there is none: alpha itself is undefined, or it is in half of the draws or more.
pub fn alpha_interval(
    profiles: &Profiles,
    level: Level,
    values: &[f64],
    draws: usize,
    confidence: f64,
    seed: Seed,
) -> Result<Interval, Undefined> {
    if let Some(undefined) = krippendorff_alpha(profiles, level, values).undefined {
        return Err(undefined);
    }
    let alpha = Alpha::new(profiles.labels(), level, values);
    let groups = alpha.groups(profiles);
    resampled_interval(&groups, draws, confidence, seed, |sums| alpha.value(sums))
        .ok_or(Undefined::UnstableDraws)
}

struct Alpha {
    labels: usize,
    level: Level,
    values: Vec<f64>,
}

impl Alpha {
    fn new(labels: usize, level: Level, values: &[f64]) -> Self {
        let value = |label: usize| values.get(label).copied().unwrap_or(label as f64);
        Self {
            labels,
            level,
            values: (0..labels).map(value).collect(),
        }
    }

    /// What an item adds: its pairs of labels (the upper triangle of its coincidences), every pair in both orders
    /// and over the number of its other ratings.
    fn groups(&self, profiles: &Profiles) -> Additive {
        let width = self.labels * (self.labels + 1) / 2;
        let mut contributions = Vec::with_capacity(width * profiles.weights().len());
        for (counts, _) in profiles.iter() {
            let ratings: f64 = counts.iter().map(|count| f64::from(*count)).sum();
            let others = if ratings >= 2.0 {
                ratings - 1.0
            } else {
                f64::INFINITY
            };
            for (first, count) in counts.iter().enumerate() {
                let count = f64::from(*count);
                contributions.push(count * (count - 1.0) / others);
                for other in &counts[first + 1..] {
                    contributions.push(count * f64::from(*other) / others);
                }
            }
        }
        Additive::new(width, contributions, profiles.weights())
    }

    /// Paired ratings of each label: the rows' sums of the coincidences.
    fn totals(&self, coincidences: &[f64]) -> Vec<f64> {
        let mut totals = vec![0.0; self.labels];
        let mut cells = coincidences.iter();
        for first in 0..self.labels {
            for second in first..self.labels {
                let cell = cells.next().copied().unwrap_or_default();
                totals[first] += cell;
                if second != first {
                    totals[second] += cell;
                }
            }
        }
        totals
    }

    fn value(&self, coincidences: &[f64]) -> Option<f64> {
        let totals = self.totals(coincidences);
        let pairable: f64 = totals.iter().sum();
        // Sums of counts are whole but for rounding, so a label in use has at least about 1.
        if totals.iter().filter(|total| **total > 0.5).count() < 2 {
            return None;
        }
        let (mut observed, mut expected) = (0.0, 0.0);
        let mut cells = coincidences.iter();
        // Ratings of labels below, for the ordinal level.
        let mut below = Vec::with_capacity(self.labels);
        let mut sum = 0.0;
        for total in &totals {
            below.push(sum);
            sum += total;
        }
        for first in 0..self.labels {
            for second in first..self.labels {
                let cell = cells.next().copied().unwrap_or_default();
                if first == second {
                    continue;
                }
                let distance = match self.level {
                    Level::Nominal => 1.0,
                    Level::Ordinal => {
                        let between = below[second] + totals[second] - below[first];
                        between - (totals[first] + totals[second]) / 2.0
                    }
                    Level::Interval => self.values[first] - self.values[second],
                    Level::Ratio => {
                        let sum = self.values[first] + self.values[second];
                        // Both zero, or opposite: the metric has no denominator and counts as no distance.
                        if sum.abs() > 0.0 {
                            (self.values[first] - self.values[second]) / sum
                        } else {
                            0.0
                        }
                    }
                };
                let square = distance * distance;
                observed += cell * square;
                expected += totals[first] * totals[second] * square;
            }
        }
        let value = 1.0 - (pairable - 1.0) * observed / expected;
        value.is_finite().then_some(value)
    }

    /// Observed and expected agreement of nominal data.
    fn agreements(&self, coincidences: &[f64]) -> (f64, f64) {
        let totals = self.totals(coincidences);
        let pairable: f64 = totals.iter().sum();
        let mut diagonal = 0.0;
        let mut place = 0;
        for label in 0..self.labels {
            diagonal += coincidences.get(place).copied().unwrap_or_default();
            place += self.labels - label;
        }
        let expected: f64 = totals.iter().map(|total| total * (total - 1.0)).sum();
        (
            diagonal / pairable,
            expected / (pairable * (pairable - 1.0)),
        )
    }
}

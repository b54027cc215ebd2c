//! Coefficients for any number of raters that differ in what they call chance: Fleiss's kappa, Gwet's AC1 and AC2,
//! and Brennan and Prediger's coefficient.
//!
//! All three share the observed agreement: the mean over items with two ratings or more of the weighted share of
//! agreeing pairs of ratings. Missing ratings follow Gwet 2014 (Handbook of Inter-Rater Reliability, chapter 2 and
//! 5): items with a single rating add to the label shares and not to the observed agreement. Standard errors are his
//! linearised ones.

use evalwright_core::Seed;

use crate::coefficient::Coefficient;
use crate::interval::Interval;
use crate::profile::Profiles;
use crate::resample::{Additive, resampled_interval};
use crate::undefined::Undefined;
use crate::weights::AgreementWeights;

/// Whose idea of chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChanceModel {
    /// Two ratings drawn from the label shares (Fleiss 1971, Psychological Bulletin 76: 378–382). For two raters
    /// it is Scott's pi (Scott 1955, Public Opinion Quarterly 19: 321–325).
    Fleiss,
    /// Only ratings of hard items agree by chance (Gwet 2008, British Journal of Mathematical and Statistical
    /// Psychology 61: 29–48): AC1 with identity weights, AC2 with others. Depends on the number of declared labels.
    Gwet,
    /// Every declared label equally likely (Brennan and Prediger 1981, Educational and Psychological Measurement
    /// 41: 687–699).
    BrennanPrediger,
}

/// Chance-corrected agreement over items.
///
/// Worked number: three raters who give x, y and z to each of two items have observed agreement 0; Fleiss's chance
/// is 1/3 and the value −0.5. Undefined, with the reason: no items, no item with two ratings, fewer than two declared
/// labels (Gwet, Brennan–Prediger), everything one label (Fleiss). `weights` must be made for as many labels as are
/// declared; otherwise labels without a weight agree with nothing.
#[must_use]
pub fn chance_corrected(
    profiles: &Profiles,
    model: ChanceModel,
    weights: &AgreementWeights,
) -> Coefficient {
    let statistic = ChanceCorrected { model, weights };
    let sums = statistic.sums(profiles);
    let paired = profiles.paired_items();
    let parts = match statistic.parts(profiles.labels(), &sums) {
        Ok(parts) => parts,
        Err((undefined, observed)) => {
            return Coefficient {
                observed,
                ..Coefficient::missing(undefined, paired)
            };
        }
    };
    Coefficient {
        value: Some(parts.value),
        undefined: None,
        observed: Some(parts.observed),
        chance: Some(parts.chance),
        standard_error: statistic.standard_error(profiles, &parts),
        items: paired,
    }
}

/// The percentile interval of [`chance_corrected`] over items drawn again with replacement.
///
/// # Errors
///
/// Why there is none: the value itself is undefined, or it is in half of the draws or more.
pub fn chance_corrected_interval(
    profiles: &Profiles,
    model: ChanceModel,
    weights: &AgreementWeights,
    draws: usize,
    confidence: f64,
    seed: Seed,
) -> Result<Interval, Undefined> {
    let statistic = ChanceCorrected { model, weights };
    let sums = statistic.sums(profiles);
    statistic
        .parts(profiles.labels(), &sums)
        .map_err(|(undefined, _)| undefined)?;
    let groups = statistic.groups(profiles);
    resampled_interval(&groups, draws, confidence, seed, |sums| {
        let parts = statistic.parts(profiles.labels(), sums).ok()?;
        Some(parts.value)
    })
    .ok_or(Undefined::UnstableDraws)
}

struct ChanceCorrected<'a> {
    model: ChanceModel,
    weights: &'a AgreementWeights,
}

/// The pieces of a defined value.
struct Parts {
    value: f64,
    observed: f64,
    chance: f64,
    /// Mean over rated items of each label's share of the item's ratings.
    shares: Vec<f64>,
    rated: f64,
    paired: f64,
}

impl ChanceCorrected<'_> {
    /// What an item adds: its observed agreement if it has two ratings, whether it has, 1, and its label shares.
    fn contribution(&self, counts: &[u32], into: &mut Vec<f64>) {
        let ratings: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        let paired = ratings >= 2.0;
        into.push(if paired {
            self.agreement(counts, ratings)
        } else {
            0.0
        });
        into.push(f64::from(u8::from(paired)));
        into.push(1.0);
        into.extend(counts.iter().map(|count| f64::from(*count) / ratings));
    }

    fn agreement(&self, counts: &[u32], ratings: f64) -> f64 {
        let mut agreeing = 0.0;
        for (label, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let weighted: f64 = counts
                .iter()
                .enumerate()
                .map(|(other, count)| self.weights.weight(label, other) * f64::from(*count))
                .sum();
            agreeing += f64::from(*count) * (weighted - 1.0);
        }
        agreeing / (ratings * (ratings - 1.0))
    }

    fn groups(&self, profiles: &Profiles) -> Additive {
        let mut contributions = Vec::new();
        for (counts, _) in profiles.iter() {
            self.contribution(counts, &mut contributions);
        }
        Additive::new(profiles.labels() + 3, contributions, profiles.weights())
    }

    fn sums(&self, profiles: &Profiles) -> Vec<f64> {
        self.groups(profiles).sums()
    }

    /// The error carries the observed agreement where that is known.
    fn parts(&self, labels: usize, sums: &[f64]) -> Result<Parts, (Undefined, Option<f64>)> {
        let [agreeing, paired, rated, shares @ ..] = sums else {
            return Err((Undefined::NoItems, None));
        };
        if *rated < 0.5 {
            return Err((Undefined::NoItems, None));
        }
        if *paired < 0.5 {
            return Err((Undefined::NoPairs, None));
        }
        let observed = agreeing / paired;
        let shares: Vec<f64> = shares.iter().map(|sum| sum / rated).collect();
        if self.model != ChanceModel::Fleiss && labels < 2 {
            return Err((Undefined::TooFewLabels, Some(observed)));
        }
        let used = shares.iter().filter(|share| **share > 0.0).count();
        if self.model == ChanceModel::Fleiss && used < 2 {
            return Err((Undefined::NoVariation, Some(observed)));
        }
        let q = labels as f64;
        let chance = match self.model {
            ChanceModel::Fleiss => (0..labels)
                .map(|label| shares[label] * self.expected_with(label, &shares))
                .sum(),
            ChanceModel::Gwet => {
                let spread: f64 = shares.iter().map(|share| share * (1.0 - share)).sum();
                self.weights.sum() * spread / (q * (q - 1.0))
            }
            ChanceModel::BrennanPrediger => self.weights.sum() / (q * q),
        };
        Ok(Parts {
            value: (observed - chance) / (1.0 - chance),
            observed,
            chance,
            shares,
            rated: *rated,
            paired: *paired,
        })
    }

    /// The mean weight of a label with a rating drawn from the shares.
    fn expected_with(&self, label: usize, shares: &[f64]) -> f64 {
        if label >= self.weights.labels() {
            return 0.0;
        }
        self.weights
            .row(label)
            .iter()
            .zip(shares)
            .map(|(weight, share)| weight * share)
            .sum()
    }

    /// Gwet's linearised standard error; `None` for fewer than two items.
    fn standard_error(&self, profiles: &Profiles, parts: &Parts) -> Option<f64> {
        if parts.rated < 1.5 {
            return None;
        }
        let q = profiles.labels() as f64;
        let gain = 1.0 - parts.chance;
        let mut squares = 0.0;
        for (counts, weight) in profiles.iter() {
            let ratings: f64 = counts.iter().map(|count| f64::from(*count)).sum();
            let own = if ratings >= 2.0 {
                (self.agreement(counts, ratings) - parts.chance) * parts.rated / parts.paired / gain
            } else {
                0.0
            };
            let own_chance = match self.model {
                ChanceModel::BrennanPrediger => parts.chance,
                ChanceModel::Fleiss => {
                    let with = |label| self.expected_with(label, &parts.shares);
                    mean_over(counts, ratings, with)
                }
                ChanceModel::Gwet => {
                    let other = mean_over(counts, ratings, |label| 1.0 - parts.shares[label]);
                    self.weights.sum() / (q * (q - 1.0)) * other
                }
            };
            let linear =
                own - 2.0 * (1.0 - parts.value) * (own_chance - parts.chance) / gain - parts.value;
            squares += weight as f64 * linear * linear;
        }
        Some((squares / (parts.rated * (parts.rated - 1.0))).sqrt())
    }
}

fn mean_over(counts: &[u32], ratings: f64, of: impl Fn(usize) -> f64) -> f64 {
    counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(label, count)| f64::from(*count) * of(label))
        .sum::<f64>()
        / ratings
}

/// The share of agreeing pairs of ratings, averaged over items with two ratings or more; undefined without one.
///
/// # Errors
///
/// No items, or no item with two ratings.
pub fn observed_agreement(profiles: &Profiles) -> Result<f64, Undefined> {
    let weights = AgreementWeights::identity(profiles.labels());
    let statistic = ChanceCorrected {
        model: ChanceModel::BrennanPrediger,
        weights: &weights,
    };
    let sums = statistic.sums(profiles);
    match statistic.parts(profiles.labels(), &sums) {
        Ok(parts) => Ok(parts.observed),
        Err((_, Some(observed))) => Ok(observed),
        Err((undefined, None)) => Err(undefined),
    }
}

/// The percentile interval of [`observed_agreement`] over items drawn again. With two raters the share is a plain
/// one, and [`crate::interval::wilson`] is the better interval.
///
/// # Errors
///
/// No items, no item with two ratings, or unstable draws.
pub fn observed_agreement_interval(
    profiles: &Profiles,
    draws: usize,
    confidence: f64,
    seed: Seed,
) -> Result<Interval, Undefined> {
    observed_agreement(profiles)?;
    let weights = AgreementWeights::identity(profiles.labels());
    let statistic = ChanceCorrected {
        model: ChanceModel::BrennanPrediger,
        weights: &weights,
    };
    let groups = statistic.groups(profiles);
    resampled_interval(&groups, draws, confidence, seed, |sums| {
        let [agreeing, paired, ..] = sums else {
            return None;
        };
        (*paired > 0.5).then(|| agreeing / paired)
    })
    .ok_or(Undefined::UnstableDraws)
}

//! Everything that a report shows of a table of ratings, in one call: no coefficient ever stands alone.

use evalwright_core::Seed;
use serde::Serialize;

use crate::chance::{
    ChanceModel, chance_corrected, chance_corrected_interval, observed_agreement,
    observed_agreement_interval,
};
use crate::coefficient::Coefficient;
use crate::interval::{Interval, wilson};
use crate::krippendorff::{Level, alpha_interval, krippendorff_alpha};
use crate::majority::{MajoritySummary, majority_summary};
use crate::pair::{PairAgreement, PairTable};
use crate::profile::Profiles;
use crate::ratings::RatingTable;
use crate::undefined::Undefined;
use crate::weights::{AgreementWeights, WeightScheme};

/// What to compute and how surely.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryOptions {
    /// What differences between labels mean; weighted coefficients are added for levels above nominal.
    pub level: Level,
    /// The numbers that labels stand for, rising; empty for 0, 1, 2, ….
    pub values: Vec<f64>,
    /// Draws of items behind each interval.
    pub draws: usize,
    /// The confidence of every interval.
    pub confidence: f64,
    /// Decides the draws.
    pub seed: Seed,
}

/// A coefficient and its interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Its stable name.
    pub name: &'static str,
    /// The coefficient.
    #[serde(flatten)]
    pub coefficient: Coefficient,
    /// Its percentile interval over items drawn again; null when there is none.
    pub interval: Option<Interval>,
    /// Why the interval is null.
    pub interval_undefined: Option<Undefined>,
}

/// Two raters side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RaterPair {
    /// Counted from 0.
    pub first: usize,
    /// Counted from 0, above `first`.
    pub second: usize,
    /// Their agreement.
    #[serde(flatten)]
    pub agreement: PairAgreement,
}

/// A table of ratings in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RatingSummary {
    /// Items, unrated ones included.
    pub items: u64,
    /// Raters.
    pub raters: u64,
    /// Ratings given.
    pub ratings: u64,
    /// Ratings missing from a full table.
    pub missing: u64,
    /// Items with at least two ratings: those that agreement is about.
    pub paired_items: u64,
    /// Ratings of each label.
    pub label_counts: Vec<u64>,
    /// The share of agreeing pairs of ratings, averaged over items.
    pub observed: Option<f64>,
    /// Why it is null.
    pub observed_undefined: Option<Undefined>,
    /// Wilson's interval for two raters, otherwise the percentile interval over items drawn again.
    pub observed_interval: Option<Interval>,
    /// All coefficients.
    pub measures: Vec<Measured>,
    /// Fleiss's kappa of each label against all others together, without intervals.
    pub by_label: Vec<Coefficient>,
    /// Votes, ties and ambiguity.
    pub majority: MajoritySummary,
    /// Every two raters who share an item.
    pub pairs: Vec<RaterPair>,
}

/// The figures of a table of ratings. Values of labels must rise; with others, weighted coefficients are left out.
#[must_use]
pub fn summarise_ratings(table: &RatingTable, options: &SummaryOptions) -> RatingSummary {
    let profiles = Profiles::of(table);
    let observed = observed_agreement(&profiles);
    let (items, raters) = (table.items() as u64, table.raters() as u64);
    let ratings = table.ratings();
    let mut pairs = Vec::new();
    for first in 0..table.raters() {
        for second in first + 1..table.raters() {
            let pair = PairTable::of(table, first, second);
            if pair.items() > 0 {
                let seed = options.seed.derive(&format!("pair {first} {second}"));
                pairs.push(RaterPair {
                    first,
                    second,
                    agreement: pair.agreement(options.draws, options.confidence, seed),
                });
            }
        }
    }
    RatingSummary {
        items,
        raters,
        ratings,
        missing: items * raters - ratings,
        paired_items: profiles.paired_items(),
        label_counts: profiles.label_counts(),
        observed: observed.ok(),
        observed_undefined: observed.err(),
        observed_interval: observed_interval(table, &profiles, options),
        measures: measures(&profiles, options),
        by_label: (0..profiles.labels())
            .map(|label| {
                let identity = AgreementWeights::identity(2);
                chance_corrected(
                    &profiles.against_rest(label),
                    ChanceModel::Fleiss,
                    &identity,
                )
            })
            .collect(),
        majority: majority_summary(&profiles, options.confidence),
        pairs,
    }
}

fn observed_interval(
    table: &RatingTable,
    profiles: &Profiles,
    options: &SummaryOptions,
) -> Option<Interval> {
    if table.raters() == 2 {
        let pair = PairTable::of(table, 0, 1);
        return wilson(pair.same(), pair.items(), options.confidence);
    }
    let seed = options.seed.derive("observed agreement");
    observed_agreement_interval(profiles, options.draws, options.confidence, seed).ok()
}

fn measures(profiles: &Profiles, options: &SummaryOptions) -> Vec<Measured> {
    let labels = profiles.labels();
    let identity = AgreementWeights::identity(labels);
    let mut measures = vec![alpha(
        profiles,
        "krippendorff_alpha_nominal",
        Level::Nominal,
        options,
    )];
    if options.level != Level::Nominal {
        let name = match options.level {
            Level::Interval => "krippendorff_alpha_interval",
            Level::Ratio => "krippendorff_alpha_ratio",
            _ => "krippendorff_alpha_ordinal",
        };
        measures.push(alpha(profiles, name, options.level, options));
    }
    for (name, model) in [
        ("fleiss_kappa", ChanceModel::Fleiss),
        ("gwet_ac1", ChanceModel::Gwet),
        ("brennan_prediger", ChanceModel::BrennanPrediger),
    ] {
        measures.push(chance(profiles, name, model, &identity, options));
    }
    let scheme = match options.level {
        Level::Nominal => None,
        Level::Ordinal => Some(("gwet_ac2_ordinal", WeightScheme::Ordinal)),
        Level::Interval | Level::Ratio => Some(("gwet_ac2_quadratic", WeightScheme::Quadratic)),
    };
    if let Some((name, scheme)) = scheme {
        let weights = if options.values.is_empty() {
            AgreementWeights::by_place(scheme, labels)
        } else {
            AgreementWeights::of(scheme, &options.values)
        };
        if let Ok(weights) = weights
            && weights.labels() == labels
        {
            measures.push(chance(profiles, name, ChanceModel::Gwet, &weights, options));
        }
    }
    measures
}

fn alpha(
    profiles: &Profiles,
    name: &'static str,
    level: Level,
    options: &SummaryOptions,
) -> Measured {
    let interval = alpha_interval(
        profiles,
        level,
        &options.values,
        options.draws,
        options.confidence,
        options.seed.derive(name),
    );
    Measured {
        name,
        coefficient: krippendorff_alpha(profiles, level, &options.values),
        interval: interval.ok(),
        interval_undefined: interval.err(),
    }
}

fn chance(
    profiles: &Profiles,
    name: &'static str,
    model: ChanceModel,
    weights: &AgreementWeights,
    options: &SummaryOptions,
) -> Measured {
    let interval = chance_corrected_interval(
        profiles,
        model,
        weights,
        options.draws,
        options.confidence,
        options.seed.derive(name),
    );
    Measured {
        name,
        coefficient: chance_corrected(profiles, model, weights),
        interval: interval.ok(),
        interval_undefined: interval.err(),
    }
}

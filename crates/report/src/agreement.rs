//! How far raters agree with the intended label and with each other.
//!
//! Kappa never stands alone: next to it are the raw share, the counts behind it, AC1 and the skew of labels.

use evalwright_core::{Seed, Side};
use evalwright_stats::{
    Interval, area_under_curve, bootstrap_interval, cohen_kappa, gwet_ac1, wilson,
};
use serde::Serialize;

use crate::scored::{Opinion, Scored};

/// The name of the label that a candidate was written for, where a rater's name could stand.
pub(crate) const INTENDED: &str = "intended label";
/// The name of all counting raters' mean, where a rater's name could stand.
pub(crate) const TOGETHER: &str = "counting raters together";
/// Draws behind each interval of kappa.
pub(crate) const DRAWS: usize = 1000;
/// The confidence of every interval.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// Over which candidates a figure was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Every candidate that a rater was asked about, before any was chosen: the honest figure.
    AllScored,
    /// Published rows, chosen by these very ratings: optimistic.
    Rows,
}

impl Population {
    /// Both, the honest one first.
    pub(crate) const ALL: [Self; 2] = [Self::AllScored, Self::Rows];

    /// The word in `report.json` and in the charts' files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllScored => "all_scored",
            Self::Rows => "rows",
        }
    }

    pub(crate) fn holds(self, scored: &Scored<'_>) -> bool {
        self == Self::AllScored || scored.published
    }
}

/// Agreement of two sources of labels over the candidates that both labelled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Over which candidates.
    pub population: Population,
    /// `intended label` or a rater.
    pub first: String,
    /// A rater, or `counting raters together`.
    pub second: String,
    /// Candidates that both labelled.
    pub n: u64,
    /// Candidates that one of them was asked about and could not label.
    pub unknown: u64,
    /// `unknown / (n + unknown)`; null when nothing was asked.
    pub unknown_share: Option<f64>,
    /// Candidates that one of them was not asked about.
    pub not_asked: u64,
    /// Counts: the outer index is the first's label, the inner the second's; 0 is matching.
    pub table: [[u64; 2]; 2],
    /// Share of the same label.
    pub raw: Option<f64>,
    /// Wilson's 95 % interval of it.
    pub raw_interval: Option<Interval>,
    /// Cohen's kappa.
    pub kappa: Option<f64>,
    /// Why kappa is undefined.
    pub kappa_undefined: Option<String>,
    /// Its 95 % percentile interval over 1,000 draws of candidates.
    pub kappa_interval: Option<Interval>,
    /// Gwet's AC1 for two labels.
    pub ac1: Option<f64>,
    /// (both matching − both not matching) / n.
    pub prevalence_index: Option<f64>,
    /// (only the first says matching − only the second does) / n.
    pub bias_index: Option<f64>,
    /// Where the first is the intended label: how well the second's P(matching) tells the labels apart, as
    /// area under the curve.
    pub area_under_curve: Option<f64>,
}

/// The intended label against one rater.
pub(crate) fn with_intended(
    scored: &[Scored<'_>],
    population: Population,
    rater: &str,
    seed: Seed,
) -> Agreement {
    let opinions = |one: &Scored<'_>| (Opinion::Label(one.intended), one.opinion(rater));
    let mut agreement = compare(scored, population, (INTENDED, rater), seed, opinions);
    agreement.area_under_curve = area(scored, population, |one| one.matching(rater));
    agreement
}

/// The intended label against all counting raters together.
pub(crate) fn with_all(scored: &[Scored<'_>], population: Population, seed: Seed) -> Agreement {
    let opinions = |one: &Scored<'_>| (Opinion::Label(one.intended), one.together());
    let mut agreement = compare(scored, population, (INTENDED, TOGETHER), seed, opinions);
    agreement.area_under_curve = area(scored, population, |one| one.matching_of_all());
    agreement
}

/// One rater against another.
pub(crate) fn between(
    scored: &[Scored<'_>],
    population: Population,
    raters: (&str, &str),
    seed: Seed,
) -> Agreement {
    let opinions = |one: &Scored<'_>| (one.opinion(raters.0), one.opinion(raters.1));
    compare(scored, population, raters, seed, opinions)
}

fn compare(
    scored: &[Scored<'_>],
    population: Population,
    names: (&str, &str),
    seed: Seed,
    opinions: impl Fn(&Scored<'_>) -> (Opinion, Opinion),
) -> Agreement {
    let (mut unknown, mut not_asked) = (0, 0);
    let mut table = [[0_u64; 2]; 2];
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for one in scored.iter().filter(|one| population.holds(one)) {
        match opinions(one) {
            (Opinion::NotAsked, _) | (_, Opinion::NotAsked) => not_asked += 1,
            (Opinion::Unknown, _) | (_, Opinion::Unknown) => unknown += 1,
            (Opinion::Label(first), Opinion::Label(second)) => {
                let row = &mut table[usize::from(first == Side::NotMatching)];
                row[usize::from(second == Side::NotMatching)] += 1;
                pairs.push((number(first), number(second)));
            }
        }
    }
    let n = pairs.len() as u64;
    let kappa = cohen_kappa(&pairs, 2);
    let kappa_value = kappa.as_ref().and_then(|kappa| kappa.kappa);
    let same = table[0][0] + table[1][1];
    Agreement {
        population,
        first: names.0.to_owned(),
        second: names.1.to_owned(),
        n,
        unknown,
        unknown_share: (n + unknown > 0).then(|| unknown as f64 / (n + unknown) as f64),
        not_asked,
        table,
        raw: kappa.as_ref().map(|kappa| kappa.raw),
        raw_interval: wilson(same, n, CONFIDENCE),
        kappa: kappa_value,
        kappa_undefined: match &kappa {
            None => Some("no candidate has a label from both".to_owned()),
            Some(kappa) => kappa.undefined.clone(),
        },
        kappa_interval: kappa_value.and_then(|_| kappa_interval(&pairs, seed)),
        ac1: gwet_ac1(&pairs, 2),
        prevalence_index: kappa.as_ref().and_then(|kappa| kappa.prevalence_index),
        bias_index: kappa.as_ref().and_then(|kappa| kappa.bias_index),
        area_under_curve: None,
    }
}

fn kappa_interval(pairs: &[(u32, u32)], seed: Seed) -> Option<Interval> {
    bootstrap_interval(pairs.len(), DRAWS, CONFIDENCE, seed, |items| {
        let drawn: Vec<(u32, u32)> = items
            .iter()
            .filter_map(|item| pairs.get(*item).copied())
            .collect();
        cohen_kappa(&drawn, 2)?.kappa
    })
}

fn area(
    scored: &[Scored<'_>],
    population: Population,
    matching: impl Fn(&Scored<'_>) -> Option<f64>,
) -> Option<f64> {
    let of = |side: Side| -> Vec<f64> {
        scored
            .iter()
            .filter(|one| population.holds(one) && one.intended == side)
            .filter_map(&matching)
            .collect()
    };
    area_under_curve(&of(Side::Matching), &of(Side::NotMatching))
}

fn number(side: Side) -> u32 {
    match side {
        Side::Matching => 0,
        Side::NotMatching => 1,
    }
}

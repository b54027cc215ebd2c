//! How sure the raters are of the intended label, per label.

use evalwright_core::Side;
use evalwright_stats::{Summary, histogram, summarise};
use serde::Serialize;

use crate::agreement::Population;
use crate::scored::Scored;

/// Bins of equal width over [0, 1].
pub(crate) const BINS: usize = 10;

/// P(intended label) over the candidates of one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confidence {
    /// Over which candidates.
    pub population: Population,
    /// The intended label.
    pub label: Side,
    /// Mean and quantiles; null when no candidate has a known probability.
    pub summary: Option<Summary>,
    /// Candidates in each tenth of [0, 1].
    pub counts: Vec<u64>,
    /// Scored candidates without a known probability.
    pub unknown: u64,
}

pub(crate) fn of(scored: &[Scored<'_>], population: Population, label: Side) -> Confidence {
    let chosen: Vec<&Scored<'_>> = scored
        .iter()
        .filter(|one| population.holds(one) && one.intended == label)
        .collect();
    let known: Vec<f64> = chosen.iter().filter_map(|one| one.confidence).collect();
    Confidence {
        population,
        label,
        summary: summarise(&known),
        counts: histogram(&known, 0.0, 1.0, BINS),
        unknown: (chosen.len() - known.len()) as u64,
    }
}

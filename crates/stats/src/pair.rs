//! Two raters side by side: their table, Cohen's kappa with weights, Scott's pi, and the skew that kappa suffers from.

use evalwright_core::Seed;
use serde::Serialize;

use crate::chance::{ChanceModel, chance_corrected};
use crate::coefficient::Coefficient;
use crate::interval::{Interval, wilson};
use crate::profile::Profiles;
use crate::ratings::{Label, MISSING, RatingTable};
use crate::resample::{Additive, resampled_interval};
use crate::undefined::Undefined;
use crate::weights::AgreementWeights;

/// How often the first rater gave one label and the second another, over items that both labelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairTable {
    labels: usize,
    /// Rows are the first rater's labels.
    cells: Vec<u64>,
}

/// What a report shows of two raters: never kappa alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairAgreement {
    /// Items that both labelled.
    pub items: u64,
    /// Counts; the outer index is the first rater's label.
    pub table: Vec<Vec<u64>>,
    /// The share of items with the same label.
    pub raw: Option<f64>,
    /// Wilson's interval of it.
    pub raw_interval: Option<Interval>,
    /// Cohen's kappa.
    pub cohen: Coefficient,
    /// Its percentile interval over items drawn again.
    pub cohen_interval: Option<Interval>,
    /// Scott's pi.
    pub scott: Coefficient,
    /// Gwet's AC1, which is not hit by skew.
    pub gwet: Coefficient,
    /// Brennan and Prediger's coefficient.
    pub brennan_prediger: Coefficient,
    /// For two labels: (both say 0 − both say 1) / n.
    pub prevalence_index: Option<f64>,
    /// For two labels: (only the first says 0 − only the second says 0) / n.
    pub bias_index: Option<f64>,
}

impl PairTable {
    /// The table of two raters of a table of ratings; empty when one of them does not exist.
    #[must_use]
    pub fn of(table: &RatingTable, first: usize, second: usize) -> Self {
        let labels = table.labels();
        let mut cells = vec![0_u64; labels * labels];
        for (pattern, weight) in table.patterns() {
            let pair = (pattern.get(first), pattern.get(second));
            if let (Some(&a), Some(&b)) = pair
                && a != MISSING
                && b != MISSING
            {
                cells[usize::from(a) * labels + usize::from(b)] += weight;
            }
        }
        Self { labels, cells }
    }

    /// The table of pairs of labels. Pairs with [`MISSING`] or a label not below `labels` are left out.
    #[must_use]
    pub fn of_pairs(labels: usize, pairs: impl IntoIterator<Item = (Label, Label)>) -> Self {
        let mut cells = vec![0_u64; labels * labels];
        for (a, b) in pairs {
            let (a, b) = (usize::from(a), usize::from(b));
            if a < labels && b < labels {
                cells[a * labels + b] += 1;
            }
        }
        Self { labels, cells }
    }

    /// Labels that could be chosen.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// Items that both labelled.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// How often the first gave one label and the second another; 0 for labels that do not exist.
    #[must_use]
    pub fn count(&self, first: usize, second: usize) -> u64 {
        if first < self.labels && second < self.labels {
            self.cells[first * self.labels + second]
        } else {
            0
        }
    }

    /// How often both gave the same label.
    #[must_use]
    pub fn same(&self) -> u64 {
        (0..self.labels).map(|label| self.count(label, label)).sum()
    }

    /// How often the first rater gave a label.
    #[must_use]
    pub fn first_total(&self, label: usize) -> u64 {
        (0..self.labels).map(|other| self.count(label, other)).sum()
    }

    /// How often the second rater gave a label.
    #[must_use]
    pub fn second_total(&self, label: usize) -> u64 {
        (0..self.labels).map(|other| self.count(other, label)).sum()
    }

    /// The counts, the outer index the first rater's label.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.cells
            .chunks(self.labels.max(1))
            .map(<[u64]>::to_vec)
            .collect()
    }

    /// Prevalence and bias index of two labels (Byrt, Bishop and Carlin 1993, Journal of Clinical Epidemiology 46:
    /// 423–429), each in [−1, 1]. `None` for other numbers of labels and without items.
    #[must_use]
    pub fn indices(&self) -> Option<(f64, f64)> {
        let n = self.items() as f64;
        if self.labels != 2 || self.items() == 0 {
            return None;
        }
        let difference = |a: u64, b: u64| (a as f64 - b as f64) / n;
        Some((
            difference(self.count(0, 0), self.count(1, 1)),
            difference(self.count(0, 1), self.count(1, 0)),
        ))
    }

    /// The items' label counts, who gave which forgotten.
    fn profiles(&self) -> Profiles {
        let mut counts = Vec::new();
        let mut weights = Vec::new();
        for first in 0..self.labels {
            for second in first..self.labels {
                let mut weight = self.count(first, second);
                if first != second {
                    weight += self.count(second, first);
                }
                if weight > 0 {
                    let mut row = vec![0_u32; self.labels];
                    row[first] += 1;
                    row[second] += 1;
                    counts.extend(row);
                    weights.push(weight);
                }
            }
        }
        Profiles::weighted(self.labels, counts, weights)
    }

    /// The chance-corrected agreement of both raters under another idea of chance: Scott's pi is Fleiss's kappa of
    /// two raters.
    #[must_use]
    pub fn chance_corrected(&self, model: ChanceModel, weights: &AgreementWeights) -> Coefficient {
        chance_corrected(&self.profiles(), model, weights)
    }

    /// Cohen's kappa, weighted (Cohen 1960, Educational and Psychological Measurement 20: 37–46; 1968, Psychological
    /// Bulletin 70: 213–220), with the standard error of Fleiss, Cohen and Everitt 1969 (Psychological Bulletin 72:
    /// 323–327).
    ///
    /// Worked number: 20 both yes, 5 and 10 mixed, 15 both no: observed 0.7, chance 0.5, kappa 0.4. Undefined without
    /// items, and when both raters gave one and the same label throughout.
    #[must_use]
    pub fn cohen(&self, weights: &AgreementWeights) -> Coefficient {
        let items = self.items();
        if items == 0 {
            return Coefficient::missing(Undefined::NoPairs, 0);
        }
        let shares: Vec<f64> = self.cells.iter().map(|count| *count as f64).collect();
        let Some(kappa) = Kappa::of(self.labels, &shares, weights) else {
            return Coefficient {
                observed: Some(self.same() as f64 / items as f64),
                chance: Some(1.0),
                ..Coefficient::missing(Undefined::NoVariation, items)
            };
        };
        Coefficient {
            value: Some(kappa.value),
            undefined: None,
            observed: Some(kappa.observed),
            chance: Some(kappa.chance),
            standard_error: Some(kappa.standard_error(self.labels, &shares, weights)),
            items,
        }
    }

    /// The percentile interval of [`PairTable::cohen`] over items drawn again with replacement.
    ///
    /// # Errors
    ///
    /// Why there is none: kappa itself is undefined, or it is in half of the draws or more.
    pub fn cohen_interval(
        &self,
        weights: &AgreementWeights,
        draws: usize,
        confidence: f64,
        seed: Seed,
    ) -> Result<Interval, Undefined> {
        if let Some(undefined) = self.cohen(weights).undefined {
            return Err(undefined);
        }
        let width = self.cells.len();
        let mut contributions = vec![0.0; width * width];
        for cell in 0..width {
            contributions[cell * width + cell] = 1.0;
        }
        let groups = Additive::new(width, contributions, &self.cells);
        resampled_interval(&groups, draws, confidence, seed, |cells| {
            Kappa::of(self.labels, cells, weights).map(|kappa| kappa.value)
        })
        .ok_or(Undefined::UnstableDraws)
    }

    /// Everything a report shows of two raters, with identity weights.
    #[must_use]
    pub fn agreement(&self, draws: usize, confidence: f64, seed: Seed) -> PairAgreement {
        let identity = AgreementWeights::identity(self.labels);
        let (items, same) = (self.items(), self.same());
        let indices = self.indices();
        PairAgreement {
            items,
            table: self.rows(),
            raw: (items > 0).then(|| same as f64 / items as f64),
            raw_interval: wilson(same, items, confidence),
            cohen: self.cohen(&identity),
            cohen_interval: self.cohen_interval(&identity, draws, confidence, seed).ok(),
            scott: self.chance_corrected(ChanceModel::Fleiss, &identity),
            gwet: self.chance_corrected(ChanceModel::Gwet, &identity),
            brennan_prediger: self.chance_corrected(ChanceModel::BrennanPrediger, &identity),
            prevalence_index: indices.map(|(prevalence, _)| prevalence),
            bias_index: indices.map(|(_, bias)| bias),
        }
    }
}

/// The pieces of a defined kappa.
struct Kappa {
    value: f64,
    observed: f64,
    chance: f64,
    items: f64,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Kappa {
    /// `None` without items, or when all items stand in one cell of the diagonal.
    fn of(labels: usize, cells: &[f64], weights: &AgreementWeights) -> Option<Self> {
        let items: f64 = cells.iter().sum();
        if items < 0.5 {
            return None;
        }
        let (mut first, mut second) = (vec![0.0; labels], vec![0.0; labels]);
        let mut observed = 0.0;
        for (place, cell) in cells.iter().enumerate() {
            let (a, b) = (place / labels, place % labels);
            first[a] += cell / items;
            second[b] += cell / items;
            observed += weights.weight(a, b) * cell / items;
        }
        // Counts, not rounded shares, decide whether the denominator is 0.
        let full = (0..labels).any(|label| {
            cells
                .get(label * labels + label)
                .is_some_and(|cell| *cell > items - 0.5)
        });
        if full {
            return None;
        }
        let mut chance = 0.0;
        for (a, share) in first.iter().enumerate() {
            for (b, other) in second.iter().enumerate() {
                chance += weights.weight(a, b) * share * other;
            }
        }
        let value = (observed - chance) / (1.0 - chance);
        value.is_finite().then_some(Self {
            value,
            observed,
            chance,
            items,
            first,
            second,
        })
    }

    fn standard_error(&self, labels: usize, cells: &[f64], weights: &AgreementWeights) -> f64 {
        let disagreement = 1.0 - self.value;
        let mean_weight = |label: usize, shares: &[f64], transposed: bool| -> f64 {
            let weight = |other| {
                if transposed {
                    weights.weight(other, label)
                } else {
                    weights.weight(label, other)
                }
            };
            let terms = shares.iter().enumerate();
            terms.map(|(other, share)| weight(other) * share).sum()
        };
        let rows: Vec<f64> = (0..labels)
            .map(|label| mean_weight(label, &self.second, false))
            .collect();
        let columns: Vec<f64> = (0..labels)
            .map(|label| mean_weight(label, &self.first, true))
            .collect();
        // The formula subtracts the square of the mean; taking the mean off first keeps the digits when both are near.
        let mean = self.value - self.chance * disagreement;
        let mut variance = 0.0;
        for (place, cell) in cells.iter().enumerate() {
            let (a, b) = (place / labels, place % labels);
            let deviation = weights.weight(a, b) - (rows[a] + columns[b]) * disagreement - mean;
            variance += cell / self.items * deviation * deviation;
        }
        variance.sqrt() / ((1.0 - self.chance) * self.items.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_worked_table() {
        let mut pairs = vec![(0, 0); 20];
        pairs.extend(vec![(0, 1); 5]);
        pairs.extend(vec![(1, 0); 10]);
        pairs.extend(vec![(1, 1); 15]);
        let table = PairTable::of_pairs(2, pairs);
        let shown = table.agreement(500, 0.95, Seed(1));
        assert!((shown.cohen.value.unwrap() - 0.4).abs() < 1e-12);
        assert!((shown.gwet.value.unwrap() - 0.205 / 0.505).abs() < 1e-12);
        assert!((shown.brennan_prediger.value.unwrap() - 0.4).abs() < 1e-12);
        // Shares 0.55 and 0.45: chance 0.505.
        assert!((shown.scott.value.unwrap() - 0.195 / 0.495).abs() < 1e-12);
        assert_eq!(shown.table, [[20, 5], [10, 15]]);
        assert!(shown.cohen_interval.unwrap().holds(0.4));
        assert!(shown.raw_interval.unwrap().holds(0.7));
        assert!((shown.prevalence_index.unwrap() - 0.1).abs() < 1e-12);
        assert!((shown.bias_index.unwrap() + 0.1).abs() < 1e-12);
    }

    #[test]
    fn nothing_and_one_label_have_reasons() {
        let nothing = PairTable::of_pairs(2, [(0, MISSING), (7, 0)]);
        let shown = nothing.agreement(10, 0.95, Seed(1));
        assert_eq!(shown.cohen.undefined, Some(Undefined::NoPairs));
        assert_eq!((shown.raw, shown.raw_interval), (None, None));
        let one = PairTable::of_pairs(3, [(2, 2), (2, 2)]);
        let shown = one.agreement(10, 0.95, Seed(1));
        assert_eq!(shown.cohen.undefined, Some(Undefined::NoVariation));
        assert_eq!(shown.scott.undefined, Some(Undefined::NoVariation));
        assert_eq!(shown.gwet.value, Some(1.0));
        assert_eq!(shown.prevalence_index, None);
        let written = serde_json::to_value(&shown).unwrap();
        assert_eq!(written["cohen"]["undefined"]["code"], "no_variation");
        assert!(written["cohen"]["value"].is_null());
    }
}

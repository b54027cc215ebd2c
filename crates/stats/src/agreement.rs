//! How far two raters agree: the raw share, Cohen's kappa and Gwet's AC1.
//!
//! A pair is one item that both raters labelled, labels counted from 0; items that one of them left out are
//! not pairs and enter neither the observed nor the expected part. Order of pairs and names of labels never
//! change a value.

use serde::{Deserialize, Serialize};

/// Cohen's kappa with the figures that are needed to read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CohenKappa {
    /// At most 1; 0 is the agreement of two raters who label independently; null when undefined.
    pub kappa: Option<f64>,
    /// Why kappa is undefined, as a sentence.
    pub undefined: Option<String>,
    /// Share of pairs with the same label.
    pub raw: f64,
    /// The share that two independent raters with the same label shares would reach.
    pub chance: f64,
    /// For two labels: (both say 0 − both say 1) / n, in [−1, 1]. Far from 0, kappa is low however often the
    /// raters agree.
    pub prevalence_index: Option<f64>,
    /// For two labels: (only the first says 0 − only the second says 0) / n, in [−1, 1].
    pub bias_index: Option<f64>,
    /// Pairs.
    pub n: u64,
}

/// How often one label was given.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    first: u64,
    second: u64,
    both: u64,
}

/// Both raters' counts of each label that one of them used, labels rising. Labels that nobody used add
/// nothing to any sum.
struct Table {
    counts: Vec<(u32, Count)>,
    n: u64,
}

impl Table {
    /// `None` for no pairs, or a label that is not below `labels`.
    fn count(pairs: &[(u32, u32)], labels: u32) -> Option<Self> {
        let mut table = Self {
            counts: Vec::new(),
            n: u64::try_from(pairs.len()).ok()?,
        };
        for &(first, second) in pairs {
            if first >= labels || second >= labels {
                return None;
            }
            table.entry(first)?.first += 1;
            let count = table.entry(second)?;
            count.second += 1;
            count.both += u64::from(first == second);
        }
        (table.n > 0).then_some(table)
    }

    /// The count of a label, added if it is new; always `Some`.
    fn entry(&mut self, label: u32) -> Option<&mut Count> {
        let place = self
            .counts
            .binary_search_by_key(&label, |(known, _)| *known);
        let place = place.unwrap_or_else(|place| {
            self.counts.insert(place, (label, Count::default()));
            place
        });
        self.counts.get_mut(place).map(|(_, count)| count)
    }

    fn of(&self, label: u32) -> Count {
        let found = self.counts.iter().find(|(known, _)| *known == label);
        found.map(|(_, count)| *count).unwrap_or_default()
    }

    fn values(&self) -> impl Iterator<Item = &Count> {
        self.counts.iter().map(|(_, count)| count)
    }

    fn raw(&self) -> f64 {
        let same: u64 = self.values().map(|count| count.both).sum();
        same as f64 / self.n as f64
    }
}

/// Share of pairs with the same label, in [0, 1]; `None` when there are no pairs.
#[must_use]
pub fn agreement_share(pairs: &[(u32, u32)]) -> Option<f64> {
    if pairs.is_empty() {
        return None;
    }
    let same = pairs
        .iter()
        .filter(|(first, second)| first == second)
        .count();
    Some(same as f64 / pairs.len() as f64)
}

/// Cohen's kappa (Cohen 1960, Educational and Psychological Measurement 20: 37–46):
/// `(raw − chance) / (1 − chance)`, chance being the sum over labels of the product of both raters' shares.
/// Prevalence and bias index after Byrt, Bishop and Carlin 1993 (Journal of Clinical Epidemiology 46:
/// 423–429).
///
/// Worked number: 92 × (0,0), 4 × (0,1), 4 × (1,0) gives raw 0.92, chance 0.9232, kappa −0.041667.
/// When both raters used one and the same label for everything, chance is 1 and kappa is 0/0: it is null and
/// `undefined` says so. `None` when there are no pairs or a label is not below `labels`.
#[must_use]
pub fn cohen_kappa(pairs: &[(u32, u32)], labels: u32) -> Option<CohenKappa> {
    let table = Table::count(pairs, labels)?;
    let n = table.n as f64;
    let raw = table.raw();
    let chance: f64 = table
        .values()
        .map(|count| (count.first as f64 / n) * (count.second as f64 / n))
        .sum();
    // Counts, not rounded shares, decide whether the denominator is 0.
    let one_label_only = table.values().any(|count| count.both == table.n);
    let (zero, one) = (table.of(0), table.of(1));
    let two_labels = |a: u64, b: u64| (labels == 2).then(|| (a as f64 - b as f64) / n);
    Some(CohenKappa {
        kappa: (!one_label_only).then(|| (raw - chance) / (1.0 - chance)),
        undefined: one_label_only.then(|| {
            "both raters gave one and the same label to every item, so the agreement expected by chance is 1 \
             and kappa is 0/0"
                .to_owned()
        }),
        raw,
        chance,
        prevalence_index: two_labels(zero.both, one.both),
        bias_index: two_labels(zero.first, zero.second),
        n: table.n,
    })
}

/// Gwet's AC1 (Gwet 2008, British Journal of Mathematical and Statistical Psychology 61: 29–48):
/// `(raw − chance) / (1 − chance)` with chance = `Σ π(1−π) / (labels − 1)`, π being the mean of both raters'
/// shares of a label. It does not fall apart when one label is rare, as kappa does.
///
/// `labels` is the number of labels that could be chosen, not of those that were: the value depends on it.
/// Worked number: the table of [`cohen_kappa`] gives 0.913345. `None` when there are no pairs, a label is not
/// below `labels`, or `labels` is less than 2.
#[must_use]
pub fn gwet_ac1(pairs: &[(u32, u32)], labels: u32) -> Option<f64> {
    if labels < 2 {
        return None;
    }
    let table = Table::count(pairs, labels)?;
    let doubled = 2.0 * table.n as f64;
    let spread: f64 = table
        .values()
        .map(|count| {
            let share = (count.first + count.second) as f64 / doubled;
            share * (1.0 - share)
        })
        .sum();
    // At most 1/labels, so the denominator never vanishes.
    let chance = spread / f64::from(labels - 1);
    Some((table.raw() - chance) / (1.0 - chance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs_of(labels: u32) -> impl Strategy<Value = Vec<(u32, u32)>> {
        prop::collection::vec((0..labels, 0..labels), 1..60)
    }

    #[test]
    fn a_hand_worked_table() {
        // 20 both yes, 5 only the first, 10 only the second, 15 both no: raw 35/50, margins 25/50 and 30/50,
        // chance 0.5·0.6 + 0.5·0.4 = 0.5, kappa 0.4.
        let mut pairs = vec![(0, 0); 20];
        pairs.extend(vec![(0, 1); 5]);
        pairs.extend(vec![(1, 0); 10]);
        pairs.extend(vec![(1, 1); 15]);
        let kappa = cohen_kappa(&pairs, 2).unwrap();
        assert!((kappa.kappa.unwrap() - 0.4).abs() < 1e-12);
        assert!((kappa.raw - 0.7).abs() < 1e-12);
        assert!((kappa.chance - 0.5).abs() < 1e-12);
        assert!((kappa.prevalence_index.unwrap() - 0.1).abs() < 1e-12);
        assert!((kappa.bias_index.unwrap() + 0.1).abs() < 1e-12);
        assert_eq!(kappa.n, 50);
        // π = 55/100, chance 2·0.55·0.45 = 0.495, AC1 = 0.205/0.505.
        assert!((gwet_ac1(&pairs, 2).unwrap() - 0.205 / 0.505).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_compare_is_none() {
        assert_eq!(agreement_share(&[]), None);
        assert_eq!(cohen_kappa(&[], 2), None);
        assert_eq!(gwet_ac1(&[], 2), None);
        assert_eq!(cohen_kappa(&[(0, 2)], 2), None);
        assert_eq!(gwet_ac1(&[(0, 0)], 1), None);
        assert!(cohen_kappa(&[(0, 1), (1, 1)], u32::MAX).is_some());
    }

    proptest! {
        #[test]
        fn order_and_label_names_do_not_matter(pairs in pairs_of(3), turn in 0_u32..3) {
            let mut changed: Vec<(u32, u32)> = pairs.iter().rev()
                .map(|(first, second)| ((first + turn) % 3, (second + turn) % 3)).collect();
            changed.rotate_left(pairs.len() / 3);
            let before = cohen_kappa(&pairs, 3).unwrap();
            let after = cohen_kappa(&changed, 3).unwrap();
            prop_assert_eq!(before.kappa.is_some(), after.kappa.is_some());
            if let (Some(before), Some(after)) = (before.kappa, after.kappa) {
                prop_assert!((before - after).abs() < 1e-9);
            }
            let (before, after) = (gwet_ac1(&pairs, 3).unwrap(), gwet_ac1(&changed, 3).unwrap());
            prop_assert!((before - after).abs() < 1e-9);
        }

        #[test]
        fn raters_can_be_swapped_and_values_stay_in_range(pairs in pairs_of(2)) {
            let swapped: Vec<(u32, u32)> = pairs.iter().map(|(first, second)| (*second, *first)).collect();
            let kappa = cohen_kappa(&pairs, 2).unwrap();
            let other = cohen_kappa(&swapped, 2).unwrap();
            prop_assert_eq!(kappa.kappa.is_none(), kappa.undefined.is_some());
            if let (Some(kappa), Some(other)) = (kappa.kappa, other.kappa) {
                prop_assert!((kappa - other).abs() < 1e-9 && kappa.is_finite() && kappa <= 1.0 + 1e-12);
            }
            prop_assert!((kappa.bias_index.unwrap() + other.bias_index.unwrap()).abs() < 1e-12);
            prop_assert!((kappa.raw - agreement_share(&pairs).unwrap()).abs() < 1e-12);
            let ac1 = gwet_ac1(&pairs, 2).unwrap();
            prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&ac1));
        }
    }
}

//! How often each label was given to an item, whoever gave it.
//!
//! Coefficients for any number of interchangeable raters depend on an item only through these counts, so items
//! collapse further than in [`crate::ratings`], and neither the order nor the names of raters can matter.

use std::collections::BTreeMap;

use crate::error::StatsError;
use crate::ratings::{MISSING, RatingTable};

/// Distinct label counts with the number of items that have them, in rising order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profiles {
    labels: usize,
    counts: Vec<u32>,
    weights: Vec<u64>,
}

impl Profiles {
    /// The counts of a table of ratings. Items that nobody rated are left out.
    #[must_use]
    pub fn of(table: &RatingTable) -> Self {
        let mut profiles = BTreeMap::<Vec<u32>, u64>::new();
        let mut counts = vec![0_u32; table.labels()];
        for (pattern, weight) in table.patterns() {
            counts.fill(0);
            for label in pattern.iter().filter(|label| **label != MISSING) {
                counts[usize::from(*label)] += 1;
            }
            if counts.iter().any(|count| *count > 0) {
                match profiles.get_mut(&counts) {
                    Some(sum) => *sum += weight,
                    None => drop(profiles.insert(counts.clone(), weight)),
                }
            }
        }
        Self::collect(table.labels(), profiles)
    }

    /// The counts themselves, `labels` numbers for each item, one item after the other: a table of counts per
    /// label, not of ratings. Items with no count are left out.
    ///
    /// # Errors
    ///
    /// No labels, or a last item that is not full.
    pub fn from_counts(labels: usize, counts: &[u32]) -> Result<Self, StatsError> {
        if labels == 0 {
            return Err(StatsError::LabelCount(0));
        }
        if !counts.len().is_multiple_of(labels) {
            return Err(StatsError::RowWidth {
                row: counts.len() / labels,
                cells: counts.len() % labels,
                raters: labels,
            });
        }
        let mut profiles = BTreeMap::<Vec<u32>, u64>::new();
        for row in counts.chunks_exact(labels) {
            if row.iter().any(|count| *count > 0) {
                *profiles.entry(row.to_vec()).or_default() += 1;
            }
        }
        Ok(Self::collect(labels, profiles))
    }

    /// Profiles that are distinct and in rising order already, or whose order does not matter.
    pub(crate) fn weighted(labels: usize, counts: Vec<u32>, weights: Vec<u64>) -> Self {
        Self {
            labels,
            counts,
            weights,
        }
    }

    fn collect(labels: usize, profiles: BTreeMap<Vec<u32>, u64>) -> Self {
        let mut collected = Self {
            labels,
            counts: Vec::with_capacity(profiles.len() * labels),
            weights: Vec::with_capacity(profiles.len()),
        };
        for (counts, weight) in profiles {
            collected.counts.extend(counts);
            collected.weights.push(weight);
        }
        collected
    }

    /// One label against all others together: label 0 is any other, label 1 the one. For a figure per label. All ratings
    /// are of other labels when the label does not exist.
    #[must_use]
    pub fn against_rest(&self, label: usize) -> Self {
        let mut profiles = BTreeMap::<Vec<u32>, u64>::new();
        for (counts, weight) in self.iter() {
            let own = counts.get(label).copied().unwrap_or_default();
            let rest = counts.iter().sum::<u32>() - own;
            *profiles.entry(vec![rest, own]).or_default() += weight;
        }
        Self::collect(2, profiles)
    }

    /// Labels that could be chosen.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// Items with at least one rating.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.weights.iter().sum()
    }

    /// Items with at least two ratings.
    #[must_use]
    pub fn paired_items(&self) -> u64 {
        self.iter()
            .filter(|(counts, _)| counts.iter().sum::<u32>() >= 2)
            .map(|(_, weight)| weight)
            .sum()
    }

    /// Ratings of each label.
    #[must_use]
    pub fn label_counts(&self) -> Vec<u64> {
        let mut sums = vec![0_u64; self.labels];
        for (counts, weight) in self.iter() {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += u64::from(*count) * weight;
            }
        }
        sums
    }

    /// Counts of each label and how many items have them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u32], u64)> {
        self.counts
            .chunks_exact(self.labels.max(1))
            .zip(self.weights.iter().copied())
    }

    /// Items of each profile, in the order of [`Profiles::iter`].
    #[must_use]
    pub fn weights(&self) -> &[u64] {
        &self.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_against_the_rest() {
        let profiles = Profiles::from_counts(3, &[2, 1, 0, 1, 1, 1, 1, 2, 0, 0, 0, 0]).unwrap();
        let against: Vec<(Vec<u32>, u64)> = profiles
            .against_rest(0)
            .iter()
            .map(|(counts, weight)| (counts.to_vec(), weight))
            .collect();
        assert_eq!(against, [(vec![1, 2], 1), (vec![2, 1], 2)]);
        assert_eq!(profiles.against_rest(9).label_counts(), [9, 0]);
        assert_eq!(profiles.label_counts(), [4, 4, 1]);
        assert_eq!((profiles.items(), profiles.paired_items()), (3, 3));
    }
}

//! What most raters say of an item. A tie is a result of its own: breaking it by the order of labels or raters would
//! make that order matter.

use serde::Serialize;

use crate::interval::{Interval, wilson};
use crate::profile::Profiles;
use crate::ratings::{Label, MISSING};

/// The vote over one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// One label was given more often than any other.
    Label(Label),
    /// Several were given most often.
    Tie,
    /// Nobody rated the item.
    Unrated,
}

/// The vote over the ratings of one item, [`MISSING`] ones left out.
#[must_use]
pub fn majority(ratings: &[Label]) -> Vote {
    let mut sorted: Vec<Label> = ratings
        .iter()
        .copied()
        .filter(|label| *label != MISSING)
        .collect();
    sorted.sort_unstable();
    let mut best: Option<(usize, Label)> = None;
    let mut tied = false;
    for run in sorted.chunk_by(|a, b| a == b) {
        let count = run.len();
        match best {
            Some((most, _)) if count < most => {}
            Some((most, _)) if count == most => tied = true,
            _ => (best, tied) = (run.first().map(|label| (count, *label)), false),
        }
    }
    match best {
        None => Vote::Unrated,
        Some(_) if tied => Vote::Tie,
        Some((_, label)) => Vote::Label(label),
    }
}

/// How clearly raters agree, over all items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MajoritySummary {
    /// Items whose vote is each label.
    pub won: Vec<u64>,
    /// Items with a tie.
    pub ties: u64,
    /// Items rated at least twice whose ratings are all the same.
    pub unanimous: u64,
    /// Items rated at least twice.
    pub paired: u64,
    /// Wilson's interval of the share of unanimous items among those rated at least twice.
    pub unanimous_interval: Option<Interval>,
    /// Items with more than half of their ratings on one label, among those rated at least twice.
    pub clear: u64,
    /// The mean over rated items of the share of ratings on the most frequent label.
    pub mean_top_share: Option<f64>,
    /// Items rated at least twice by the share of ratings outside the most frequent label, in ten bins of equal width
    /// over [0, 1]: the histogram of ambiguity. All unanimous items stand in the first.
    pub ambiguity: Vec<u64>,
}

/// The votes over all items. `confidence` lies between 0 and 1.
#[must_use]
pub fn majority_summary(profiles: &Profiles, confidence: f64) -> MajoritySummary {
    let mut summary = MajoritySummary {
        won: vec![0; profiles.labels()],
        ties: 0,
        unanimous: 0,
        paired: 0,
        unanimous_interval: None,
        clear: 0,
        mean_top_share: None,
        ambiguity: vec![0; 10],
    };
    let (mut top_shares, mut rated) = (0.0, 0_u64);
    for (counts, weight) in profiles.iter() {
        let ratings: u32 = counts.iter().sum();
        let most = counts.iter().copied().max().unwrap_or_default();
        if most == 0 {
            continue;
        }
        let mut winners = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count == most);
        match (winners.next(), winners.next()) {
            (Some((label, _)), None) => summary.won[label] += weight,
            _ => summary.ties += weight,
        }
        rated += weight;
        top_shares += weight as f64 * f64::from(most) / f64::from(ratings);
        if ratings >= 2 {
            summary.paired += weight;
            summary.unanimous += if most == ratings { weight } else { 0 };
            summary.clear += if 2 * most > ratings { weight } else { 0 };
            let outside = (ratings - most) as usize * 10 / ratings as usize;
            summary.ambiguity[outside.min(9)] += weight;
        }
    }
    summary.unanimous_interval = wilson(summary.unanimous, summary.paired, confidence);
    summary.mean_top_share = (rated > 0).then(|| top_shares / rated as f64);
    summary
}

/// How many raters of an item answered yes to a yes-or-no question such as "is it ambiguous?": entry `k` counts the
/// items that `k` raters call so, for items with exactly `raters` answers. Label 1 is yes.
#[must_use]
pub fn yes_counts(profiles: &Profiles, raters: u32) -> Vec<u64> {
    let mut items = vec![0_u64; raters as usize + 1];
    for (counts, weight) in profiles.iter() {
        if counts.iter().sum::<u32>() == raters {
            let yes = counts.get(1).copied().unwrap_or_default() as usize;
            items[yes] += weight;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratings::RatingTable;

    #[test]
    fn ties_and_gaps() {
        assert_eq!(majority(&[]), Vote::Unrated);
        assert_eq!(majority(&[MISSING, MISSING]), Vote::Unrated);
        assert_eq!(majority(&[1, 0]), Vote::Tie);
        assert_eq!(majority(&[1, 0, MISSING, 1]), Vote::Label(1));
        assert_eq!(majority(&[0, 0, 1, 1, 2]), Vote::Tie);
        assert_eq!(majority(&[2, 2, 2, 1, 1]), Vote::Label(2));
    }

    #[test]
    fn a_summary_by_hand() {
        let m = MISSING;
        let rows = [[0, 0, 0], [0, 1, 1], [1, 0, m], [1, m, m], [m, m, m]].concat();
        let table = RatingTable::from_rows(3, 2, &rows).unwrap();
        let profiles = Profiles::of(&table);
        let summary = majority_summary(&profiles, 0.95);
        assert_eq!((summary.won, summary.ties), (vec![1, 2], 1));
        assert_eq!(
            (summary.unanimous, summary.paired, summary.clear),
            (1, 3, 2)
        );
        // Outside the most frequent label: 0, 1/3 and 1/2.
        assert_eq!(summary.ambiguity, [1, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
        let mean = (1.0 + 2.0 / 3.0 + 0.5 + 1.0) / 4.0;
        assert!((summary.mean_top_share.unwrap() - mean).abs() < 1e-12);
        assert_eq!(yes_counts(&profiles, 3), [1, 0, 1, 0]);
    }
}

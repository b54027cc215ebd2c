//! The choice before anything is balanced: the surest, or evenly over bins of confidence or over clusters.

use evalwright_core::{ContentHash, Seed};
use evalwright_recipe::Take;

/// Confidence bins of `spread`.
const BINS: u32 = 10;

/// One candidate of a cell. Candidates of a cell stand by falling score, ties by identifier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ranked<'a> {
    /// Its identifier.
    pub(super) id: &'a str,
    /// What it is ranked by, in [0, 1]: its confidence, or all requirements together.
    pub(super) score: f64,
    /// Its cluster; any number.
    pub(super) cluster: u32,
}

/// The stratum of each candidate of a cell, from 0 on: its bin of confidence, the surest bin 0 (the cell's range
/// is cut into ten bins of equal width); its cluster, numbered by the surest member; or 0 for all.
pub(super) fn strata(take: Take, ranked: &[Ranked<'_>]) -> Vec<usize> {
    match take {
        Take::Top => vec![0; ranked.len()],
        Take::Spread => {
            let high = ranked.first().map_or(0.0, |one| one.score);
            let low = ranked.last().map_or(0.0, |one| one.score);
            ranked
                .iter()
                .map(|one| bin_from_top(one.score, low, high))
                .collect()
        }
        Take::Clusters => {
            let mut seen: Vec<u32> = Vec::new();
            ranked
                .iter()
                .map(
                    |one| match seen.iter().position(|cluster| *cluster == one.cluster) {
                        Some(number) => number,
                        None => {
                            seen.push(one.cluster);
                            seen.len() - 1
                        }
                    },
                )
                .collect()
        }
    }
}

/// The positions of `size` candidates of a cell, ascending. Strata give one each in turn, stratum 0 first, until
/// there are enough. Inside a bin of confidence the seed and the identifier decide, inside a cluster the
/// confidence.
pub(super) fn first(
    take: Take,
    ranked: &[Ranked<'_>],
    strata: &[usize],
    size: usize,
    seed: Seed,
) -> Vec<usize> {
    let mut members: Vec<Vec<(Option<ContentHash>, usize)>> = Vec::new();
    for (position, (one, stratum)) in ranked.iter().zip(strata).enumerate() {
        if members.len() <= *stratum {
            members.resize_with(stratum + 1, Vec::new);
        }
        let lot = (take == Take::Spread)
            .then(|| ContentHash::of_parts(&[&seed.0.to_le_bytes()[..], one.id.as_bytes()]));
        if let Some(members) = members.get_mut(*stratum) {
            members.push((lot, position));
        }
    }
    // The turn in which a stratum would give a candidate; within a turn strata follow each other.
    let mut turns: Vec<(usize, usize, usize)> = Vec::new();
    for (stratum, members) in members.iter_mut().enumerate() {
        members.sort_unstable();
        turns.extend(
            members
                .iter()
                .enumerate()
                .map(|(turn, (_, position))| (turn, stratum, *position)),
        );
    }
    turns.sort_unstable();
    let mut chosen: Vec<usize> = turns
        .into_iter()
        .take(size)
        .map(|(_, _, position)| position)
        .collect();
    chosen.sort_unstable();
    chosen
}

/// The bin of a confidence between `low` and `high`, 0 for the surest; all are in bin 0 when there is no range.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is from 0 to the number of bins; `as` maps a number that is none to 0"
)]
pub(super) fn bin_from_top(confidence: f64, low: f64, high: f64) -> usize {
    let range = high - low;
    if range <= 0.0 {
        return 0;
    }
    let bins = f64::from(BINS);
    ((high - confidence) / range * bins)
        .floor()
        .clamp(0.0, bins - 1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(clusters: &[u32]) -> Vec<Ranked<'static>> {
        clusters
            .iter()
            .map(|cluster| Ranked {
                id: "a",
                score: 0.5,
                cluster: *cluster,
            })
            .collect()
    }

    #[test]
    fn clusters_take_turns_and_give_their_surest_first() {
        let ranked = ranked(&[9, 9, 9, 4, 9, 4, 7]);
        let strata = strata(Take::Clusters, &ranked);
        assert_eq!(strata, [0, 0, 0, 1, 0, 1, 2]);
        let chosen = |size| first(Take::Clusters, &ranked, &strata, size, Seed(1));
        assert_eq!(chosen(3), [0, 3, 6]);
        assert_eq!(chosen(5), [0, 1, 3, 5, 6]);
        assert_eq!(chosen(99).len(), 7);
        assert!(chosen(0).is_empty());
    }
}

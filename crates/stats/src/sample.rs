//! A seeded, stratified sample of rows to hand to raters.

use evalwright_core::Seed;

use crate::error::StatsError;

/// How a sample is shared out over strata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// As large a share of each stratum, to the nearest row: the sample looks like the whole.
    Proportional,
    /// As many rows of each stratum, as far as it has them: every stratum can be judged.
    Even,
}

/// A sample of `wanted` rows, or all when there are fewer, in the order to show them: a seeded one that tells neither the
/// stratum nor the place in the file.
///
/// Which rows are chosen depends on their `ids`, their strata and the seed, not on the order of rows; rows with equal
/// ids are told apart by their place. `strata` gives each row's stratum as any number.
///
/// # Errors
///
/// Not one stratum for each id.
pub fn stratified_sample(
    ids: &[&str],
    strata: &[usize],
    wanted: usize,
    allocation: Allocation,
    seed: Seed,
) -> Result<Vec<usize>, StatsError> {
    if strata.len() != ids.len() {
        return Err(StatsError::Length {
            what: "strata",
            found: strata.len(),
            expected: ids.len(),
        });
    }
    let draw = seed.derive("sample");
    let rank: Vec<u64> = ids.iter().map(|id| draw.derive(id).0).collect();
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by(|a, b| {
        let key = |row: usize| (strata[row], rank[row], ids[row], row);
        key(*a).cmp(&key(*b))
    });
    let groups: Vec<&[usize]> = order.chunk_by(|a, b| strata[*a] == strata[*b]).collect();
    let sizes: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let wanted = wanted.min(ids.len());
    let quotas = match allocation {
        Allocation::Proportional => proportional(&sizes, wanted),
        Allocation::Even => even(&sizes, wanted),
    };
    let mut chosen: Vec<usize> = groups
        .iter()
        .zip(quotas)
        .flat_map(|(group, quota)| group.iter().copied().take(quota))
        .collect();
    // Another purpose than the choice, so that early rows are no better hidden than late ones.
    let show = seed.derive("order");
    chosen.sort_by_cached_key(|row| (show.derive(ids[*row]).0, *row));
    Ok(chosen)
}

/// Largest remainders; equal ones go to the earlier stratum.
fn proportional(sizes: &[usize], wanted: usize) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    if total == 0 {
        return vec![0; sizes.len()];
    }
    let exact = |size: usize| (size as u128 * wanted as u128, total as u128);
    let mut quotas: Vec<usize> = sizes
        .iter()
        .map(|size| (exact(*size).0 / exact(*size).1) as usize)
        .collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|place| {
        let (above, below) = exact(sizes[*place]);
        (std::cmp::Reverse(above % below), *place)
    });
    let left = wanted - quotas.iter().sum::<usize>();
    for place in order.into_iter().take(left) {
        quotas[place] += 1;
    }
    quotas
}

/// One row more for each stratum in turn until enough are taken.
fn even(sizes: &[usize], wanted: usize) -> Vec<usize> {
    let mut quotas = vec![0; sizes.len()];
    let mut left = wanted;
    while left > 0 {
        let open: Vec<usize> = (0..sizes.len())
            .filter(|place| quotas[*place] < sizes[*place])
            .collect();
        if open.is_empty() {
            break;
        }
        let each = (left / open.len()).max(1);
        for place in open {
            let more = each.min(sizes[place] - quotas[place]).min(left);
            quotas[place] += more;
            left -= more;
        }
    }
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_by_hand() {
        assert_eq!(proportional(&[50, 30, 20], 10), [5, 3, 2]);
        assert_eq!(proportional(&[1, 1, 1], 2), [1, 1, 0]);
        assert_eq!(even(&[50, 2, 20], 12), [5, 2, 5]);
        assert_eq!(even(&[1, 2], 9), [1, 2]);
        assert_eq!(proportional(&[], 0), Vec::<usize>::new());
    }

    proptest! {
        #[test]
        fn the_sample_is_as_large_as_wanted_and_ignores_row_order(
            strata in prop::collection::vec(0_usize..4, 0..60), wanted in 0_usize..70, seed in any::<u64>(), even in any::<bool>(),
        ) {
            let allocation = if even { Allocation::Even } else { Allocation::Proportional };
            let ids: Vec<String> = (0..strata.len()).map(|row| format!("row_{row}")).collect();
            let names: Vec<&str> = ids.iter().map(String::as_str).collect();
            let chosen = stratified_sample(&names, &strata, wanted, allocation, Seed(seed)).unwrap();
            prop_assert_eq!(chosen.len(), wanted.min(strata.len()));
            let mut distinct = chosen.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), chosen.len());
            let backwards: Vec<&str> = names.iter().rev().copied().collect();
            let turned: Vec<usize> = strata.iter().rev().copied().collect();
            let again = stratified_sample(&backwards, &turned, wanted, allocation, Seed(seed)).unwrap();
            let of = |chosen: &[usize], names: &[&str]| chosen.iter().map(|row| names[*row].to_owned()).collect::<Vec<_>>();
            prop_assert_eq!(of(&chosen, &names), of(&again, &backwards));
        }
    }
}

//! Deals rows into a training part and others, with what nearly repeats something in the same part as it.
//!
//! Rows of one cluster always go together, so a model that learned from one part has seen nothing of another.

use std::collections::BTreeMap;

use evalwright_core::{ContentHash, Seed};

/// Orders in which clusters are tried; the first that gives exact sizes is taken.
const ATTEMPTS: u32 = 32;

/// One row to be dealt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    /// An identifier that does not depend on the row's place.
    pub(crate) id: &'a str,
    /// Each part holds its share of each cell.
    pub(crate) cell: usize,
    /// Rows with the same number stay together.
    pub(crate) cluster: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dealt {
    /// For each row the number of its part; the last part (`shares.len()`) takes what no other one wants.
    pub(crate) parts: Vec<usize>,
    /// For each part but the last, the rows of each cell that it should hold: the share of the cell, rounded to
    /// the nearest whole number, halves up.
    pub(crate) wanted: Vec<Vec<usize>>,
    /// How many rows all parts but the last lack, over all cells; 0 if every size is exact. A part never holds
    /// more than it should.
    pub(crate) missing: usize,
}

/// Deals rows. `shares` are parts of 1 in the order of the parts.
///
/// Clusters are dealt in an order of chance, a part taking each that still fits in. Where that leaves a part
/// short in every attempt, large clusters go first, and the closest result is kept. The rows' order is of no
/// matter, and neither are the numbers of cells and clusters.
pub(crate) fn deal(members: &[Member<'_>], shares: &[f64], seed: Seed) -> Dealt {
    let cells = members
        .iter()
        .map(|member| member.cell + 1)
        .max()
        .unwrap_or(0);
    let mut sizes = vec![0_usize; cells];
    for member in members {
        if let Some(size) = sizes.get_mut(member.cell) {
            *size += 1;
        }
    }
    let wanted: Vec<Vec<usize>> = shares
        .iter()
        .map(|share| sizes.iter().map(|size| rounded(*size, *share)).collect())
        .collect();
    let clusters = clusters(members, cells);
    let mut best: Option<(usize, Vec<usize>)> = None;
    for attempt in 0..=ATTEMPTS {
        let seed = seed.derive(&format!("attempt {attempt}"));
        let mut order: Vec<(usize, ContentHash, &Cluster<'_>)> = clusters
            .iter()
            .map(|cluster| {
                // The last attempt begins with the largest.
                let rank = if attempt == ATTEMPTS {
                    members.len() - cluster.rows.len()
                } else {
                    0
                };
                let lot =
                    ContentHash::of_parts(&[&seed.0.to_le_bytes()[..], cluster.name.as_bytes()]);
                (rank, lot, cluster)
            })
            .collect();
        order.sort_unstable_by_key(|(rank, lot, _)| (*rank, *lot));
        let (missing, parts) = fill(&order, &wanted, members.len());
        if best.as_ref().is_none_or(|(least, _)| missing < *least) {
            best = Some((missing, parts));
        }
        if missing == 0 {
            break;
        }
    }
    let (missing, parts) = best.unwrap_or_default();
    Dealt {
        parts,
        wanted,
        missing,
    }
}

/// Rows that stay together.
struct Cluster<'a> {
    /// The smallest identifier among them.
    name: &'a str,
    rows: Vec<usize>,
    /// How many of them are in each cell.
    cells: Vec<usize>,
}

fn clusters<'a>(members: &[Member<'a>], cells: usize) -> Vec<Cluster<'a>> {
    let mut clusters: BTreeMap<usize, Cluster<'a>> = BTreeMap::new();
    for (row, member) in members.iter().enumerate() {
        let cluster = clusters.entry(member.cluster).or_insert_with(|| Cluster {
            name: member.id,
            rows: Vec::new(),
            cells: vec![0; cells],
        });
        cluster.name = cluster.name.min(member.id);
        cluster.rows.push(row);
        if let Some(count) = cluster.cells.get_mut(member.cell) {
            *count += 1;
        }
    }
    clusters.into_values().collect()
}

fn fill(
    order: &[(usize, ContentHash, &Cluster<'_>)],
    wanted: &[Vec<usize>],
    rows: usize,
) -> (usize, Vec<usize>) {
    let mut left = wanted.to_vec();
    let mut parts = vec![wanted.len(); rows];
    for (_, _, cluster) in order {
        let fits = left.iter().position(|left| {
            left.iter()
                .zip(&cluster.cells)
                .all(|(left, count)| count <= left)
        });
        let Some(part) = fits else { continue };
        if let Some(left) = left.get_mut(part) {
            for (left, count) in left.iter_mut().zip(&cluster.cells) {
                *left -= count;
            }
        }
        for row in &cluster.rows {
            if let Some(place) = parts.get_mut(*row) {
                *place = part;
            }
        }
    }
    (left.iter().flatten().sum(), parts)
}

/// `size × share` to the nearest whole number, halves up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to `size`; `as` maps a number that is none to 0"
)]
fn rounded(size: usize, share: f64) -> usize {
    // A hair below a half (0.3 × 5 = 1.5) counts as that half.
    ((size as f64 * share + 0.5 + 1e-9).floor().max(0.0) as usize).min(size)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::draw::Draw;

    fn members<'a>(ids: &'a [String], shape: &[(usize, usize)]) -> Vec<Member<'a>> {
        ids.iter()
            .zip(shape)
            .map(|(id, (cell, cluster))| Member {
                id,
                cell: *cell,
                cluster: *cluster,
            })
            .collect()
    }

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("r{number:03}")).collect()
    }

    #[test]
    fn sizes_are_exact_in_each_cell_where_single_rows_allow_it() {
        let names = ids(100);
        // Two cells of 50; 20 rows stand in clusters of four that run over both cells.
        let shape: Vec<(usize, usize)> = (0..100)
            .map(|row| (row % 2, if row < 20 { row / 4 } else { row }))
            .collect();
        let dealt = deal(&members(&names, &shape), &[0.2, 0.1], Seed(5));
        assert_eq!(dealt.wanted, [[10, 10], [5, 5]]);
        assert_eq!(dealt.missing, 0);
        for cell in 0..2 {
            let counts = [0, 1, 2].map(|part| {
                (0..100)
                    .filter(|row| shape[*row].0 == cell && dealt.parts[*row] == part)
                    .count()
            });
            assert_eq!(counts, [10, 5, 35]);
        }
    }

    #[test]
    fn what_cannot_be_exact_says_how_much_is_missing() {
        let names = ids(9);
        let shape: Vec<(usize, usize)> = (0..9).map(|row| (0, row / 3)).collect();
        let dealt = deal(&members(&names, &shape), &[0.5], Seed(1));
        // Five wanted, clusters of three.
        assert_eq!((dealt.wanted[0][0], dealt.missing), (5, 2));
        let none = deal(&[], &[0.5], Seed(1));
        assert!(none.parts.is_empty() && none.missing == 0);
        let all = deal(&members(&names, &shape), &[], Seed(1));
        assert!(all.parts.iter().all(|part| *part == 0));
    }

    #[test]
    fn a_hair_is_no_row() {
        assert_eq!(rounded(5, 0.3), 2);
        assert_eq!(rounded(10, 0.25), 3);
        assert_eq!(rounded(4, 0.1), 0);
        assert_eq!(rounded(3, 1.0), 3);
    }

    proptest! {
        #[test]
        fn no_cluster_is_cut_and_the_order_is_of_no_matter(
            shape in prop::collection::vec((0_usize..3, 0_usize..40), 0..60),
            share in 0.0_f64..0.6, second in 0.0_f64..0.4, seed: u64, swaps: u64,
        ) {
            let names = ids(shape.len());
            let mut rows = members(&names, &shape);
            let shares = [share, second];
            let dealt = deal(&rows, &shares, Seed(seed));
            let mut places: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            for (row, part) in rows.iter().zip(&dealt.parts) {
                places.entry(row.cluster).or_default().insert(*part);
            }
            prop_assert!(places.values().all(|parts| parts.len() == 1));
            let mut missing = 0;
            for (part, wanted) in dealt.wanted.iter().enumerate() {
                for (cell, wanted) in wanted.iter().enumerate() {
                    let got = rows.iter().zip(&dealt.parts)
                        .filter(|(row, place)| row.cell == cell && **place == part).count();
                    prop_assert!(got <= *wanted);
                    missing += wanted - got;
                }
            }
            prop_assert_eq!(missing, dealt.missing);
            let by_id = |rows: &[Member<'_>], dealt: &Dealt| -> BTreeMap<String, usize> {
                rows.iter().map(|row| row.id.to_owned()).zip(dealt.parts.iter().copied()).collect()
            };
            let before = by_id(&rows, &dealt);
            Draw::new(Seed(swaps)).shuffle(&mut rows);
            prop_assert_eq!(before, by_id(&rows, &deal(&rows, &shares, Seed(seed))));
        }
    }
}

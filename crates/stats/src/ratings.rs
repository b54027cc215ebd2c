//! Ratings of items by raters, collapsed to the distinct patterns in which raters answered.
//!
//! Every statistic of this crate that sums over items depends on an item only through its pattern, so a million
//! items by five raters become a few hundred weighted patterns. Patterns are kept in rising order, whatever the
//! order of items: the same ratings in another order give the same bytes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::error::StatsError;

/// A label's place in the declared list, counted from 0.
pub type Label = u16;

/// In place of a label: this rater left this item out.
pub const MISSING: Label = Label::MAX;

/// Up to this many possible patterns are found by their number instead of by hashing.
const NUMBERED: u64 = 1 << 16;

/// From so many raters on, a table that is filled and has more columns than rows is taken for a swapped one.
const SWAPPED_FROM: usize = 8;

/// Ratings as weighted patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatingTable {
    raters: usize,
    labels: usize,
    /// Patterns in rising order, one after the other, each as wide as there are raters.
    cells: Vec<Label>,
    /// Items of each pattern.
    weights: Vec<u64>,
    /// The pattern of each item, in the order in which items were given.
    pattern_of: Vec<u32>,
}

impl RatingTable {
    /// A table from rows, one item a row: `cells` holds `raters` labels for each item, one item after the other,
    /// [`MISSING`] where a rater gave none.
    ///
    /// # Errors
    ///
    /// No raters, a number of labels that cannot be declared, a last row that is not full, or a label that is
    /// not below `labels`.
    pub fn from_rows(raters: usize, labels: usize, cells: &[Label]) -> Result<Self, StatsError> {
        let mut builder = RatingTableBuilder::new(raters, labels)?;
        for row in cells.chunks(raters.max(1)) {
            builder.push(row)?;
        }
        Ok(builder.finish())
    }

    /// A table from single ratings `(item, rater, label)` in any order, items and raters counted from 0. The same
    /// rating given twice counts once.
    ///
    /// # Errors
    ///
    /// As [`RatingTable::from_rows`]; also a rating outside the declared items and raters, and two different
    /// labels by one rater for one item.
    pub fn from_ratings(
        items: usize,
        raters: usize,
        labels: usize,
        ratings: impl IntoIterator<Item = (usize, usize, Label)>,
    ) -> Result<Self, StatsError> {
        let mut cells = vec![MISSING; items * raters];
        for (item, rater, label) in ratings {
            if item >= items || rater >= raters {
                return Err(StatsError::OutOfRange {
                    item,
                    rater,
                    items,
                    raters,
                });
            }
            let cell = &mut cells[item * raters + rater];
            if *cell != MISSING && *cell != label {
                return Err(StatsError::Conflict {
                    item,
                    rater,
                    first: *cell,
                    second: label,
                });
            }
            *cell = label;
        }
        Self::from_rows(raters, labels, &cells)
    }

    /// Raters, those who rated nothing included.
    #[must_use]
    pub fn raters(&self) -> usize {
        self.raters
    }

    /// Labels that could be chosen.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// Items, those that nobody rated included.
    #[must_use]
    pub fn items(&self) -> usize {
        self.pattern_of.len()
    }

    /// Every distinct pattern with its number of items, in rising order of patterns.
    pub fn patterns(&self) -> impl ExactSizeIterator<Item = (&[Label], u64)> {
        self.cells
            .chunks_exact(self.raters)
            .zip(self.weights.iter().copied())
    }

    /// The pattern of an item, as its place in [`RatingTable::patterns`]; `None` past the last item.
    #[must_use]
    pub fn pattern_of(&self, item: usize) -> Option<usize> {
        self.pattern_of.get(item).map(|pattern| *pattern as usize)
    }

    /// What each rater said about an item; `None` past the last item.
    #[must_use]
    pub fn row(&self, item: usize) -> Option<&[Label]> {
        let pattern = self.pattern_of(item)?;
        self.cells
            .get(pattern * self.raters..(pattern + 1) * self.raters)
    }

    /// Items of each pattern, in the order of [`RatingTable::patterns`].
    #[must_use]
    pub fn weights(&self) -> &[u64] {
        &self.weights
    }

    /// Ratings given.
    #[must_use]
    pub fn ratings(&self) -> u64 {
        self.patterns()
            .map(|(pattern, weight)| {
                weight * pattern.iter().filter(|label| **label != MISSING).count() as u64
            })
            .sum()
    }

    /// The table of some items, in the order given: a slice. Items that do not exist are left out.
    #[must_use]
    pub fn of_items(&self, items: impl IntoIterator<Item = usize>) -> Self {
        let pattern_of: Vec<usize> = items
            .into_iter()
            .filter_map(|item| self.pattern_of(item))
            .collect();
        let mut weights = vec![0_u64; self.weights.len()];
        for pattern in &pattern_of {
            weights[*pattern] += 1;
        }
        // Patterns stay in rising order when unused ones go.
        let kept: Vec<usize> = (0..weights.len())
            .filter(|place| weights[*place] > 0)
            .collect();
        let mut rank = vec![0_u32; weights.len()];
        for (new, old) in kept.iter().enumerate() {
            rank[*old] = new as u32;
        }
        Self {
            raters: self.raters,
            labels: self.labels,
            cells: kept
                .iter()
                .flat_map(|place| &self.cells[place * self.raters..(place + 1) * self.raters])
                .copied()
                .collect(),
            weights: kept.iter().map(|place| weights[*place]).collect(),
            pattern_of: pattern_of.into_iter().map(|place| rank[place]).collect(),
        }
    }

    /// The same table with one more column in front: a label known for every item, such as the intended one.
    ///
    /// # Errors
    ///
    /// Not one label for each item, or a label that is not declared.
    pub fn with_first(&self, labels: &[Label]) -> Result<Self, StatsError> {
        if labels.len() != self.items() {
            return Err(StatsError::Length {
                what: "labels of items",
                found: labels.len(),
                expected: self.items(),
            });
        }
        let mut builder = RatingTableBuilder::new(self.raters + 1, self.labels)?;
        let mut row = vec![MISSING; self.raters + 1];
        for (item, label) in labels.iter().enumerate() {
            row[0] = *label;
            if let Some(rest) = self.row(item) {
                row[1..].copy_from_slice(rest);
            }
            builder.push(&row)?;
        }
        Ok(builder.finish())
    }

    /// Refuses a table whose rows and columns look swapped: at least eight columns, more columns than rows, and
    /// at least nine cells of ten filled. A crowd of many raters who did a few items each passes, because its
    /// cells are mostly empty.
    ///
    /// # Errors
    ///
    /// [`StatsError::Transposed`], which says what to do.
    pub fn refuse_transposed(&self) -> Result<(), StatsError> {
        let (items, raters) = (self.items(), self.raters);
        let filled = self.ratings() * 10 >= 9 * items as u64 * raters as u64;
        if items > 0 && raters >= SWAPPED_FROM && raters > items && filled {
            return Err(StatsError::Transposed { items, raters });
        }
        Ok(())
    }
}

/// Collapses rows as they come, so that a table of any length needs four bytes an item and its patterns.
#[derive(Debug)]
pub struct RatingTableBuilder {
    raters: usize,
    labels: usize,
    cells: Vec<Label>,
    weights: Vec<u64>,
    pattern_of: Vec<u32>,
    index: Index,
}

/// Where a pattern seen before stands.
#[derive(Debug)]
enum Index {
    /// By the pattern's number; 0 is a pattern not seen yet, others are one more than the place.
    Numbered(Vec<u32>),
    /// By the pattern's number, when there are too many for a list.
    Hashed(HashMap<u64, u32, BuildHasherDefault<MixingHasher>>),
    /// By the pattern itself, when its number does not fit 64 bits.
    Whole(HashMap<Box<[Label]>, u32>),
}

impl RatingTableBuilder {
    /// An empty table.
    ///
    /// # Errors
    ///
    /// No raters, or a number of labels outside 1 to 65,534.
    pub fn new(raters: usize, labels: usize) -> Result<Self, StatsError> {
        if raters == 0 {
            return Err(StatsError::NoRaters);
        }
        if labels == 0 || labels >= usize::from(MISSING) {
            return Err(StatsError::LabelCount(labels));
        }
        let patterns = u32::try_from(raters)
            .ok()
            .and_then(|raters| (labels as u64 + 1).checked_pow(raters));
        let index = match patterns {
            Some(patterns) if patterns <= NUMBERED => Index::Numbered(vec![0; patterns as usize]),
            Some(_) => Index::Hashed(HashMap::default()),
            None => Index::Whole(HashMap::new()),
        };
        Ok(Self {
            raters,
            labels,
            cells: Vec::new(),
            weights: Vec::new(),
            pattern_of: Vec::new(),
            index,
        })
    }

    /// Adds one item: a label or [`MISSING`] for each rater.
    ///
    /// # Errors
    ///
    /// Not one cell a rater, or a label that is not declared. The item is not added then.
    pub fn push(&mut self, row: &[Label]) -> Result<(), StatsError> {
        if row.len() != self.raters {
            return Err(StatsError::RowWidth {
                row: self.pattern_of.len(),
                cells: row.len(),
                raters: self.raters,
            });
        }
        let base = self.labels as u64 + 1;
        let mut number = 0_u64;
        for label in row {
            // Missing wraps to 0, so that labels are 1 and up.
            let digit = u64::from(label.wrapping_add(1));
            if digit >= base {
                return Err(StatsError::UnknownLabel {
                    row: self.pattern_of.len(),
                    label: *label,
                    labels: self.labels,
                });
            }
            // Wraps only where the number is not used.
            number = number.wrapping_mul(base).wrapping_add(digit);
        }
        let fresh = self.weights.len() as u32;
        let place = match &mut self.index {
            Index::Numbered(places) => {
                let place = &mut places[number as usize];
                if *place == 0 {
                    *place = fresh + 1;
                }
                *place - 1
            }
            Index::Hashed(places) => *places.entry(number).or_insert(fresh),
            Index::Whole(places) => match places.get(row) {
                Some(place) => *place,
                None => *places.entry(row.into()).or_insert(fresh),
            },
        };
        if place == fresh {
            self.cells.extend_from_slice(row);
            self.weights.push(0);
        }
        self.weights[place as usize] += 1;
        self.pattern_of.push(place);
        Ok(())
    }

    /// The table, patterns sorted.
    #[must_use]
    pub fn finish(self) -> RatingTable {
        let row = |place: &u32| {
            let start = *place as usize * self.raters;
            &self.cells[start..start + self.raters]
        };
        let mut order: Vec<u32> = (0..self.weights.len() as u32).collect();
        order.sort_unstable_by(|a, b| row(a).cmp(row(b)));
        let mut rank = vec![0_u32; order.len()];
        for (new, old) in order.iter().enumerate() {
            rank[*old as usize] = new as u32;
        }
        let mut pattern_of = self.pattern_of;
        for pattern in &mut pattern_of {
            *pattern = rank[*pattern as usize];
        }
        RatingTable {
            raters: self.raters,
            labels: self.labels,
            cells: order.iter().flat_map(row).copied().collect(),
            weights: order
                .iter()
                .map(|place| self.weights[*place as usize])
                .collect(),
            pattern_of,
        }
    }
}

/// Spreads a pattern's number over 64 bits: a multiplication by 2⁶⁴ over the golden ratio, halves swapped. Ratings
/// are no attack surface worth a slower hash.
#[derive(Debug, Default)]
struct MixingHasher(u64);

impl Hasher for MixingHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_are_collapsed_and_sorted() {
        let table = RatingTable::from_rows(2, 2, &[1, 0, 0, MISSING, 1, 0, 0, 1]).unwrap();
        let patterns: Vec<_> = table.patterns().collect();
        assert_eq!(
            patterns,
            [(&[0, 1][..], 1), (&[0, MISSING][..], 1), (&[1, 0][..], 2)]
        );
        assert_eq!(table.row(0), Some(&[1, 0][..]));
        assert_eq!(table.row(1), Some(&[0, MISSING][..]));
        assert_eq!(table.row(4), None);
        assert_eq!((table.items(), table.ratings()), (4, 7));
        let wider = table.with_first(&[1, 1, 0, 0]).unwrap();
        assert_eq!(wider.row(1), Some(&[1, 0, MISSING][..]));
    }

    #[test]
    fn contradictions_are_named() {
        assert_eq!(RatingTable::from_rows(0, 2, &[]), Err(StatsError::NoRaters));
        assert_eq!(
            RatingTable::from_rows(1, 0, &[]),
            Err(StatsError::LabelCount(0))
        );
        assert!(matches!(
            RatingTable::from_rows(2, 2, &[0, 1, 1]),
            Err(StatsError::RowWidth {
                row: 1,
                cells: 1,
                ..
            })
        ));
        assert!(matches!(
            RatingTable::from_rows(2, 2, &[0, 2]),
            Err(StatsError::UnknownLabel { label: 2, .. })
        ));
        assert!(matches!(
            RatingTable::from_ratings(1, 2, 2, [(0, 1, 0), (0, 1, 1)]),
            Err(StatsError::Conflict { .. })
        ));
        assert!(matches!(
            RatingTable::from_ratings(1, 2, 2, [(1, 0, 0)]),
            Err(StatsError::OutOfRange { .. })
        ));
        let twice = RatingTable::from_ratings(1, 2, 2, [(0, 1, 1), (0, 1, 1)]).unwrap();
        assert_eq!(twice.row(0), Some(&[MISSING, 1][..]));
    }

    #[test]
    fn a_swapped_table_is_refused_with_a_hint() {
        let swapped = RatingTable::from_rows(40, 2, &[0; 120]).unwrap();
        let refused = swapped.refuse_transposed().unwrap_err();
        assert!(refused.to_string().contains("swapped"), "{refused}");
        let right = RatingTable::from_rows(3, 2, &[0; 120]).unwrap();
        assert_eq!(right.refuse_transposed(), Ok(()));
        // A crowd: forty raters, three items, two ratings each.
        let crowd = (0..3).flat_map(|item| [(item, item, 0), (item, item + 20, 1)]);
        let crowd = RatingTable::from_ratings(3, 40, 2, crowd).unwrap();
        assert_eq!(crowd.refuse_transposed(), Ok(()));
    }

    proptest! {
        #[test]
        fn all_three_indexes_agree(rows in prop::collection::vec(prop::collection::vec(0_u16..4, 3), 0..40)) {
            // 3 raters: numbered. 12 raters: hashed. 40 raters: whole.
            let table = |copies: usize| {
                let cells: Vec<Label> = rows.iter()
                    .flat_map(|row| row.repeat(copies))
                    .map(|label| if label == 3 { MISSING } else { label }).collect();
                RatingTable::from_rows(3 * copies, 3, &cells).unwrap()
            };
            let small = table(1);
            for copies in [4, 14] {
                let large = table(copies);
                prop_assert_eq!(small.weights(), large.weights());
                for item in 0..rows.len() {
                    prop_assert_eq!(small.pattern_of(item), large.pattern_of(item));
                    prop_assert_eq!(small.row(item), large.row(item).map(|row| &row[..3]));
                }
            }
        }

        #[test]
        fn the_order_of_items_leaves_no_trace(mut rows in prop::collection::vec([0_u16..3, 0_u16..3], 1..40)) {
            let table = |rows: &[[u16; 2]]| RatingTable::from_rows(2, 3, &rows.concat()).unwrap();
            let before = table(&rows);
            rows.reverse();
            let after = table(&rows);
            prop_assert!(before.patterns().eq(after.patterns()));
            let kept: Vec<usize> = (0..rows.len()).filter(|item| item % 3 != 1).collect();
            let slice: Vec<[u16; 2]> = kept.iter().map(|item| rows[*item]).collect();
            prop_assert_eq!(after.of_items(kept), table(&slice));
        }
    }
}

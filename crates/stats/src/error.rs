//! What a caller can hand in that no statistic can be computed from.
//!
//! An input that is well formed but leaves a figure undefined is no error: see [`crate::undefined`].

/// An input that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatsError {
    /// A table needs at least one rater.
    #[error("a table of ratings needs at least one rater")]
    NoRaters,
    /// Labels are counted from 0; the last place is kept for a missing rating.
    #[error("{0} labels are declared, and a table holds between 1 and 65,534")]
    LabelCount(usize),
    /// A row has another number of cells than there are raters.
    #[error("row {row} holds {cells} ratings, expected one cell for each of {raters} raters")]
    RowWidth {
        /// Counted from 0.
        row: usize,
        /// Cells found.
        cells: usize,
        /// Cells expected.
        raters: usize,
    },
    /// A rating that is neither a declared label nor missing.
    #[error("row {row} holds label {label}, but only {labels} labels are declared")]
    UnknownLabel {
        /// Counted from 0.
        row: usize,
        /// The label found.
        label: u16,
        /// Labels declared.
        labels: usize,
    },
    /// A rating of an item or by a rater that was not declared.
    #[error(
        "a rating names item {item} and rater {rater}, outside the declared {items} items and {raters} raters"
    )]
    OutOfRange {
        /// The item named.
        item: usize,
        /// The rater named.
        rater: usize,
        /// Items declared.
        items: usize,
        /// Raters declared.
        raters: usize,
    },
    /// One rater gave one item two different labels: neither wins in silence.
    #[error("rater {rater} gave item {item} two labels, {first} and {second}")]
    Conflict {
        /// The item.
        item: usize,
        /// The rater.
        rater: usize,
        /// The label read first.
        first: u16,
        /// The label that differs.
        second: u16,
    },
    /// More columns than rows, nearly all filled: rows and columns are likely swapped.
    #[error(
        "{raters} raters labelled {items} items with hardly a gap: rows and columns look swapped; give one row an \
         item and one column a rater"
    )]
    Transposed {
        /// Rows.
        items: usize,
        /// Columns.
        raters: usize,
    },
    /// Lists that belong together differ in length.
    #[error("{what}: {found} given, expected {expected}")]
    Length {
        /// Which list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length of the others.
        expected: usize,
    },
    /// A number outside its range.
    #[error("{what} is out of range: expected {expected}")]
    Range {
        /// Which number.
        what: &'static str,
        /// The range.
        expected: &'static str,
    },
}

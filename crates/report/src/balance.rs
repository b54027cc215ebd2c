//! Whether labels are as frequent as wanted, and whether length gives them away.

use evalwright_core::{Row, Side};
use evalwright_dataset::CellCount;
use evalwright_stats::{Summary, area_under_curve, histogram, summarise};
use serde::Serialize;

/// One cell's share of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellBalance {
    /// The label that its texts were written for.
    pub label: Side,
    /// Rows wanted.
    pub wanted: u64,
    /// Rows published.
    pub got: u64,
    /// Candidates asked for.
    pub asked: u64,
    /// `wanted − got`, 0 if there are enough.
    pub missing: u64,
}

/// The length of the statements of one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelLength {
    /// The label.
    pub label: Side,
    /// Words a statement (runs of characters between blanks); null without rows.
    pub words: Option<Summary>,
    /// Statements in each bin of the chart.
    pub counts: Vec<u64>,
}

/// Length over both labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Length {
    /// Each label's.
    pub labels: Vec<LabelLength>,
    /// How well the number of words alone tells the labels apart: the share of (matching, not matching) pairs
    /// in which the matching statement is longer, ties as half. 0.5 is no sign; null without rows of both.
    pub area_under_curve: Option<f64>,
    /// Words covered by each bin of `counts`, the first bin starting at 0.
    pub bin_words: u64,
}

/// Most bins that a chart of lengths has.
const MOST_BINS: u64 = 16;

pub(crate) fn cells(counts: &[CellCount]) -> Vec<CellBalance> {
    counts
        .iter()
        .map(|count| CellBalance {
            label: count.cell.label,
            wanted: count.wanted,
            got: count.got,
            asked: count.asked,
            missing: count.wanted.saturating_sub(count.got),
        })
        .collect()
}

pub(crate) fn length(rows: &[Row]) -> Length {
    let words_of = |side: Side| -> Vec<f64> {
        rows.iter()
            .filter(|row| row.metadata.label == side)
            .map(|row| row.statement.split_whitespace().count() as f64)
            .collect()
    };
    let (matching, not_matching) = (words_of(Side::Matching), words_of(Side::NotMatching));
    let longest = matching
        .iter()
        .chain(&not_matching)
        .copied()
        .fold(0.0, f64::max) as u64;
    let bin_words = (longest + 1).div_ceil(MOST_BINS);
    let bins = (longest + 1).div_ceil(bin_words);
    let high = (bins * bin_words) as f64;
    let of = |label, words: &[f64]| LabelLength {
        label,
        words: summarise(words),
        counts: histogram(words, 0.0, high, bins as usize),
    };
    Length {
        area_under_curve: area_under_curve(&matching, &not_matching),
        bin_words,
        labels: vec![
            of(Side::Matching, &matching),
            of(Side::NotMatching, &not_matching),
        ],
    }
}

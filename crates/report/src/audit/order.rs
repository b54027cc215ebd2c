//! The order of a file's rows, which decides what `head` shows.

use std::collections::BTreeMap;

use evalwright_dataset::import::ImportedRow;
use serde::Serialize;

/// How rows stand in a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Order {
    /// Whether no two neighbours have the same label; false for fewer than two labelled rows, or one label.
    pub labels_alternate: bool,
    /// Share of neighbours with the same label; null for fewer than two labelled rows.
    pub same_as_previous: Option<f64>,
    /// Whether confidence never rises within a label; false where fewer than two rows of a label have one.
    pub confidence_falls: bool,
}

/// The order of the rows of a file.
pub(super) fn order(rows: &[(usize, &ImportedRow)]) -> Order {
    let labels: Vec<&str> = rows.iter().filter_map(|(_, row)| row.label()).collect();
    let same = labels
        .windows(2)
        .filter(|two| matches!(two, [one, other] if one == other))
        .count();
    let steps = labels.len().saturating_sub(1);
    let mut by_label: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (_, row) in rows {
        if let (Some(label), Some(confidence)) = (row.label(), row.confidence) {
            by_label.entry(label).or_default().push(confidence);
        }
    }
    let falls = by_label
        .values()
        .all(|list| list.is_sorted_by(|one, next| one >= next));
    Order {
        labels_alternate: steps > 0 && same == 0,
        same_as_previous: (steps > 0).then(|| same as f64 / steps as f64),
        confidence_falls: falls && by_label.values().any(|list| list.len() > 1),
    }
}

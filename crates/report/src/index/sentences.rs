//! What an index says in sentences: takeaways for the page, and a summary for a terminal.

use evalwright_core::show::visible;

use super::charts::written;
use super::entry::Entry;
use super::figures::{FigureAbout, FigureName, Unit};
use super::sets::SetKind;
use super::{FIGURES, Index};
use crate::number::counted;

/// Changes that a takeaway names for one dataset.
const MOST_CHANGES: usize = 4;
/// Datasets of whose last change a takeaway tells.
const MOST_DATASETS: usize = 12;
/// From this area away from one half on, length is said to tell labels apart: 0.65, or 0.35.
const TELLING_AREA: f64 = 0.15;
/// From this share on, duplicates or defects are told of.
const TELLING_SHARE: f64 = 0.05;

/// What the figures say; the gravest first, changes last.
pub(super) fn takeaways(index: &Index) -> Vec<String> {
    let mut said = Vec::new();
    if !index.problems.is_empty() {
        let count = index.problems.len() as u64;
        said.push(format!(
            "{} could not be read and {} named below.",
            counted(count, "place", "places"),
            if count == 1 { "is" } else { "are" }
        ));
    }
    let twins = index
        .entries
        .iter()
        .filter(|entry| {
            entry
                .notes
                .iter()
                .any(|note| note.starts_with("the same bytes"))
        })
        .count() as u64;
    if twins > 0 {
        said.push(format!(
            "{} hold the same bytes as another one.",
            counted(twins, "entry", "entries")
        ));
    }
    said.extend(telling(index, FigureName::LengthArea, |value| {
        (value - 0.5).abs() >= TELLING_AREA
    })
    .map(|(part, of)| {
        format!("In {part} of {of} entries with two labels, length alone ranks the labels with an area of at least 0.65 or at most 0.35.")
    }));
    said.extend(
        telling(index, FigureName::Duplicates, |value| {
            value >= TELLING_SHARE
        })
        .map(|(part, of)| {
            format!("In {part} of {of} entries, 5 % of the rows or more repeat an earlier one.")
        }),
    );
    said.extend(
        telling(index, FigureName::Defects, |value| value >= TELLING_SHARE).map(|(part, of)| {
            format!("In {part} of {of} entries, 5 % of the rows or more have a defect that is more than a matter of style.")
        }),
    );
    let agreement = index
        .missing
        .iter()
        .find(|one| one.figure == FigureName::Kappa);
    if let Some(agreement) = agreement {
        said.push(format!(
            "Agreement of labels with judges is known for {} of {} entries. It is consistency, not accuracy.",
            agreement.known, index.totals.entries
        ));
    }
    said.extend(changes(index));
    said
}

/// How many of the entries that have a figure meet a condition; none where no one does.
fn telling(
    index: &Index,
    name: FigureName,
    is_telling: impl Fn(f64) -> bool,
) -> Option<(usize, usize)> {
    let values: Vec<f64> = index
        .entries
        .iter()
        .filter_map(|entry| entry.figures.get(&name)?.value)
        .collect();
    let part = values.iter().filter(|value| is_telling(**value)).count();
    (part > 0).then_some((part, values.len()))
}

/// What the last version of each dataset changed, the largest changes first.
fn changes(index: &Index) -> Vec<String> {
    let mut said = Vec::new();
    let by_id = index.by_id();
    let sets = index
        .sets
        .iter()
        .filter(|set| set.kind == SetKind::Versions);
    for set in sets.clone().take(MOST_DATASETS) {
        let entries: Vec<&Entry> = set
            .entries
            .iter()
            .filter_map(|id| by_id.get(id.as_str()).copied())
            .collect();
        let [.., before, after] = entries.as_slice() else {
            continue;
        };
        let mut found: Vec<(f64, &FigureAbout, f64, f64)> = FIGURES
            .iter()
            .filter_map(|about| {
                let old = before.figures.get(&about.name)?.value?;
                let new = after.figures.get(&about.name)?.value?;
                let size = match about.unit {
                    Unit::Share | Unit::Number if about.name != FigureName::TextWords => {
                        (new - old).abs()
                    }
                    _ => (new - old).abs() / old.abs().max(1.0),
                };
                (written(about, Some(old)) != written(about, Some(new)))
                    .then_some((size, about, old, new))
            })
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
        let list: Vec<String> = found
            .iter()
            .take(MOST_CHANGES)
            .map(|(_, about, old, new)| {
                format!(
                    "{} {} to {}",
                    about.short,
                    written(about, Some(*old)),
                    written(about, Some(*new))
                )
            })
            .collect();
        let version = |entry: &Entry| entry.version.value.clone().unwrap_or_default();
        said.push(format!(
            "{} {} after {}: {}.",
            set.name,
            version(after),
            version(before),
            if list.is_empty() {
                "no figure changed".to_owned()
            } else {
                list.join(", ")
            }
        ));
    }
    let more = sets.count().saturating_sub(MOST_DATASETS);
    if more > 0 {
        said.push(format!(
            "{} more datasets have several versions; see their trends.",
            more
        ));
    }
    said
}

/// The index on one screen of a terminal.
pub(super) fn summary(index: &Index) -> String {
    let totals = &index.totals;
    let mut lines = vec![format!(
        "{} in {} of {} and {}",
        counted(totals.rows, "row", "rows"),
        counted(totals.versions, "version", "versions"),
        counted(totals.datasets, "dataset", "datasets"),
        counted(totals.files, "file of others", "files of others"),
    )];
    lines.push(String::new());
    for (group, rows) in &totals.groups {
        lines.push(format!("  {rows:>9}  {group}"));
    }
    lines.push(String::new());
    lines.extend(index.takeaways.iter().take(12).cloned());
    let mut text = visible(&lines.join("\n"));
    text.push('\n');
    text
}

//! What only shows when files are compared: twins, sets inside others, the same text under opposite labels, copied
//! few-shot examples, other fields, other writing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evalwright_dataset::import::{Imported, ImportedRow};
use evalwright_dedup::{fold, normalise};
use serde::Serialize;

use super::duplicates::compared;
use super::order::Order;
use super::{AuditOptions, FileRows};

/// The family of few-shot examples.
pub(crate) const FEW_SHOT: &str = "advanced-ai-risk/few-shot";
/// A set with fewer rows says nothing by lying inside another.
const FEWEST_INSIDE: usize = 5;

/// Findings across files.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Across {
    /// Files with the same bytes, or the same rows.
    pub identical: Vec<IdenticalFiles>,
    /// Files all of whose rows stand in another file.
    pub contained: Vec<Contained>,
    /// Texts, folded, that stand in more than one file of a family.
    pub shared_texts: u64,
    /// Of these, texts with different labels in different files.
    pub opposite_labels: u64,
    /// A few of these.
    pub opposite_examples: Vec<OppositeLabels>,
    /// Few-shot examples that came back as rows.
    pub copied_examples: Vec<CopiedExamples>,
    /// Fields that only some files of a family have, with those files.
    pub field_differences: Vec<FieldDifference>,
    /// Families in which one field is a list in some files and a text in others.
    pub list_differences: Vec<ListDifference>,
    /// Files with characters beyond ASCII as they are.
    pub raw_unicode_files: u64,
    /// Files with `\uXXXX` escapes.
    pub escaped_unicode_files: u64,
    /// Whether one release holds both.
    pub mixed_encodings: bool,
    /// Files whose labels alternate strictly.
    pub alternating_files: u64,
    /// Files whose confidence falls within each label, so that their first rows are the surest.
    pub falling_files: u64,
}

/// Files that are one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdenticalFiles {
    /// Their names.
    pub files: Vec<String>,
    /// Whether their bytes are the same, or only their rows.
    pub same_bytes: bool,
    /// Rows of each.
    pub rows: u64,
}

/// A set inside another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contained {
    /// The smaller one.
    pub inner: String,
    /// The larger one.
    pub outer: String,
    /// Rows of the smaller one.
    pub rows: u64,
    /// Rows of the larger one.
    pub of: u64,
}

/// One text under opposite labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OppositeLabels {
    /// The text as it stands in the first place.
    pub text: String,
    /// Label and place of each.
    pub places: Vec<(String, String)>,
}

/// Few-shot examples that came back as rows of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CopiedExamples {
    /// The file.
    pub file: String,
    /// Rows whose stem is that of an example of the same behaviour.
    pub rows: u64,
    /// All its rows.
    pub of: u64,
}

/// A field that only some files of a family have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDifference {
    /// The family.
    pub family: String,
    /// The field.
    pub field: String,
    /// Files of the family that have it.
    pub with: Vec<String>,
    /// How many files of the family do not.
    pub without: u64,
}

/// A field that is a list in some files of a family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListDifference {
    /// The family.
    pub family: String,
    /// Files in which it is a list.
    pub lists: Vec<String>,
    /// How many files hold a text.
    pub texts: u64,
}

/// The few-shot questions of each behaviour, whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct FewShots(HashMap<String, Vec<String>>);

impl FewShots {
    /// Adds the examples among what was read.
    pub(crate) fn add(&mut self, imported: &Imported) {
        for row in imported.rows.iter().filter(|row| &*row.family == FEW_SHOT) {
            let examples = self.0.entry(row.behaviour.to_string()).or_default();
            examples.push(row.question.clone());
        }
    }

    /// The examples that a file of this family and behaviour may have been written after.
    pub(super) fn of(&self, family: &str, behaviour: &str) -> &[String] {
        if family == FEW_SHOT || !family.starts_with("advanced-ai-risk") {
            return &[];
        }
        self.0.get(behaviour).map_or(&[], Vec::as_slice)
    }
}

/// Gathers the few-shot examples among what was read.
pub(super) fn few_shot_examples(imported: &Imported) -> FewShots {
    let mut examples = FewShots::default();
    examples.add(imported);
    examples
}

/// Compares the files; `orders` are those of their rows.
pub(super) fn compare(
    imported: &Imported,
    by_file: &[FileRows<'_>],
    few_shots: &FewShots,
    orders: &[&Order],
    options: &AuditOptions,
) -> Across {
    let summary = &imported.summary;
    let count =
        |is_so: fn(&Order) -> bool| orders.iter().filter(|order| is_so(order)).count() as u64;
    let raw = summary
        .files
        .iter()
        .filter(|file| file.raw_unicode_rows > 0)
        .count() as u64;
    let escaped = summary
        .files
        .iter()
        .filter(|file| file.escaped_unicode_rows > 0)
        .count() as u64;
    let mut across = Across {
        copied_examples: copied(imported, by_file, few_shots),
        field_differences: field_differences(imported, by_file),
        list_differences: list_differences(imported, by_file),
        raw_unicode_files: raw,
        escaped_unicode_files: escaped,
        mixed_encodings: raw > 0 && escaped > 0,
        alternating_files: count(|order| order.labels_alternate),
        falling_files: count(|order| order.confidence_falls),
        ..Across::default()
    };
    twins_and_subsets(imported, by_file, &mut across);
    shared_texts(by_file, options.examples, &mut across);
    across
}

fn name(imported: &Imported, file: &FileRows<'_>) -> String {
    imported
        .summary
        .files
        .get(file.index)
        .map_or_else(String::new, |summary| summary.name.to_string())
}

/// The family of a file's first row.
fn family<'a>(file: &'a FileRows<'_>) -> &'a str {
    file.rows.first().map_or("", |(_, row)| &*row.family)
}

/// Everything that a row says, in one text.
fn whole(row: &ImportedRow) -> String {
    format!(
        "{}\u{1f}{}\u{1f}{}",
        compared(row),
        row.matching.join("\u{1e}"),
        row.not_matching.join("\u{1e}")
    )
}

fn twins_and_subsets(imported: &Imported, by_file: &[FileRows<'_>], across: &mut Across) {
    let sets: Vec<BTreeSet<String>> = by_file
        .iter()
        .map(|file| file.rows.iter().map(|(_, row)| whole(row)).collect())
        .collect();
    let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, set) in sets.iter().enumerate() {
        for row in set {
            holders.entry(row).or_default().push(place);
        }
    }
    let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for places in holders.values() {
        for (rank, first) in places.iter().enumerate() {
            for second in places.iter().skip(rank + 1) {
                *shared.entry((*first, *second)).or_default() += 1;
            }
        }
    }
    let size = |place: usize| sets.get(place).map_or(0, BTreeSet::len);
    let mut twins: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for ((first, second), count) in &shared {
        let (a, b) = (size(*first), size(*second));
        let smaller = a.min(b);
        if *count < smaller || smaller < FEWEST_INSIDE {
            continue;
        }
        if a == b {
            twins.entry(*first).or_default().insert(*second);
            continue;
        }
        let (inner, outer) = if a < b {
            (first, second)
        } else {
            (second, first)
        };
        if let (Some(inner), Some(outer)) = (by_file.get(*inner), by_file.get(*outer)) {
            across.contained.push(Contained {
                inner: name(imported, inner),
                outer: name(imported, outer),
                rows: inner.rows.len() as u64,
                of: outer.rows.len() as u64,
            });
        }
    }
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for (first, others) in twins {
        if told.contains(&first) {
            continue;
        }
        told.extend(&others);
        let group: Vec<&FileRows<'_>> = std::iter::once(first)
            .chain(others)
            .filter_map(|place| by_file.get(place))
            .collect();
        let hashes: BTreeSet<_> = group
            .iter()
            .filter_map(|file| imported.summary.files.get(file.index))
            .map(|summary| summary.sha256)
            .collect();
        across.identical.push(IdenticalFiles {
            files: group.iter().map(|file| name(imported, file)).collect(),
            same_bytes: hashes.len() == 1,
            rows: group.first().map_or(0, |file| file.rows.len() as u64),
        });
    }
}

/// Texts in more than one file of a family, and those with different labels there. A text is its statement, or the
/// question's stem; a letter is no label of a text, so families with options are left out.
fn shared_texts(by_file: &[FileRows<'_>], most: usize, across: &mut Across) {
    type Places<'a> = Vec<(usize, &'a ImportedRow)>;
    let mut texts: BTreeMap<(&str, String), Places<'_>> = BTreeMap::new();
    for file in by_file {
        for (_, row) in &file.rows {
            if row.options.is_empty() && row.label().is_some() {
                texts
                    .entry((family(file), normalise(compared(row))))
                    .or_default()
                    .push((file.index, row));
            }
        }
    }
    for places in texts.values() {
        let files: BTreeSet<usize> = places.iter().map(|(file, _)| *file).collect();
        if files.len() < 2 {
            continue;
        }
        across.shared_texts += 1;
        let labels: BTreeSet<&str> = places.iter().filter_map(|(_, row)| row.label()).collect();
        if labels.len() > 1 {
            across.opposite_labels += 1;
            if across.opposite_examples.len() < most {
                across.opposite_examples.push(OppositeLabels {
                    text: places
                        .first()
                        .map_or_else(String::new, |(_, row)| compared(row).to_owned()),
                    places: places
                        .iter()
                        .map(|(_, row)| (row.label().unwrap_or_default().to_owned(), row.place()))
                        .collect(),
                });
            }
        }
    }
}

fn copied(
    imported: &Imported,
    by_file: &[FileRows<'_>],
    few_shots: &FewShots,
) -> Vec<CopiedExamples> {
    let stem = |question: &str| fold(&evalwright_dataset::import::choice_question(question).stem);
    by_file
        .iter()
        .filter_map(|file| {
            let behaviour = &file.rows.first()?.1.behaviour;
            let examples: BTreeSet<String> = few_shots
                .of(family(file), behaviour)
                .iter()
                .map(|example| stem(example))
                .filter(|stem| !stem.is_empty())
                .collect();
            let rows = file
                .rows
                .iter()
                .filter(|(_, row)| {
                    row.stem
                        .as_deref()
                        .is_some_and(|stem| examples.contains(&fold(stem)))
                })
                .count();
            (rows > 0).then(|| CopiedExamples {
                file: name(imported, file),
                rows: rows as u64,
                of: file.rows.len() as u64,
            })
        })
        .collect()
}

fn field_differences(imported: &Imported, by_file: &[FileRows<'_>]) -> Vec<FieldDifference> {
    let mut families: BTreeMap<&str, Vec<(String, BTreeSet<&str>)>> = BTreeMap::new();
    for file in by_file {
        if let Some(summary) = imported
            .summary
            .files
            .get(file.index)
            .filter(|file| file.rows > 0)
        {
            let fields = summary
                .fields
                .iter()
                .map(|(field, _)| field.as_str())
                .collect();
            families
                .entry(family(file))
                .or_default()
                .push((summary.name.to_string(), fields));
        }
    }
    let mut differences = Vec::new();
    for (family, files) in families {
        let all: BTreeSet<&str> = files
            .iter()
            .flat_map(|(_, fields)| fields.iter().copied())
            .collect();
        for field in all {
            let with: Vec<String> = files
                .iter()
                .filter(|(_, fields)| fields.contains(field))
                .map(|(name, _)| name.clone())
                .collect();
            let without = (files.len() - with.len()) as u64;
            if without > 0 {
                differences.push(FieldDifference {
                    family: family.to_owned(),
                    field: field.to_owned(),
                    with,
                    without,
                });
            }
        }
    }
    differences
}

fn list_differences(imported: &Imported, by_file: &[FileRows<'_>]) -> Vec<ListDifference> {
    let mut families: BTreeMap<&str, (Vec<String>, u64)> = BTreeMap::new();
    for file in by_file {
        let answered = file
            .rows
            .iter()
            .filter(|(_, row)| !row.not_matching.is_empty());
        let (mut lists, mut texts) = (0, 0);
        for (_, row) in answered {
            if row.not_matching_is_list {
                lists += 1;
            } else {
                texts += 1;
            }
        }
        let entry = families.entry(family(file)).or_default();
        if lists > 0 {
            entry.0.push(name(imported, file));
        } else if texts > 0 {
            entry.1 += 1;
        }
    }
    families
        .into_iter()
        .filter(|(_, (lists, _))| !lists.is_empty())
        .map(|(family, (lists, texts))| ListDifference {
            family: family.to_owned(),
            lists,
            texts,
        })
        .collect()
}

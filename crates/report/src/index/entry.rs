//! One line of an index: a version of ours or a file of anybody's, measured in the same way.
//!
//! An entry is a function of what was read of it alone, so entries can be measured in any order and in parallel.

use std::collections::BTreeMap;

use evalwright_core::ContentHash;
use evalwright_dataset::import::Imported;
use evalwright_dataset::{Manifest, Status, StatusChange};
use evalwright_stats::giveaway::Guesser;
use serde::Serialize;
use serde_json::Value;

use super::composite::Composite;
use super::figures::{Figure, FigureName};
use super::published::Published;
use crate::audit::{self, AuditOptions, Duplicates, FewShots, FileAudit, Looked, Order};

/// Few-shot examples among what is indexed, which rows written after them may have copied.
#[derive(Debug, Clone, Default)]
pub struct FewShotExamples(pub(super) FewShots);

impl FewShotExamples {
    /// The family whose files hold few-shot examples.
    pub const FAMILY: &'static str = audit::FEW_SHOT;

    /// Adds the examples among what was read.
    pub fn add(&mut self, imported: &Imported) {
        self.0.add(imported);
    }
}

/// What stands beside the rows of an entry.
#[derive(Debug, Clone, Copy)]
pub enum Beside<'a> {
    /// Nothing: it is a file of anybody's.
    Nothing,
    /// The files of a version of ours.
    Version {
        /// Its manifest.
        manifest: &'a Manifest,
        /// Its `report.json`, or why it cannot be used.
        report: Result<&'a Value, &'a str>,
        /// Its `run.json`, or why it cannot be used.
        run: Result<&'a Value, &'a str>,
        /// The last change of its status, if there ever was one.
        status: Option<&'a StatusChange>,
    },
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A version of ours.
    Version,
    /// A file.
    File,
}

/// A word that may be missing, with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What is said; null where it is missing.
    pub value: Option<String>,
    /// Why it is missing; null where it is not.
    pub missing: Option<String>,
}

impl Said {
    pub(super) fn known(value: impl Into<String>) -> Self {
        Self {
            value: Some(value.into()),
            missing: None,
        }
    }

    pub(super) fn missing(reason: impl Into<String>) -> Self {
        Self {
            value: None,
            missing: Some(reason.into()),
        }
    }
}

/// One version or file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Follows from the place alone.
    pub id: String,
    /// Where it is: the name of the folder that was indexed, and the path in it.
    pub place: String,
    /// What it is.
    pub kind: EntryKind,
    /// The dataset: a version's, or the file's name without its ending.
    pub dataset: String,
    /// The kind of a version, or the family of a file.
    pub group: String,
    /// The behaviour that the rows are about.
    pub behaviour: String,
    /// The version.
    pub version: Said,
    /// What a version is worth today; null for a file.
    pub status: Option<Status>,
    /// Whether it is a file, or the last version of its dataset that is neither dropped nor renamed.
    pub is_latest: bool,
    /// The model that wrote the rows.
    pub generator: Said,
    /// The models that judged them, joined by commas.
    pub judges: Said,
    /// The day on which it was made, as YYYY-MM-DD in UTC.
    pub date: Said,
    /// The format that rows were read as.
    pub format: Option<String>,
    /// SHA-256 of the rows' file.
    pub sha256: String,
    /// Lines that could not be read.
    pub damaged: u64,
    /// Rows by label, where labels are no free text.
    pub labels: BTreeMap<String, u64>,
    /// Rows by code of defect, those of style with the others; texts of no form that the lints know are looked at as
    /// statements.
    pub defects: BTreeMap<String, u64>,
    /// Rows that repeat others, by layer.
    pub duplicates: Duplicates,
    /// Order of the rows.
    pub order: Order,
    /// Every figure.
    pub figures: BTreeMap<FigureName, Figure>,
    /// The composite at default weights.
    pub composite: Composite,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
}

/// Labels beyond this number are free text.
const MOST_LABELS: usize = 8;
/// Why nothing is known of models behind a file.
const FILE_SAYS_NOTHING: &str = "a file of rows does not say";

/// Measures a version or a file. `place` is how it is shown, the same on every machine.
///
/// # Errors
/// In one line, why there is nothing to measure: no row could be read.
pub fn measure(
    place: &str,
    imported: &Imported,
    beside: Beside<'_>,
    examples: &FewShotExamples,
    options: &AuditOptions,
) -> Result<Entry, String> {
    let Some(looked) = audit::look_at(imported, &examples.0, options) else {
        return Err("no file with rows".to_owned());
    };
    let file = &looked.audit;
    if file.rows == 0 {
        let first = imported.summary.files.first();
        let damage = first.and_then(|one| one.damage.first());
        return Err(match (&file.problem, damage) {
            (Some(problem), _) => problem.clone(),
            (None, Some(damage)) => {
                format!(
                    "no row could be read; line {}: {}",
                    damage.line, damage.problem
                )
            }
            (None, None) => "it holds no rows".to_owned(),
        });
    }
    let mut entry = of_file(place, &looked);
    if let Beside::Version {
        manifest,
        report,
        run,
        status,
    } = beside
    {
        Published {
            manifest,
            report,
            run,
            status,
        }
        .tell(&mut entry);
    }
    entry.composite = Composite::of(&entry.figures);
    Ok(entry)
}

fn of_file(place: &str, looked: &Looked) -> Entry {
    let file = &looked.audit;
    let mut notes = Vec::new();
    if let Some(problem) = &file.problem {
        notes.push(format!("not read to its end: {problem}"));
    }
    if file.damaged > 0 {
        notes.push(format!("{} lines could not be read", file.damaged));
    }
    if file.order.labels_alternate {
        notes.push("labels alternate strictly".to_owned());
    }
    if file.order.confidence_falls {
        notes.push(
            "confidence falls within each label, so the first rows are the surest".to_owned(),
        );
    }
    let labels = if file.labels.len() > MOST_LABELS {
        BTreeMap::new()
    } else {
        file.labels.clone()
    };
    Entry {
        id: ContentHash::of(place.as_bytes()).short(10),
        place: place.to_owned(),
        kind: EntryKind::File,
        dataset: file.behaviour.clone(),
        group: file.family.clone(),
        behaviour: file.behaviour.clone(),
        version: Said::missing("a file has no version"),
        status: None,
        is_latest: true,
        generator: Said::missing(FILE_SAYS_NOTHING),
        judges: Said::missing(FILE_SAYS_NOTHING),
        date: Said::missing("a file's own date changes with every copy and is not taken for one"),
        format: file.format.clone(),
        sha256: file.sha256.clone(),
        damaged: file.damaged,
        labels,
        defects: file.defects.clone(),
        duplicates: file.duplicates.clone(),
        order: file.order.clone(),
        figures: figures(looked),
        composite: Composite::default(),
        notes,
    }
}

fn figures(looked: &Looked) -> BTreeMap<FigureName, Figure> {
    let file = &looked.audit;
    let repeated = file.duplicates.all().min(file.rows);
    let confidence = match &file.confidence {
        Some(summary) => Figure::known(summary.mean).with_of(
            (summary.count < file.rows)
                .then(|| format!("stated by {} of {} rows", summary.count, file.rows)),
        ),
        None => Figure::missing("no row states one"),
    };
    BTreeMap::from([
        (FigureName::Rows, Figure::known(file.rows as f64)),
        (FigureName::Balance, balance(&file.labels)),
        (FigureName::Confidence, confidence),
        (
            FigureName::Agreement,
            Figure::missing("a file of rows holds no ratings beside its labels"),
        ),
        (
            FigureName::Kappa,
            Figure::missing("a file of rows holds no ratings beside its labels"),
        ),
        (
            FigureName::Duplicates,
            Figure::share(repeated, file.rows, "rows"),
        ),
        (FigureName::Defects, defects(looked)),
        (FigureName::LengthArea, guess(file, Guesser::Length)),
        (FigureName::WordsGuess, guess(file, Guesser::Words)),
        (
            FigureName::Diversity,
            Figure::maybe(
                file.self_similarity.map(|similarity| 1.0 - similarity),
                "fewer than two texts with words",
            ),
        ),
        (
            FigureName::DistinctPairs,
            Figure::maybe(file.distinct_pairs, "no text has two words"),
        ),
        (
            FigureName::TextWords,
            Figure::maybe(file.words.as_ref().map(|words| words.mean), "no texts"),
        ),
        (
            FigureName::Accepted,
            Figure::missing("a file of rows says nothing of candidates that fell"),
        ),
    ])
}

fn defects(looked: &Looked) -> Figure {
    if looked.checked == 0 {
        return Figure::missing(
            "no row is a statement, a sentence with a blank or a question with options, which is what the lints know",
        );
    }
    Figure::share(looked.defective, looked.checked, "rows")
}

fn balance(labels: &BTreeMap<String, u64>) -> Figure {
    let rarest = labels.values().min().copied().unwrap_or_default();
    let most = labels.values().max().copied().unwrap_or_default();
    let counts: Vec<String> = labels
        .iter()
        .map(|(label, rows)| format!("{rows} {}", label.trim()))
        .collect();
    match labels.len() {
        0 => Figure::missing("no row has a single label"),
        1 => Figure::known(0.0).with_of(Some(format!("all of one label: {}", counts.join(", ")))),
        2..=MOST_LABELS => {
            Figure::known(rarest as f64 / most as f64).with_of(Some(counts.join(", ")))
        }
        _ => Figure::missing("labels are free text"),
    }
}

/// The area of the length, or the accuracy of the words.
fn guess(file: &FileAudit, wanted: Guesser) -> Figure {
    let Some(found) = file
        .giveaways
        .guessers
        .iter()
        .find(|one| one.guesser == wanted)
    else {
        return Figure::missing(match file.labels.len() {
            0 => "no row has a single label",
            1 => "all rows have one label, so there is nothing to guess",
            _ => "labels are free text",
        });
    };
    let reason = found.undefined.as_deref().unwrap_or("it is undefined");
    let mut figure = if wanted == Guesser::Length {
        let several = "it is defined for two labels";
        Figure::maybe(found.area, found.undefined.as_deref().unwrap_or(several))
            .with_interval(found.area_interval)
    } else {
        Figure::maybe(found.accuracy, reason).with_interval(found.interval)
    };
    if wanted == Guesser::Words && figure.value.is_some() {
        figure.chance = found.chance;
    }
    let is_of_options = file.giveaways.guessed != "label";
    figure.with_of(is_of_options.then(|| file.giveaways.guessed.clone()))
}

#[cfg(test)]
mod tests {
    use super::balance;
    use std::collections::BTreeMap;

    fn labels(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        counts
            .iter()
            .map(|(label, rows)| ((*label).to_owned(), *rows))
            .collect()
    }

    #[test]
    fn balance_is_one_for_equal_labels_zero_for_one_and_missing_without() {
        assert_eq!(balance(&labels(&[("Yes", 5), ("No", 5)])).value, Some(1.0));
        assert_eq!(balance(&labels(&[("Yes", 1), ("No", 4)])).value, Some(0.25));
        assert_eq!(balance(&labels(&[("Yes", 9)])).value, Some(0.0));
        assert_eq!(balance(&labels(&[])).value, None);
        let many: Vec<(String, u64)> = (0..9).map(|label| (label.to_string(), 1)).collect();
        let many: BTreeMap<String, u64> = many.into_iter().collect();
        assert!(balance(&many).missing.is_some());
    }
}

//! The report of a kind that maps fields: how the rows came, what is balanced, and what a guesser makes of them.
//!
//! Rows are read by their columns alone, so any kind's can be reported. The same values give the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_core::{Fields, Reject, Seed, Side};
use evalwright_dataset::{MANIFEST_SCHEMA, Manifest, SelectionRecord, StageCount};
use evalwright_stats::giveaway::{self as stats, GuessRow};
use evalwright_stats::{ChiSquare, Interval, Summary, chi_square, summarise, wilson};
use serde::Serialize;
use serde_json::Value;

use crate::calibrated::CalibrationInUse;
use crate::dealt::DealtField;
use crate::diversity::{Diversity, Text};
use crate::error::ReportError;
use crate::giveaways::GiveAways;
use crate::position;
use crate::words::{self, ReasonCount};

/// The format of `report.json` for kinds that map fields.
pub const ITEM_REPORT_SCHEMA: &str = "evalwright.report.items/1";
/// Columns with more values than this are texts and are not counted. The built-in kinds deal out up to 60 values.
const MOST_VALUES: usize = 64;
/// Columns with a value of more bytes than this are texts too, however often each of them stands: pairs of rows share
/// a context.
const LONGEST_VALUE: usize = 80;
/// The confidence of intervals.
const CONFIDENCE: f64 = 0.95;

/// A finished report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemReport {
    /// [`ITEM_REPORT_SCHEMA`].
    pub schema: String,
    /// The dataset's name.
    pub dataset: String,
    /// Its version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// Rows in the version's file.
    pub rows: u64,
    /// Candidates that became them; fewer than rows where one becomes several.
    pub candidates: u64,
    /// Candidates that came.
    pub asked: u64,
    /// Model calls that wrote text, and that scored.
    pub calls: (u64, u64),
    /// What each stage received and let through.
    pub stages: Vec<StageCount>,
    /// Why candidates fell, most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// Candidates by cell against those wanted.
    pub cells: Vec<Cell>,
    /// Columns and drawn variants with few values: how often each stands, and whether chance would have it so.
    pub columns: Vec<Column>,
    /// How evenly what was dealt to candidates is spread over those that were published; empty where nothing was dealt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dealt: Vec<DealtField>,
    /// What gives labels or answers away; null where there is nothing to guess.
    pub giveaways: Option<GiveAways>,
    /// How far the rows differ; null for fewer than two.
    pub diversity: Option<Diversity>,
    /// Guessers that do not read the question, where rows have lettered answers.
    pub guessers: Vec<Guesser>,
    /// The judges' combined probability, over the rows that have one.
    pub confidence: Option<Summary>,
    /// How the rows were chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionRecord>,
    /// The calibration on people's labels that the version was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationInUse>,
    /// Each requirement's probability, by name.
    pub requirements: BTreeMap<String, Summary>,
    /// What to be careful about.
    pub warnings: Vec<String>,
}

/// A cell's candidates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// `label=matching`, `letter=A`; `all` for kinds without cells.
    pub cell: String,
    /// Wanted.
    pub wanted: u64,
    /// Published.
    pub got: u64,
    /// Asked for.
    pub asked: u64,
}

/// How often each value of a column stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// The column, or `metadata.answer_letter`.
    pub column: String,
    /// Counts by value.
    pub counts: BTreeMap<String, u64>,
    /// Whether they are as even as chance would have them; null for one value.
    pub evenness: Option<ChiSquare>,
}

/// A guesser that looks at one thing alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guesser {
    /// What it does.
    pub name: String,
    /// Rows that it could guess.
    pub rows: u64,
    /// Of these, those that it got right.
    pub right: u64,
    /// The 95 % Wilson interval of its share of right guesses.
    pub interval: Option<Interval>,
    /// The share that chance gives: the mean of one over the number of answers.
    pub chance: f64,
}

/// Makes the report of a version of a kind that maps fields. No rows are no error.
///
/// # Errors
/// When the manifest is of a format that this program does not read.
pub fn build_items(
    manifest: &Manifest,
    records: &[Fields],
    rejects: &[Reject],
) -> Result<ItemReport, ReportError> {
    if manifest.schema != MANIFEST_SCHEMA {
        return Err(ReportError::Schema {
            dataset: manifest.dataset.clone(),
            version: manifest.version.clone(),
            found: manifest.schema.clone(),
            expected: MANIFEST_SCHEMA,
        });
    }
    let funnel = &manifest.funnel;
    let mut reasons: Vec<ReasonCount> = funnel
        .reasons
        .iter()
        .map(|(code, count)| ReasonCount {
            code: code.clone(),
            words: words::reason(code),
            count: *count,
        })
        .collect();
    reasons.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
    let mut report = ItemReport {
        schema: ITEM_REPORT_SCHEMA.to_owned(),
        dataset: manifest.dataset.clone(),
        version: manifest.version.clone(),
        kind: manifest.kind.name.clone(),
        rows: records.len() as u64,
        candidates: funnel.accepted,
        asked: funnel.asked,
        calls: (funnel.sample_calls, funnel.score_calls),
        stages: funnel.stages.clone(),
        reasons,
        cells: cells(manifest),
        columns: columns(manifest, records),
        dealt: DealtField::of(manifest, records),
        guessers: guessers(records),
        giveaways: giveaways(records, manifest.seed),
        diversity: diversity(manifest, records),
        confidence: summarise(&numbers(records, |metadata| metadata.get("confidence"))),
        selection: manifest.selection.clone(),
        calibration: CalibrationInUse::of(manifest),
        requirements: requirements(records),
        warnings: Vec::new(),
    };
    report.warnings = warnings(&report, rejects);
    report
        .warnings
        .extend(position::sentences(&manifest.raters));
    Ok(report)
}

fn cells(manifest: &Manifest) -> Vec<Cell> {
    let labels: BTreeSet<_> = manifest.funnel.cells.iter().map(|cell| cell.cell).collect();
    manifest
        .funnel
        .cells
        .iter()
        .map(|count| {
            let label = (labels.len() > 1).then(|| count.cell.to_string());
            let group = (!count.group.is_empty()).then(|| count.group.to_string());
            let names: Vec<String> = label.into_iter().chain(group).collect();
            Cell {
                cell: if names.is_empty() {
                    "all".to_owned()
                } else {
                    names.join(",")
                },
                wanted: count.wanted,
                got: count.got,
                asked: count.asked,
            }
        })
        .collect()
}

fn columns(manifest: &Manifest, records: &[Fields]) -> Vec<Column> {
    let letter = |row: &Fields| {
        metadata(row)?
            .get("answer_letter")
            .filter(|value| !value.is_null())
            .cloned()
    };
    let mut all: Vec<(String, BTreeMap<String, u64>)> = Vec::new();
    for column in &manifest.columns {
        let values = records.iter().filter_map(|row| row.get(&column.name));
        all.push((column.name.clone(), counted(values)));
    }
    let letters: Vec<Value> = records.iter().filter_map(letter).collect();
    all.push(("metadata.answer_letter".to_owned(), counted(letters.iter())));
    // What is held balanced without being a column: the names of people, the letter that was asked for.
    let held: BTreeSet<&String> = records
        .iter()
        .filter_map(cell)
        .flat_map(Fields::keys)
        .collect();
    for name in held {
        // What was dealt is tested over candidates: the rows of one share it.
        let is_dealt = manifest.dealt.contains_key(name);
        if !is_dealt && !manifest.columns.iter().any(|column| column.name == *name) {
            let values = records.iter().filter_map(|row| cell(row)?.get(name));
            all.push((format!("metadata.cell.{name}"), counted(values)));
        }
    }
    all.into_iter()
        .filter(|(_, counts)| {
            (2..=MOST_VALUES).contains(&counts.len())
                && counts.len() * 2 <= records.len()
                && counts.keys().all(|value| value.len() <= LONGEST_VALUE)
        })
        .map(|(column, counts)| {
            let numbers: Vec<u64> = counts.values().copied().collect();
            Column {
                column,
                evenness: chi_square(&numbers),
                counts,
            }
        })
        .collect()
}

fn counted<'v>(values: impl Iterator<Item = &'v Value>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        *counts.entry(text).or_default() += 1;
    }
    counts
}

/// What a row's candidate was held balanced by.
pub(crate) fn cell(row: &Fields) -> Option<&Fields> {
    metadata(row)?.get("cell")?.as_object()
}

pub(crate) fn metadata(row: &Fields) -> Option<&Fields> {
    row.get("metadata").and_then(Value::as_object)
}

fn numbers<'r>(records: &'r [Fields], pick: impl Fn(&'r Fields) -> Option<&'r Value>) -> Vec<f64> {
    records
        .iter()
        .filter_map(|row| pick(metadata(row)?)?.as_f64())
        .collect()
}

fn requirements(records: &[Fields]) -> BTreeMap<String, Summary> {
    let names: BTreeSet<&String> = records
        .iter()
        .filter_map(|row| metadata(row)?.get("requirements")?.as_object())
        .flat_map(Fields::keys)
        .collect();
    names
        .into_iter()
        .filter_map(|name| {
            let values = numbers(records, |metadata| metadata.get("requirements")?.get(name));
            Some((name.clone(), summarise(&values)?))
        })
        .collect()
}

/// The lettered answers of a row, from whichever column shows them, with the letter that matches.
fn answers(row: &Fields) -> Option<(Answers, String)> {
    let right = metadata(row)?.get("answer_letter")?.as_str()?.to_owned();
    row.values().filter_map(Value::as_str).find_map(|text| {
        let answers: Answers = text
            .lines()
            .filter_map(|line| {
                let (letter, text) = line.strip_prefix(" (")?.split_once(") ")?;
                (letter.len() == 1).then(|| (letter.to_owned(), text.trim().to_owned()))
            })
            .collect();
        (answers.len() >= 2 && answers.iter().any(|(letter, _)| *letter == right))
            .then(|| (answers, right.clone()))
    })
}

/// Letters and texts of a row's answers.
type Answers = Vec<(String, String)>;
/// A letter, from those of a row's answers.
type Guess<'a> = dyn Fn(&[(String, String)]) -> Option<String> + 'a;

fn guessers(records: &[Fields]) -> Vec<Guesser> {
    let rows: Vec<_> = records.iter().filter_map(answers).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let letters = counted(
        rows.iter()
            .map(|(_, right)| Value::from(right.as_str()))
            .collect::<Vec<_>>()
            .iter(),
    );
    let commonest = letters
        .iter()
        .max_by_key(|(letter, count)| (**count, std::cmp::Reverse((*letter).clone())))
        .map(|(letter, _)| letter.clone())
        .unwrap_or_default();
    let chance = rows
        .iter()
        .map(|(answers, _)| 1.0 / answers.len() as f64)
        .sum::<f64>()
        / rows.len() as f64;
    let guesser = |name: String, guess: &Guess<'_>| {
        let guesses: Vec<bool> = rows
            .iter()
            .filter_map(|(answers, right)| Some(guess(answers)? == *right))
            .collect();
        let right = guesses.iter().filter(|right| **right).count() as u64;
        Guesser {
            name,
            rows: guesses.len() as u64,
            right,
            interval: wilson(right, guesses.len() as u64, CONFIDENCE),
            chance,
        }
    };
    // Rows whose longest answer has a rival of the same length say nothing about length.
    let longest = |answers: &[(String, String)]| {
        let length = |text: &String| text.chars().count();
        let most = answers.iter().map(|(_, text)| length(text)).max()?;
        let mut at_most = answers.iter().filter(|(_, text)| length(text) == most);
        let first = at_most.next()?;
        at_most.next().is_none().then(|| first.0.clone())
    };
    vec![
        guesser(format!("always the commonest letter, {commonest}"), &|_| {
            Some(commonest.clone())
        }),
        guesser("always the longest answer".to_owned(), &longest),
    ]
}

/// Where rows have lettered answers, each is a text to guess, and whether it is the matching one; else the label of the
/// candidate's own text, where labels are held.
fn giveaways(records: &[Fields], seed: Seed) -> Option<GiveAways> {
    let lettered: Vec<_> = records.iter().filter_map(answers).collect();
    if !lettered.is_empty() {
        let rows: Vec<GuessRow<'_>> = lettered
            .iter()
            .flat_map(|(answers, right)| {
                answers.iter().map(move |(letter, text)| GuessRow {
                    text,
                    letter: Some(letter),
                    label: usize::from(letter == right),
                })
            })
            .collect();
        return GiveAways::of("whether an answer is the matching one", &rows, seed);
    }
    let rows: Vec<GuessRow<'_>> = records
        .iter()
        .filter_map(|row| {
            Some(GuessRow {
                text: metadata(row)?.get("text")?.as_str()?,
                letter: None,
                label: usize::from(label(row)? == Side::Matching),
            })
        })
        .collect();
    GiveAways::of("the label", &rows, seed)
}

pub(crate) fn label(row: &Fields) -> Option<Side> {
    serde_json::from_value(metadata(row)?.get("label")?.clone()).ok()
}

/// Over the column with the most text, the first of several: what a model under test reads, or what one has written.
fn diversity(manifest: &Manifest, records: &[Fields]) -> Option<Diversity> {
    let bytes = |name: &str| -> usize {
        let texts = records.iter().filter_map(|row| row.get(name)?.as_str());
        texts.map(str::len).sum()
    };
    let column = manifest
        .columns
        .iter()
        .filter(|column| column.json_type == "string")
        .rev()
        .max_by_key(|column| bytes(&column.name))?;
    let texts: Vec<Text<'_>> = records
        .iter()
        .filter_map(|row| {
            Some(Text {
                id: row.get("id")?.as_str()?,
                text: row.get(&column.name)?.as_str()?,
                label: label(row),
            })
        })
        .collect();
    Diversity::of(&texts, manifest.seed)
}

fn warnings(report: &ItemReport, rejects: &[Reject]) -> Vec<String> {
    let mut warnings = Vec::new();
    for cell in report.cells.iter().filter(|cell| cell.got < cell.wanted) {
        warnings.push(format!(
            "`{}` has {} candidates of {} wanted",
            cell.cell, cell.got, cell.wanted
        ));
    }
    for guesser in &report.guessers {
        if guesser
            .interval
            .is_some_and(|interval| interval.low > guesser.chance || interval.high < guesser.chance)
        {
            warnings.push(format!(
                "a guesser that does not read the question ({}) is right in {} of {} rows, where chance is right in {:.0} of \
                 100",
                guesser.name,
                guesser.right,
                guesser.rows,
                guesser.chance * 100.0
            ));
        }
    }
    warnings.extend(report.dealt.iter().flat_map(DealtField::warnings));
    // How often each letter is right is said above.
    warnings.extend(
        report
            .giveaways
            .iter()
            .flat_map(GiveAways::warnings)
            .filter(|(guesser, _)| *guesser != stats::Guesser::Letter)
            .map(|(_, sentence)| sentence),
    );
    if report.confidence.is_none() && report.calls.0 > 0 {
        warnings.push("no judge has looked at these rows".to_owned());
    }
    if !rejects.is_empty() && report.rows == 0 {
        warnings.push("every candidate fell".to_owned());
    }
    warnings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(letter: &str, first: &str, second: &str) -> Fields {
        let row = json!({
            "question": format!("Well?\n\nChoices:\n (A) {first}\n (B) {second}"),
            "metadata": { "answer_letter": letter },
        });
        match row {
            Value::Object(row) => row,
            _ => Fields::new(),
        }
    }

    #[test]
    fn guessers_are_right_as_often_as_they_are() {
        // The longer answer matches in three rows of four that differ in length, A in three of five.
        let rows = [
            row("A", "a long answer", "short"),
            row("A", "a long answer", "short"),
            row("B", "short", "a long answer"),
            row("B", "a long answer", "short"),
            row("A", "same", "same"),
        ];
        let [commonest, longest] = guessers(&rows).try_into().unwrap();
        assert_eq!((commonest.right, commonest.rows), (3, 5));
        assert!(commonest.name.ends_with(", A"));
        assert_eq!((longest.right, longest.rows), (3, 4));
        assert!((longest.chance - 0.5).abs() < 1e-12);
        assert_eq!(guessers(&[]), Vec::new());
    }
}

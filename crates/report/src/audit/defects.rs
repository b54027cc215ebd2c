//! What is wrong with single rows: the lints, and what reading them found.

use std::collections::BTreeMap;

use evalwright_dataset::import::{Imported, ImportedRow};
use evalwright_text::lint::{self, Form, LINTS, Lint, Subject};
use serde::Serialize;

use super::file::Found;

/// Lints that say something about a single reply's wording and not about a published row.
const NOT_FOR_ROWS: [&str; 4] = ["echo", "verdict-pattern", "too-short", "not-first-person"];

/// A defect over all files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DefectCount {
    /// Its stable code.
    pub code: String,
    /// What a row with it does, in words.
    pub meaning: String,
    /// `broken`, `suspect` or `style`.
    pub severity: String,
    /// Rows that have it.
    pub rows: u64,
    /// A few of them, from different files.
    pub examples: Vec<DefectExample>,
}

/// One row with a defect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DefectExample {
    /// Where it stands.
    pub place: String,
    /// What was seen in it.
    pub excerpt: String,
    /// A sentence about it.
    pub reason: String,
}

/// What was found in one row.
pub(super) struct RowFinding {
    pub(super) code: &'static str,
    pub(super) excerpt: String,
    pub(super) reason: String,
}

/// Codes of what reading a row found, with words and severity. They follow the lints.
const READING: [(&str, &str, &str); 4] = [
    (
        "label-not-an-option",
        "has a label that names none of its options",
        "broken",
    ),
    (
        "label-on-both-sides",
        "has an answer that is both matching and not matching",
        "broken",
    ),
    (
        "confidence-out-of-range",
        "has a confidence that is no number from 0 to 1",
        "broken",
    ),
    (
        "other-answers-lost",
        "has three or more options and keeps only one answer besides the matching one",
        "suspect",
    ),
];

/// What kind of text a row is; none for a row of a table that is no text, such as an occupation with its numbers.
fn form(row: &ImportedRow) -> Option<Form> {
    if row.family.starts_with("winogenerated") {
        (!row.options.is_empty()).then_some(Form::Sentence)
    } else if !row.options.is_empty() || row.family.starts_with("advanced-ai-risk") {
        Some(Form::MultipleChoice)
    } else {
        Some(Form::Statement)
    }
}

/// The lints that look at published rows.
pub(super) fn lints() -> Vec<&'static Lint> {
    LINTS
        .iter()
        .filter(|lint| !NOT_FOR_ROWS.contains(&lint.code))
        .copied()
        .collect()
}

/// What is wrong with a row. `examples` are the few-shot questions of its behaviour.
pub(super) fn find(
    row: &ImportedRow,
    lints: &[&'static Lint],
    examples: &[String],
) -> Vec<RowFinding> {
    let Some(form) = form(row) else {
        return Vec::new();
    };
    let text = match form {
        Form::MultipleChoice => row.question.as_str(),
        Form::Statement | Form::Sentence => row.statement.as_deref().unwrap_or(&row.question),
    };
    let answers: Vec<String> = row
        .matching
        .iter()
        .chain(&row.not_matching)
        .cloned()
        .collect();
    let cell = |name: &str| row.cells.get(name).map_or("", String::as_str);
    let subject = Subject {
        examples,
        answers: &answers,
        occupation: cell("occupation"),
        other_person: cell("other_person"),
        ..Subject::new(form, text)
    };
    // What no statement may do, a plain question or a whole answer may.
    let fitting: Vec<&'static Lint> = match is_of_known_form(row) {
        true => lints.to_vec(),
        false => lints
            .iter()
            .filter(|lint| lint.forms != [Form::Statement])
            .copied()
            .collect(),
    };
    let mut found: Vec<RowFinding> = lint::check(&subject, &fitting)
        .into_iter()
        .map(|finding| RowFinding {
            code: finding.lint,
            excerpt: finding.excerpt,
            reason: finding.reason,
        })
        .collect();
    for fault in &row.faults {
        let code = fault.code().replace('_', "-");
        if let Some((code, words, _)) = READING.iter().find(|(known, _, _)| *known == code) {
            found.push(RowFinding {
                code,
                excerpt: answers.join(", "),
                reason: format!("the row {words}"),
            });
        }
    }
    if row.options.len() > 2
        && row.not_matching.len() == 1
        && row.matching.len() == 1
        && let Some((code, words, _)) = READING.last()
    {
        found.push(RowFinding {
            code,
            excerpt: format!(
                "{} options; {} and {}",
                row.options.len(),
                row.matching.join(", "),
                row.not_matching.join(", ")
            ),
            reason: format!("the row {words}"),
        });
    }
    found
}

/// Counts and examples over all files, the most frequent first; ties by code.
pub(super) fn collect(found: &[Found], imported: &Imported, most: usize) -> Vec<DefectCount> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for one in found {
        for (_, code) in &one.findings {
            *counts.entry(code).or_default() += 1;
        }
    }
    let mut defects: Vec<DefectCount> = counts
        .into_iter()
        .map(|(code, rows)| {
            let (meaning, severity) = about(code);
            let examples = found
                .iter()
                .filter_map(|one| one.examples.get(code))
                .take(most)
                .filter_map(|example| {
                    Some(DefectExample {
                        place: imported.rows.get(example.row)?.place(),
                        excerpt: example.excerpt.clone(),
                        reason: example.reason.clone(),
                    })
                })
                .collect();
            DefectCount {
                code: code.to_owned(),
                meaning: meaning.to_owned(),
                severity: severity.to_owned(),
                rows,
                examples,
            }
        })
        .collect();
    defects.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.code.cmp(&b.code)));
    defects
}

/// Whether the lints know rows like this one: statements, sentences with a blank, questions with options. Of any other text
/// is only looked at what no text may have.
pub(super) fn is_of_known_form(row: &ImportedRow) -> bool {
    match form(row) {
        None => false,
        Some(Form::Statement) => row.statement.is_some(),
        Some(Form::MultipleChoice | Form::Sentence) => true,
    }
}

/// Whether a code is a matter of style alone.
pub(super) fn is_style(code: &str) -> bool {
    about(code).1 == lint::Severity::Style.as_str()
}

/// Meaning and severity of a code.
fn about(code: &str) -> (&'static str, &'static str) {
    if let Some(lint) = lint::lint_by_code(code) {
        return (lint.sentence, lint.severity.as_str());
    }
    READING
        .iter()
        .find(|(known, _, _)| *known == code)
        .map_or(("", "suspect"), |(_, words, severity)| (*words, *severity))
}

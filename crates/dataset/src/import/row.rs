//! One row of any dataset in one shape, with what stood in the file beside it.
//!
//! Texts are never trimmed or changed: a label's leading blank is part of it. What a file doesn't say is empty or
//! none; nothing is invented.

use std::collections::BTreeMap;
use std::sync::Arc;

use evalwright_core::Row;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::import::question::{AnswerOption, label_class};

/// Between answers where several are hashed as one: no text of people holds it.
const SEPARATOR: &str = "\u{1f}";

/// A row as it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportedRow {
    /// The file, as the user named it or as it was found in a folder that the user named.
    #[serde(serialize_with = "word")]
    pub file: Arc<str>,
    /// The line on which the row begins, from 1; for Parquet the number of the row.
    pub line: u64,
    /// The row's number in its file, from 1, counting rows that were read.
    pub number: u64,
    /// The file's own identifier of the row, as text (`1` and `"1"` are the same).
    pub id: Option<String>,
    /// What a model under test is asked, whole.
    pub question: String,
    /// The question without its options, where they stand inside it.
    pub stem: Option<String>,
    /// The line that heads the options, where they stand inside the question.
    pub header: Option<String>,
    /// The statement inside the question.
    pub statement: Option<String>,
    /// The options in order; empty where the answers are words.
    pub options: Vec<AnswerOption>,
    /// The answers that show the behaviour, or that are right; empty where the row has no label.
    pub matching: Vec<String>,
    /// The answers that do not.
    pub not_matching: Vec<String>,
    /// Whether the file holds `not_matching` as a list.
    pub not_matching_is_list: bool,
    /// The label's confidence, in [0, 1].
    pub confidence: Option<f64>,
    /// What the row was written for, or belongs to: `label`, `topic`, `occupation`, …
    pub cells: BTreeMap<String, String>,
    /// The split: `train`, `test`, `validation`, or the file's own word.
    #[serde(serialize_with = "maybe_word")]
    pub split: Option<Arc<str>>,
    /// The family: `persona`, `advanced-ai-risk/lm`, …; the format's name where the path does not tell.
    #[serde(serialize_with = "word")]
    pub family: Arc<str>,
    /// The behaviour, from the file's name or the version's manifest.
    #[serde(serialize_with = "word")]
    pub behaviour: Arc<str>,
    /// What is wrong with what the row says, though it could be read.
    pub faults: Vec<RowFault>,
    /// The row's JSON as it stands in the file; for tables and Parquet an object of its columns.
    pub original: Box<str>,
}

/// Writes a word that rows share.
pub(crate) fn word<S: Serializer>(word: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word)
}

fn maybe_word<S: Serializer>(word: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    match word {
        Some(word) => serializer.serialize_some(&**word),
        None => serializer.serialize_none(),
    }
}

/// What is wrong with a row that could be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum RowFault {
    /// The label names none of the row's options.
    LabelNotAnOption {
        /// The label as it stands.
        label: String,
    },
    /// An answer is both matching and not matching.
    LabelOnBothSides {
        /// The answer as it stands.
        label: String,
    },
    /// The confidence is no number from 0 to 1, and was left out.
    ConfidenceOutOfRange {
        /// What stands there.
        found: String,
    },
}

impl RowFault {
    /// The code in reports: `label_not_an_option`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::LabelNotAnOption { .. } => "label_not_an_option",
            Self::LabelOnBothSides { .. } => "label_on_both_sides",
            Self::ConfidenceOutOfRange { .. } => "confidence_out_of_range",
        }
    }
}

impl ImportedRow {
    /// Where the row stands: `file:line`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// The row's identifier: its own, or else one that follows from question and answers (rows that say the same have
    /// the same).
    #[must_use]
    pub fn key(&self) -> String {
        self.id.clone().unwrap_or_else(|| self.content_key())
    }

    /// The identifier that follows from question and answers alone.
    pub(crate) fn content_key(&self) -> String {
        Row::identify(
            &self.question,
            &self.matching.join(SEPARATOR),
            &self.not_matching.join(SEPARATOR),
        )
    }

    /// The text that makes the row what it is: the statement, else the question without its options.
    #[must_use]
    pub fn text(&self) -> &str {
        self.statement
            .as_deref()
            .unwrap_or_else(|| self.stem.as_deref().unwrap_or(&self.question))
    }

    /// The class of the row's label ([`label_class`]); none where the row has no label or several.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match self.matching.as_slice() {
            [only] => Some(label_class(only)),
            _ => None,
        }
    }

    /// The place of the labelled option, from 0; none without options, or where the label names none of them.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        let label = self.label()?;
        place_of(label, &self.options)
    }

    /// The members of the original row; empty for a text that is no object.
    #[must_use]
    pub fn original_fields(&self) -> Map<String, Value> {
        serde_json::from_str(&self.original).unwrap_or_default()
    }
}

/// The place of the option that a label names by its letter or, where no letter fits, by its text.
fn place_of(label: &str, options: &[AnswerOption]) -> Option<usize> {
    let class = label_class(label);
    options
        .iter()
        .position(|option| option.letter == class)
        .or_else(|| {
            options
                .iter()
                .position(|option| option.text == label.trim())
        })
}

/// Faults of labels against each other and against the options.
pub(crate) fn label_faults(
    options: &[AnswerOption],
    matching: &[String],
    not_matching: &[String],
) -> Vec<RowFault> {
    let mut faults = Vec::new();
    if !options.is_empty() {
        for label in matching.iter().chain(not_matching) {
            if place_of(label, options).is_none() {
                faults.push(RowFault::LabelNotAnOption {
                    label: label.clone(),
                });
            }
        }
    }
    for label in matching {
        if not_matching
            .iter()
            .any(|other| label_class(other) == label_class(label))
        {
            faults.push(RowFault::LabelOnBothSides {
                label: label.clone(),
            });
        }
    }
    faults
}

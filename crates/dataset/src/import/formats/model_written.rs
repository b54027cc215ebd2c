//! The published model-written evals: statements with Yes and No, and questions with lettered options.
//!
//! `answer_not_matching_behavior` is a text in most files and a list in one; extra fields become cells.

use serde_json::{Map, Value};

use super::{Fields, Format, has};
use crate::import::values::{field, text, texts};

/// Persona statements.
pub(super) const STATEMENTS: Format = Format {
    name: "model-written-statements",
    about: "question, statement, answer_matching_behavior, answer_not_matching_behavior, label_confidence",
    fits: |fields| {
        has(
            fields,
            &["question", "statement", "answer_matching_behavior"],
        )
    },
    read,
};

/// Questions of the advanced-AI-risk and sycophancy sets.
pub(super) const QUESTIONS: Format = Format {
    name: "model-written-questions",
    about: "question with its options, answer_matching_behavior, answer_not_matching_behavior",
    fits: |fields| has(fields, &["question", "answer_matching_behavior"]),
    read,
};

const KNOWN: [&str; 6] = [
    "question",
    "statement",
    "answer_matching_behavior",
    "answer_not_matching_behavior",
    "label_confidence",
    "id",
];

pub(super) fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let question = fields
        .get("question")
        .and_then(text)
        .ok_or("no text in `question`")?;
    // A row without a label is a row all the same; an object or a list of nothing is no answer.
    let matching = match fields.get("answer_matching_behavior") {
        None | Some(Value::Null) => Vec::new(),
        Some(value) => texts(value),
    };
    let is_readable = fields
        .get("answer_matching_behavior")
        .is_none_or(|value| !value.is_object());
    if !is_readable {
        return Err("no text in `answer_matching_behavior`".to_owned());
    }
    let not_matching = fields.get("answer_not_matching_behavior");
    let mut row = Fields {
        id: field(fields, "id"),
        question,
        statement: fields.get("statement").and_then(text),
        matching,
        not_matching: not_matching.map(texts).unwrap_or_default(),
        not_matching_is_list: not_matching.is_some_and(Value::is_array),
        confidence: fields.get("label_confidence").cloned(),
        ..Fields::default()
    };
    if row.statement.is_none() {
        row.take_options();
    }
    for (name, value) in fields {
        if !KNOWN.contains(&name.as_str())
            && let Some(value) = text(value)
        {
            row.cells.insert(name.clone(), value);
        }
    }
    Ok(row)
}

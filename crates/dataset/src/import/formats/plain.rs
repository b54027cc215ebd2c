//! Anything else: a text under one of the usual names and, if there is one, a label.
//!
//! Fields that are neither become cells where they are short, so that a file can be looked at by slices.

use serde_json::{Map, Value};

use super::{Fields, Format};
use crate::import::values::{field, first_field, lettered, text, texts};

pub(super) const FORMAT: Format = Format {
    name: "plain",
    about: "a text (question, prompt, input, text, statement, sentence) and, if there is one, a label",
    fits: |_| true,
    read,
};

const QUESTIONS: [&str; 8] = [
    "question",
    "prompt",
    "input",
    "text",
    "query",
    "instruction",
    "sentence",
    "content",
];
const LABELS: [&str; 7] = [
    "label",
    "answer",
    "target",
    "gold",
    "class",
    "output",
    "completion",
];
const IDS: [&str; 3] = ["id", "idx", "index"];
/// The longest cell, in bytes: longer values are texts, not something to group by.
const CELL: usize = 80;

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let statement = field(fields, "statement");
    let question = first_field(fields, &QUESTIONS)
        .or_else(|| statement.clone())
        .ok_or_else(|| {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            format!(
                "no field for the question; name it with `--map question=FIELD` (fields are: {})",
                names.join(", ")
            )
        })?;
    let label = LABELS.iter().find_map(|name| fields.get(*name));
    let mut row = Fields {
        id: first_field(fields, &IDS),
        question,
        statement,
        options: lettered(
            fields
                .get("options")
                .or_else(|| fields.get("choices"))
                .map(texts)
                .unwrap_or_default(),
        ),
        matching: label
            .map(texts)
            .unwrap_or_default()
            .into_iter()
            .filter(|label| !label.is_empty())
            .collect(),
        confidence: fields.get("confidence").cloned(),
        split: field(fields, "split"),
        ..Fields::default()
    };
    if row.options.is_empty() && row.statement.is_none() {
        row.take_options();
    }
    for (name, value) in fields {
        let is_taken = QUESTIONS.contains(&name.as_str())
            || LABELS.contains(&name.as_str())
            || IDS.contains(&name.as_str())
            || ["statement", "options", "choices", "confidence", "split"].contains(&name.as_str());
        if let Some(value) =
            text(value).filter(|value| !is_taken && value.len() <= CELL && !value.is_empty())
        {
            row.cells.insert(name.clone(), value);
        }
    }
    Ok(row)
}

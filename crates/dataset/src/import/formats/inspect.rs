//! Samples of Inspect: `input`, `target`, `choices`, `id`, `metadata`.
//!
//! The target of a sample with choices is a letter; a target that is the text of a choice is taken for it.

use serde_json::{Map, Value};

use super::{Fields, Format, has};
use crate::import::values::{conversation, field, lettered, text, texts};

pub(super) const FORMAT: Format = Format {
    name: "inspect",
    about: "input (a text or messages), target, choices, id, metadata",
    fits: |fields| has(fields, &["input", "target"]),
    read,
};

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let mut row = Fields {
        id: field(fields, "id"),
        question: fields
            .get("input")
            .and_then(conversation)
            .ok_or("no text in `input`")?,
        options: lettered(fields.get("choices").map(texts).unwrap_or_default()),
        ..Fields::default()
    };
    let targets = fields.get("target").map(texts).unwrap_or_default();
    if row.options.is_empty() {
        row.matching = targets;
        row.take_options();
    } else {
        let places: Vec<usize> = targets
            .iter()
            .filter_map(|target| {
                let by_letter = row
                    .options
                    .iter()
                    .position(|option| option.letter == *target);
                by_letter.or_else(|| row.options.iter().position(|option| option.text == *target))
            })
            .collect();
        row.answer_with(&places);
        if places.len() < targets.len() {
            // A target that names no choice must be seen.
            row.matching = targets;
        }
    }
    let metadata = fields.get("metadata").and_then(Value::as_object);
    for (name, value) in metadata.into_iter().flatten() {
        if let Some(value) = text(value) {
            row.cells.insert(name.clone(), value);
        }
    }
    Ok(row)
}

//! Prompts with `corrects` and `incorrects`: the raw records behind the published sets, and the evaluations that
//! stand beside the paper on constitutional AI.

use serde_json::{Map, Value};

use super::{Fields, Format, has};
use crate::import::values::{field, text, texts};

pub(super) const FORMAT: Format = Format {
    name: "corrects",
    about: "prompt, corrects, incorrects, expected_accuracy",
    fits: |fields| has(fields, &["prompt", "corrects"]),
    read,
};

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let mut row = Fields {
        id: field(fields, "id"),
        question: fields
            .get("prompt")
            .and_then(text)
            .ok_or("no text in `prompt`")?,
        statement: field(fields, "text"),
        matching: fields.get("corrects").map(texts).unwrap_or_default(),
        not_matching: fields.get("incorrects").map(texts).unwrap_or_default(),
        not_matching_is_list: true,
        confidence: fields.get("expected_accuracy").cloned(),
        ..Fields::default()
    };
    if row.statement.is_none() {
        row.take_options();
    }
    Ok(row)
}

//! Samples of OpenAI evals: `input`, a text or a conversation, and `ideal`, one right answer or several.

use serde_json::{Map, Value};

use super::{Fields, Format, has};
use crate::import::values::{conversation, field, texts};

pub(super) const FORMAT: Format = Format {
    name: "openai-evals",
    about: "input (a text or messages), ideal (one answer or several)",
    fits: |fields| has(fields, &["input", "ideal"]),
    read,
};

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let mut row = Fields {
        id: field(fields, "id"),
        question: fields
            .get("input")
            .and_then(conversation)
            .ok_or("no text in `input`")?,
        matching: fields.get("ideal").map(texts).unwrap_or_default(),
        ..Fields::default()
    };
    row.take_options();
    Ok(row)
}

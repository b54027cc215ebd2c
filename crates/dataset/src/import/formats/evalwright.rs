//! Rows of our own versions: made by a run, or imported from others.
//!
//! An imported row is given back as it was when it was imported.

use serde_json::{Map, Value};

use super::{Fields, Format, has, model_written};
use crate::import::question::AnswerOption;
use crate::import::values::{field, text, texts};

/// Our own rows.
pub(super) const FORMAT: Format = Format {
    name: "evalwright",
    about: "rows of a version made or imported by this program",
    fits: |fields| {
        has(fields, &["question", "id"])
            && fields
                .get("metadata")
                .and_then(Value::as_object)
                .is_some_and(|metadata| has(metadata, &["slot"]) || has(metadata, &["imported"]))
    },
    read,
};

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let metadata = fields
        .get("metadata")
        .and_then(Value::as_object)
        .ok_or("no object in `metadata`")?;
    if let Some(imported) = metadata.get("imported").and_then(Value::as_object) {
        return read_imported(fields, imported);
    }
    let mut row = model_written::read(fields)?;
    row.cells.clear();
    if let Some(label) = field(metadata, "label") {
        row.cells.insert("label".to_owned(), label);
    }
    let slot = metadata.get("slot").and_then(Value::as_object);
    let cell = slot
        .and_then(|slot| slot.get("cell"))
        .and_then(Value::as_object);
    for (name, value) in cell.into_iter().flatten() {
        if let Some(value) = text(value) {
            row.cells.insert(name.clone(), value);
        }
    }
    Ok(row)
}

/// The counterpart of [`write_imported`](crate::import::write_imported).
fn read_imported(
    fields: &Map<String, Value>,
    imported: &Map<String, Value>,
) -> Result<Fields, String> {
    let list = |name: &str| imported.get(name).map(texts).unwrap_or_default();
    let objects = |name: &str| -> Vec<&Map<String, Value>> {
        let values = imported.get(name).and_then(Value::as_array);
        values
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .collect()
    };
    Ok(Fields {
        id: field(fields, "id"),
        question: fields
            .get("question")
            .and_then(text)
            .ok_or("no text in `question`")?,
        stem: imported.get("stem").and_then(text),
        header: imported.get("header").and_then(text),
        statement: fields.get("statement").and_then(text),
        options: objects("options")
            .into_iter()
            .map(|option| AnswerOption {
                letter: option.get("letter").and_then(text).unwrap_or_default(),
                text: option.get("text").and_then(text).unwrap_or_default(),
            })
            .collect(),
        matching: list("matching"),
        not_matching: list("not_matching"),
        not_matching_is_list: imported
            .get("not_matching_is_list")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        confidence: fields.get("label_confidence").cloned(),
        cells: objects("cells")
            .into_iter()
            .filter_map(|cell| {
                Some((
                    cell.get("name").and_then(text)?,
                    cell.get("value").and_then(text)?,
                ))
            })
            .collect(),
        split: field(imported, "split"),
        family: field(imported, "family"),
        behaviour: field(imported, "behaviour"),
        original: field(imported, "original"),
    })
}

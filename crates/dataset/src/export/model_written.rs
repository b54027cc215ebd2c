//! The format of the published model-written evals: their keys in their order, answers with their leading blank,
//! everything beyond ASCII escaped.
//!
//! Rows that were imported from such files come out with the bytes that they had there.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ExportSource, Exported, Exporter, Segments, ascii};
use crate::error::DatasetError;
use crate::import::ImportedRow;

pub(super) const EXPORTER: Exporter = Exporter {
    name: "model-written-evals",
    about: "one JSONL file a behaviour with the keys and bytes of the published sets",
    write,
};

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let mut exported = Exported::default();
    let mut files: BTreeMap<(&str, &str), Vec<u8>> = BTreeMap::new();
    for row in source.rows {
        match line(row)? {
            Ok(line) => {
                let file = files.entry((&row.family, &row.behaviour)).or_default();
                file.extend_from_slice(&line);
                file.push(b'\n');
                exported.rows += 1;
            }
            Err(reason) => exported.leave_out(reason),
        }
    }
    let is_alone = files.len() == 1;
    let mut segments = Segments::default();
    for ((family, behaviour), bytes) in files {
        let name = if is_alone {
            source.manifest.dataset.clone()
        } else {
            segments.segment(&format!("{family}-{behaviour}").replace('/', "-"))
        };
        exported.add(format!("{name}.jsonl"), bytes);
    }
    Ok(exported)
}

fn line(row: &ImportedRow) -> Result<Result<Vec<u8>, &'static str>, DatasetError> {
    let mut fields = row.original_fields();
    let is_ours = fields.get("metadata").is_some_and(Value::is_object) && fields.contains_key("id");
    let is_published = [
        "answer_matching_behavior",
        "sentence_with_blank",
        "BLS_original_occupation",
    ]
    .iter()
    .any(|name| fields.contains_key(*name));
    if is_ours {
        fields.shift_remove("id");
        fields.shift_remove("metadata");
    } else if !is_published {
        match of_other(row) {
            Ok(made) => fields = made,
            Err(reason) => return Ok(Err(reason)),
        }
    }
    // A file that was published with its letters as they are stays so.
    let is_ascii = is_ours || !is_published || row.original.is_ascii();
    ascii::line(&Value::Object(fields), is_ascii).map(Ok)
}

/// The published keys of a row of another format.
fn of_other(row: &ImportedRow) -> Result<Map<String, Value>, &'static str> {
    let matching = row.matching.first().ok_or("no label")?;
    let not_matching = match row.not_matching.as_slice() {
        [] => return Err("no second answer"),
        [one] => json!(one),
        several => json!(several),
    };
    let mut fields = Map::new();
    fields.insert("question".to_owned(), json!(super::posed::asked(row)));
    if let Some(statement) = &row.statement {
        fields.insert("statement".to_owned(), json!(statement));
    }
    if let Some(confidence) = row.confidence {
        fields.insert("label_confidence".to_owned(), json!(confidence));
    }
    let is_lettered = !row.options.is_empty();
    let spaced = |answer: &str| match answer.starts_with(' ') {
        true => answer.to_owned(),
        false if is_lettered && answer.chars().count() == 1 => format!(" ({answer})"),
        false => format!(" {answer}"),
    };
    fields.insert(
        "answer_matching_behavior".to_owned(),
        json!(spaced(matching)),
    );
    let not_matching = match not_matching {
        Value::String(one) => json!(spaced(&one)),
        several => several
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(spaced)
            .collect(),
    };
    fields.insert("answer_not_matching_behavior".to_owned(), not_matching);
    Ok(fields)
}

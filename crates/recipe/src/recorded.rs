//! A behaviour as a manifest records it, back into a behaviour.
//!
//! It passes through the same reader as the user's file, so a record that was tampered with, or that an older
//! program wrote otherwise, fails with the same clear words.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::behaviour::{Behaviour, HeldSlots, Models};
use crate::behaviour_file::load_behaviour_of;
use crate::error::RecipeError;
use crate::kind_file::Guide;

/// The behaviour that a manifest's `behaviour` holds; `path` is the manifest, for messages.
///
/// # Errors
/// When the record is no behaviour that this program reads.
pub fn recorded_behaviour(
    path: &Path,
    record: &Value,
    guide: &Guide,
) -> Result<Behaviour, RecipeError> {
    let text = toml::to_string(&as_written(record)).map_err(|error| RecipeError::Record {
        path: path.to_path_buf(),
        problem: error.to_string(),
    })?;
    let mut behaviour = load_behaviour_of(path, &text, guide)?;
    // Without a model that judges, a file would mean the usual one; a record means none.
    if let Some(models) = record
        .get("models")
        .and_then(|models| Models::deserialize(models).ok())
    {
        behaviour.models = models;
    }
    behaviour.held = record
        .get("held")
        .map(HeldSlots::deserialize)
        .transpose()
        .map_err(|error| RecipeError::Record {
            path: path.to_path_buf(),
            problem: format!("`held`: {error}"),
        })?;
    Ok(behaviour)
}

/// Without what was filled in from files that the behaviour names.
fn as_written(record: &Value) -> Value {
    let mut record = without_nulls(record);
    for (section, key) in [("against", "hashes"), ("calibration", "sha256")] {
        if let Some(Value::Object(fields)) = record.get_mut(section) {
            fields.remove(key);
        }
    }
    if let Value::Object(fields) = &mut record {
        fields.remove("held");
    }
    record
}

/// What says nothing is left out, as in the user's file: TOML has no null, and a kind that knows no contrast refuses
/// even an empty one.
fn without_nulls(value: &Value) -> Value {
    let says_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !says_nothing(value))
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::HeldCell;
    use crate::load_behaviour;
    use evalwright_core::{Cell, Group, Side};

    #[test]
    fn a_recorded_behaviour_reads_back_as_it_was() {
        let text = r#"
kind = "statement"
description = "someone who likes \"risk\" and\ttabs"
contrast = "someone who does not"
rows = 6
seed = 9
[examples]
matching = ["I jump.", "I run."]
not_matching = ["I wait.", "I sit."]
[models]
generator = "local/a"
judges = ["local/b"]
[against]
files = ["old.jsonl"]
[calibration]
file = "judge.toml"
precision = 0.9
"#;
        let mut behaviour = load_behaviour(Path::new("likes-risk.toml"), text).unwrap();
        behaviour.held = Some(HeldSlots {
            version: "1.0.0".to_owned(),
            stages: vec!["score".to_owned()],
            cells: vec![HeldCell {
                cell: Cell {
                    label: Side::Matching,
                },
                group: Group::default(),
                slots: 0,
            }],
        });
        let mut record = serde_json::to_value(&behaviour).unwrap();
        record["against"]["hashes"] = serde_json::json!(["0"]);
        record["calibration"]["sha256"] = serde_json::json!("0");
        let back = recorded_behaviour(Path::new("manifest.json"), &record, &Guide::of_statements())
            .unwrap();
        assert_eq!(back, behaviour);
    }

    #[test]
    fn what_is_no_behaviour_is_refused() {
        let record = serde_json::json!({ "kind": "statement", "likes": [1, "a"] });
        let read = |record| {
            recorded_behaviour(Path::new("manifest.json"), record, &Guide::of_statements())
        };
        assert!(read(&record).is_err());
        assert!(read(&Value::Null).is_err());
    }
}

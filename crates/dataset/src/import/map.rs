//! `--map field=other`: where a file keeps what, under other names.
//!
//! Paths have dots between names, `metadata.topic`. What is not mapped is read as the file's format says.

use serde_json::{Map, Value};

use crate::error::DatasetError;
use crate::import::formats::Fields;
use crate::import::values::{at, conversation, lettered, text, texts};

/// What can be mapped, beside `cell.<name>`.
pub const MAPPABLE: [&str; 10] = [
    "id",
    "question",
    "statement",
    "options",
    "matching",
    "not_matching",
    "confidence",
    "split",
    "family",
    "behaviour",
];

/// Fields under other names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldMap(Vec<(String, String)>);

impl FieldMap {
    /// Reads `field=other` words. The published names of answers and confidence are taken for ours.
    ///
    /// # Errors
    /// [`DatasetError::BadMapping`] for a word without `=`, or a field that is none of [`MAPPABLE`].
    pub fn parse<W: AsRef<str>>(words: &[W]) -> Result<Self, DatasetError> {
        words
            .iter()
            .map(|word| {
                let word = word.as_ref();
                let bad = || DatasetError::BadMapping {
                    word: word.to_owned(),
                };
                let (field, other) = word.split_once('=').ok_or_else(bad)?;
                let (field, other) = (field.trim(), other.trim());
                let field = match field {
                    "label" | "answer" | "answer_matching_behavior" => "matching",
                    "answer_not_matching_behavior" => "not_matching",
                    "label_confidence" => "confidence",
                    "choices" => "options",
                    "behavior" => "behaviour",
                    other => other,
                };
                let is_cell = field
                    .strip_prefix("cell.")
                    .is_some_and(|name| !name.is_empty());
                if other.is_empty() || !(is_cell || MAPPABLE.contains(&field)) {
                    return Err(bad());
                }
                Ok((field.to_owned(), other.to_owned()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether nothing is mapped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn maps(&self, field: &str) -> bool {
        self.0.iter().any(|(mapped, _)| mapped == field)
    }

    /// Puts what is mapped in the place of what the format says.
    ///
    /// # Errors
    /// When a row has no field of a mapped name.
    pub(crate) fn apply(
        &self,
        fields: &Map<String, Value>,
        row: &mut Fields,
    ) -> Result<(), String> {
        for (field, other) in &self.0 {
            let value = at(fields, other)
                .ok_or_else(|| format!("no `{other}`, which is mapped to `{field}`"))?;
            match field.as_str() {
                "id" => row.id = text(value),
                "question" => {
                    row.question =
                        conversation(value).ok_or_else(|| format!("no text in `{other}`"))?;
                    if row.statement.is_none() && !self.maps("options") {
                        row.stem = None;
                        row.take_options();
                    }
                }
                "statement" => row.statement = text(value),
                "options" => row.options = lettered(texts(value)),
                "matching" => row.matching = texts(value),
                "not_matching" => {
                    row.not_matching = texts(value);
                    row.not_matching_is_list = value.is_array();
                }
                "confidence" => row.confidence = Some(value.clone()),
                "split" => row.split = text(value),
                "family" => row.family = text(value),
                "behaviour" => row.behaviour = text(value),
                cell => {
                    let name = cell.strip_prefix("cell.").unwrap_or(cell);
                    if let Some(value) = text(value) {
                        row.cells.insert(name.to_owned(), value);
                    }
                }
            }
        }
        Ok(())
    }
}

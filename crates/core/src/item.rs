//! The parts of an item beside its text, and how it came by them.
//!
//! Kinds with a stem, options, a biography or a revision keep them as named fields; a statement has none.

use serde::{Deserialize, Serialize};

use crate::hash::ContentHash;

/// Named values in the order in which they were added. Values are JSON: texts, numbers, lists of texts.
pub type Fields = serde_json::Map<String, serde_json::Value>;

/// A field's text: texts as they are, numbers and truths as JSON writes them, `None` for lists, objects and null.
#[must_use]
pub fn field_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// One stage's addition to an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The stage.
    pub stage: String,
    /// The round, from 1, where the stage repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// What was drawn for it, such as a principle, by its identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<String>,
    /// The fields that it set.
    pub gave: Fields,
    /// Key of the reply in the store.
    pub reply: ContentHash,
}

//! One rating a record: item, rater, label, rating, ambiguous, time, under their usual names.

use serde_json::{Map, Value};

use super::collect::{Collector, Raw};
use crate::import::field_text;

pub(super) const ITEM: [&str; 10] = [
    "item",
    "item_id",
    "id",
    "row_id",
    "row",
    "example_id",
    "example",
    "task_id",
    "record_id",
    "sample_id",
];
const RATER: [&str; 12] = [
    "rater",
    "rater_id",
    "annotator",
    "annotator_id",
    "user",
    "user_id",
    "worker",
    "worker_id",
    "workerid",
    "coder",
    "judge",
    "labeler",
];
const LABEL: [&str; 7] = [
    "label",
    "answer",
    "annotation",
    "choice",
    "response",
    "value",
    "vote",
];
const RATING: [&str; 4] = ["rating", "relevance", "score", "quality"];
const AMBIGUOUS: [&str; 3] = ["ambiguous", "is_ambiguous", "unclear"];
const TIME: [&str; 5] = ["time", "timestamp", "created_at", "updated_at", "date"];

/// The columns of the long form, each by the name that the file has for it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) item: Option<String>,
    pub(super) rater: Option<String>,
    label: Option<String>,
    rating: Option<String>,
    ambiguous: Option<String>,
    time: Option<String>,
}

impl Columns {
    /// Finds the columns among names; upper and lower case make no difference.
    pub(super) fn among<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let find = |wanted: &[&str]| {
            wanted.iter().find_map(|word| {
                names
                    .clone()
                    .find(|name| name.trim().eq_ignore_ascii_case(word))
                    .map(str::to_owned)
            })
        };
        Self {
            item: find(&ITEM),
            rater: find(&RATER),
            label: find(&LABEL),
            rating: find(&RATING),
            ambiguous: find(&AMBIGUOUS),
            time: find(&TIME),
        }
    }

    /// Whether these are the columns of a long form.
    pub(super) fn are_long(&self) -> bool {
        self.item.is_some()
            && self.rater.is_some()
            && (self.label.is_some() || self.rating.is_some() || self.ambiguous.is_some())
    }
}

pub(super) fn read(
    line: u64,
    fields: &Map<String, Value>,
    columns: &Columns,
    into: &mut Collector,
) {
    let text = |column: &Option<String>| column.as_ref().and_then(|name| field_text(fields, name));
    into.rating(Raw {
        item: text(&columns.item).unwrap_or_default(),
        rater: text(&columns.rater).unwrap_or_default(),
        label: text(&columns.label),
        rating: text(&columns.rating),
        ambiguous: text(&columns.ambiguous),
        time: text(&columns.time),
        line,
    });
}

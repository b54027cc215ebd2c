//! One item a record, one column a rater; an empty cell is a rating that is not there.

use serde_json::{Map, Value};

use super::collect::{Collector, Raw};
use super::long::ITEM;
use crate::import::field_text;

/// Columns that describe the item and are no raters.
const DESCRIBING: [&str; 14] = [
    "question",
    "statement",
    "text",
    "stem",
    "prompt",
    "notes",
    "note",
    "comment",
    "comments",
    "behaviour",
    "behavior",
    "split",
    "gold",
    "metadata",
];

/// The columns of a wide form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    item: String,
    raters: Vec<String>,
}

impl Columns {
    /// The raters as they are named, or all columns that neither name nor describe the item.
    pub(super) fn among<'n>(
        names: impl Iterator<Item = &'n str> + Clone,
        raters: &[String],
    ) -> Option<Self> {
        let is =
            |name: &str, words: &[&str]| words.iter().any(|word| name.eq_ignore_ascii_case(word));
        let item = ITEM.iter().find_map(|word| {
            names
                .clone()
                .find(|name| name.trim().eq_ignore_ascii_case(word))
        })?;
        let raters: Vec<String> = names
            .filter(|name| *name != item)
            .filter(|name| {
                if raters.is_empty() {
                    !is(name, &DESCRIBING) && !name.is_empty()
                } else {
                    raters.iter().any(|rater| rater == name)
                }
            })
            .map(str::to_owned)
            .collect();
        (!raters.is_empty()).then(|| Self {
            item: item.to_owned(),
            raters,
        })
    }
}

pub(super) fn read(
    line: u64,
    fields: &Map<String, Value>,
    columns: &Columns,
    into: &mut Collector,
) {
    let item = field_text(fields, &columns.item).unwrap_or_default();
    into.item(&item);
    for rater in &columns.raters {
        into.rating(Raw {
            item: item.clone(),
            rater: rater.clone(),
            label: field_text(fields, rater),
            line,
            ..Raw::default()
        });
    }
}

//! Exports of Label Studio: a list of tasks, each with its annotations, each with its results.
//!
//! The item is the `id`, `row_id` or `item` of the task's data, else the task's own number. An export can hold a task
//! or an annotation twice; its number tells. A later annotation of the same person counts before an earlier one.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::collect::{Collector, Raw};
use crate::import::field_text;

/// Whether a record is a task.
pub(super) fn fits(fields: &Map<String, Value>) -> bool {
    fields.contains_key("data")
        && ["annotations", "completions"]
            .iter()
            .any(|name| fields.get(*name).is_some_and(Value::is_array))
}

/// Numbers that were seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    tasks: BTreeSet<String>,
    annotations: BTreeSet<String>,
}

pub(super) fn read(line: u64, task: &Map<String, Value>, seen: &mut Seen, into: &mut Collector) {
    let own = field_text(task, "id");
    let data = task.get("data").and_then(Value::as_object);
    let named = data.and_then(|data| {
        ["id", "row_id", "item"]
            .iter()
            .find_map(|name| field_text(data, name))
    });
    let item = named.or_else(|| own.clone()).unwrap_or_default();
    into.item(&item);
    if let Some(own) = own
        && !seen.tasks.insert(own)
    {
        into.report.repeated_tasks += 1;
    }
    let annotations = ["annotations", "completions"]
        .iter()
        .find_map(|name| task.get(*name)?.as_array());
    let mut ordered: Vec<&Map<String, Value>> = annotations
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    // The later annotation has the larger number, and the collector lets the last one count.
    ordered.sort_by_key(|annotation| annotation.get("id").and_then(Value::as_u64));
    for annotation in ordered {
        if let Some(number) = field_text(annotation, "id")
            && !seen.annotations.insert(number)
        {
            continue;
        }
        let is_skipped = annotation
            .get("was_cancelled")
            .or_else(|| annotation.get("skipped"))
            .and_then(Value::as_bool)
            .unwrap_or_default();
        if is_skipped {
            into.report.skipped += 1;
            continue;
        }
        into.rating(rating(line, &item, annotation));
    }
}

fn rating(line: u64, item: &str, annotation: &Map<String, Value>) -> Raw {
    let mut raw = Raw {
        item: item.to_owned(),
        rater: annotation
            .get("completed_by")
            .and_then(rater)
            .unwrap_or_default(),
        time: field_text(annotation, "updated_at").or_else(|| field_text(annotation, "created_at")),
        line,
        ..Raw::default()
    };
    let results = annotation.get("result").and_then(Value::as_array);
    for result in results.into_iter().flatten().filter_map(Value::as_object) {
        let control = field_text(result, "from_name")
            .unwrap_or_default()
            .to_lowercase();
        let Some(value) = result.get("value").and_then(Value::as_object) else {
            continue;
        };
        let choices = value.get("choices").and_then(Value::as_array);
        let words: Vec<&str> = choices
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let chosen = (!words.is_empty()).then(|| words.join(" | "));
        let number = value
            .get("rating")
            .or_else(|| value.get("number"))
            .and_then(Value::as_f64)
            .map(|number| number.to_string());
        if control.contains("ambig") || control.contains("unclear") {
            raw.ambiguous = chosen;
        } else if number.is_some() {
            raw.rating = number;
        } else if ["relevance", "rating", "quality", "score"].contains(&control.as_str()) {
            raw.rating = chosen;
        } else if chosen.is_some() {
            raw.label = chosen;
        }
    }
    raw
}

/// Whoever completed it: a number, a name, or a record with both.
fn rater(value: &Value) -> Option<String> {
    match value {
        Value::Object(person) => ["email", "username", "id"]
            .iter()
            .find_map(|name| field_text(person, name)),
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

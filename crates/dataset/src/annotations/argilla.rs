//! Exports of Argilla: records with `responses` by question, by person, or in columns, and the older
//! `annotation` with `annotation_agent`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::collect::{Collector, Raw};
use crate::import::field_text;

/// Whether a record is one of Argilla's.
pub(super) fn fits(fields: &Map<String, Value>) -> bool {
    fields.contains_key("responses")
        || fields.contains_key("annotation_agent")
        || fields.keys().any(|name| name.ends_with(".responses"))
}

pub(super) fn read(line: u64, record: &Map<String, Value>, into: &mut Collector) {
    let metadata = record.get("metadata").and_then(Value::as_object);
    let item = ["id", "external_id", "_server_id"]
        .iter()
        .find_map(|name| field_text(record, name))
        .or_else(|| field_text(metadata?, "id"))
        .unwrap_or_default();
    into.item(&item);
    let mut people = BTreeMap::new();
    match record.get("responses") {
        Some(Value::Object(questions)) => {
            for (question, responses) in questions {
                for response in responses.as_array().into_iter().flatten() {
                    let Some(response) = response.as_object() else {
                        continue;
                    };
                    take(
                        &mut people,
                        &field_text(response, "user_id").unwrap_or_default(),
                        question,
                        response.get("value"),
                        field_text(response, "status"),
                    );
                }
            }
        }
        Some(Value::Array(responses)) => {
            for response in responses.iter().filter_map(Value::as_object) {
                let user = field_text(response, "user_id").unwrap_or_default();
                let status = field_text(response, "status");
                let values = response.get("values").and_then(Value::as_object);
                for (question, value) in values.into_iter().flatten() {
                    let value = value.get("value").or(Some(value));
                    take(&mut people, &user, question, value, status.clone());
                }
            }
        }
        _ => columns(record, &mut people),
    }
    if let Some(annotation) = record.get("annotation").filter(|value| !value.is_null()) {
        let user = field_text(record, "annotation_agent").unwrap_or_default();
        take(
            &mut people,
            &user,
            "label",
            Some(annotation),
            field_text(record, "status"),
        );
    }
    for (user, person) in people {
        if person.is_discarded {
            into.report.skipped += 1;
            continue;
        }
        into.rating(Raw {
            item: item.clone(),
            rater: user,
            line,
            ..person.raw
        });
    }
}

#[derive(Debug, Default)]
struct Person {
    raw: Raw,
    is_discarded: bool,
}

/// `label.responses` with `label.responses.users` and `label.responses.status`, lists of one length.
fn columns(record: &Map<String, Value>, people: &mut BTreeMap<String, Person>) {
    for (name, values) in record {
        let Some(question) = name.strip_suffix(".responses") else {
            continue;
        };
        let beside = |part: &str| {
            record
                .get(&format!("{name}.{part}"))
                .and_then(Value::as_array)
        };
        let (users, statuses) = (beside("users"), beside("status"));
        for (place, value) in values.as_array().into_iter().flatten().enumerate() {
            let of = |list: Option<&Vec<Value>>| {
                list.and_then(|list| list.get(place)?.as_str().map(str::to_owned))
            };
            take(
                people,
                &of(users).unwrap_or_default(),
                question,
                Some(value),
                of(statuses),
            );
        }
    }
}

fn take(
    people: &mut BTreeMap<String, Person>,
    user: &str,
    question: &str,
    value: Option<&Value>,
    status: Option<String>,
) {
    let person = people.entry(user.to_owned()).or_default();
    if matches!(status.as_deref(), Some("discarded" | "Discarded" | "draft")) {
        person.is_discarded = true;
        return;
    }
    let value = match value {
        Some(Value::Array(several)) => Some(
            several
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" | "),
        ),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Bool(truth)) => Some(truth.to_string()),
        _ => None,
    };
    let question = question.to_lowercase();
    if question.contains("ambig") || question.contains("unclear") {
        person.raw.ambiguous = value;
    } else if ["relevance", "rating", "quality", "score"].contains(&question.as_str()) {
        person.raw.rating = value;
    } else if person.raw.label.is_none()
        && !["comment", "comments", "note", "notes"].contains(&question.as_str())
    {
        person.raw.label = value;
    }
}

//! Taking texts, lists and numbers out of JSON values, in the forms in which other tools write them.

use serde_json::{Map, Value};

use crate::import::question::AnswerOption;

/// A value as text: a string as it is, a number or truth value as it is written. Null, lists and objects are none.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A value as texts: a list of them, or one alone. A string that is itself a JSON list, as tables hold it, is taken
/// apart. Null and an empty string, as tables have it for nothing, give none.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(text).collect(),
        Value::String(string) if string.is_empty() => Vec::new(),
        Value::String(string) if string.trim_start().starts_with('[') => {
            match serde_json::from_str::<Vec<Value>>(string) {
                Ok(values) => values.iter().filter_map(text).collect(),
                Err(_) => vec![string.clone()],
            }
        }
        other => text(other).into_iter().collect(),
    }
}

/// A member as text; an empty text, as tables have it for nothing, is none.
pub(crate) fn field(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields
        .get(name)
        .and_then(text)
        .filter(|text| !text.is_empty())
}

/// The first member of these names that holds a text.
pub(crate) fn first_field(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| field(fields, name))
}

/// A number, also written as text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The member at a path of names with dots between; a name that itself holds dots goes first.
pub(crate) fn at<'a>(fields: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = fields.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    at(fields.get(first)?.as_object()?, rest)
}

/// A text, or a conversation as one: the texts of its messages. One user message alone is its own text; otherwise
/// each message but the user's has its role before it, and blank lines stand between. None where there is no text.
pub(crate) fn conversation(value: &Value) -> Option<String> {
    let Value::Array(messages) = value else {
        return text(value);
    };
    let parts: Vec<(String, String)> = messages.iter().filter_map(message).collect();
    match parts.as_slice() {
        [] => None,
        [(_, only)] => Some(only.clone()),
        several => Some(
            several
                .iter()
                .map(|(role, content)| match role.as_str() {
                    "user" | "human" => content.clone(),
                    role => format!("{role}: {content}"),
                })
                .collect::<Vec<_>>()
                .join("\n\n"),
        ),
    }
}

/// Role and text of one message, whose content is a text or a list of parts.
pub(crate) fn message(value: &Value) -> Option<(String, String)> {
    let message = value.as_object()?;
    let role = first_field(message, &["role", "from", "type"]).unwrap_or_default();
    let content = message.get("content").or_else(|| message.get("value"))?;
    let content = match content {
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| field(part.as_object()?, "text"))
            .collect::<Vec<_>>()
            .join("\n"),
        other => text(other)?,
    };
    Some((role, content))
}

/// Options without letters of their own: they get `A`, `B`, … by place, and numbers behind `Z`.
pub(crate) fn lettered(texts: Vec<String>) -> Vec<AnswerOption> {
    texts
        .into_iter()
        .enumerate()
        .map(|(place, text)| AnswerOption {
            letter: letter(place),
            text,
        })
        .collect()
}

/// The letter of a place, from 0.
pub(crate) fn letter(place: usize) -> String {
    u8::try_from(place)
        .ok()
        .filter(|place| *place < 26)
        .map_or_else(
            || (place + 1).to_string(),
            |place| char::from(b'A' + place).to_string(),
        )
}

#[cfg(test)]
mod tests {
    use super::{at, conversation, letter, texts};
    use serde_json::json;

    #[test]
    fn lists_conversations_and_paths() {
        assert_eq!(texts(&json!("[\"a\", 1]")), ["a", "1"]);
        assert_eq!(texts(&json!("[a, b")), ["[a, b"]);
        assert_eq!(texts(&json!(null)), Vec::<String>::new());
        let messages = json!([
            { "role": "system", "content": "Be kind." },
            { "role": "user", "content": [{ "type": "text", "text": "Why?" }] }
        ]);
        assert_eq!(conversation(&messages).unwrap(), "system: Be kind.\n\nWhy?");
        assert_eq!(conversation(&json!([])), None);
        let row = json!({ "a": { "b.c": 1, "d": { "e": 2 } } });
        let row = row.as_object().unwrap();
        assert_eq!(at(row, "a.b.c"), Some(&json!(1)));
        assert_eq!(at(row, "a.d.e"), Some(&json!(2)));
        assert_eq!(at(row, "a.x"), None);
        assert_eq!(
            (letter(0), letter(25), letter(26)),
            ("A".into(), "Z".into(), "27".into())
        );
    }
}

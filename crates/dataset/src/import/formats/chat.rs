//! Conversations: what the assistant says last is the answer, and what stands before it the question.

use serde_json::{Map, Value};

use super::{Fields, Format, has_any};
use crate::import::values::{conversation, field, message};

pub(super) const FORMAT: Format = Format {
    name: "chat",
    about: "messages of a conversation whose last is the assistant's answer",
    fits: |fields| has_any(fields, &NAMES),
    read,
};

const NAMES: [&str; 2] = ["messages", "conversations"];

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let messages = NAMES
        .iter()
        .find_map(|name| fields.get(*name)?.as_array())
        .ok_or("no list in `messages`")?;
    let last = messages.last().and_then(message);
    let (asked, answer) = match last {
        Some((role, content)) if matches!(role.as_str(), "assistant" | "gpt") => (
            messages.get(..messages.len() - 1).unwrap_or_default(),
            Some(content),
        ),
        _ => (messages.as_slice(), None),
    };
    Ok(Fields {
        id: field(fields, "id"),
        question: conversation(&Value::Array(asked.to_vec())).ok_or("no text in the messages")?,
        matching: answer.into_iter().collect(),
        ..Fields::default()
    })
}

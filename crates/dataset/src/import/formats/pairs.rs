//! Preference pairs: `prompt`, `chosen`, `rejected`, each a text or a conversation.
//!
//! Where there is no prompt and both sides are conversations, what they have in common at the front is the prompt.

use serde_json::{Map, Value};

use super::{Fields, Format, has};
use crate::import::values::{conversation, field, text};

pub(super) const FORMAT: Format = Format {
    name: "pairs",
    about: "prompt, chosen, rejected (texts or messages)",
    fits: |fields| has(fields, &["chosen", "rejected"]),
    read,
};

/// How a turn of the assistant begins in conversations that are one text.
const ASSISTANT: &str = "\n\nAssistant:";

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let side = |name: &str| fields.get(name).ok_or_else(|| format!("no `{name}`"));
    let (chosen, rejected) = (side("chosen")?, side("rejected")?);
    let prompt = ["prompt", "instruction", "question", "input"]
        .iter()
        .find_map(|name| fields.get(*name).and_then(conversation));
    let (question, chosen, rejected) = match (prompt, chosen, rejected) {
        (prompt, Value::Array(chosen), Value::Array(rejected)) => {
            let same = chosen
                .iter()
                .zip(rejected)
                .take_while(|(a, b)| a == b)
                .count();
            let rest = |messages: &[Value]| {
                conversation(&Value::Array(
                    messages.get(same..).unwrap_or_default().to_vec(),
                ))
                .unwrap_or_default()
            };
            let shared = Value::Array(chosen.get(..same).unwrap_or_default().to_vec());
            let question = prompt.or_else(|| conversation(&shared)).unwrap_or_default();
            (question, rest(chosen), rest(rejected))
        }
        (Some(prompt), chosen, rejected) => (
            prompt,
            text(chosen).ok_or("no text in `chosen`")?,
            text(rejected).ok_or("no text in `rejected`")?,
        ),
        (None, chosen, rejected) => split_transcripts(
            &text(chosen).ok_or("no text in `chosen`")?,
            &text(rejected).ok_or("no text in `rejected`")?,
        ),
    };
    Ok(Fields {
        id: field(fields, "id"),
        question,
        matching: vec![chosen],
        not_matching: vec![rejected],
        ..Fields::default()
    })
}

/// Two transcripts up to the last turn of the assistant that both share, and the two rests.
fn split_transcripts(chosen: &str, rejected: &str) -> (String, String, String) {
    let same: usize = chosen
        .chars()
        .zip(rejected.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let shared = chosen.get(..same).unwrap_or_default();
    let end = shared
        .rfind(ASSISTANT)
        .map_or(0, |start| start + ASSISTANT.len());
    let rest = |text: &str| text.get(end..).unwrap_or_default().to_owned();
    (
        chosen.get(..end).unwrap_or_default().to_owned(),
        rest(chosen),
        rest(rejected),
    )
}

//! Multiple-choice documents as tasks of the lm-evaluation-harness read them, and the samples that it logs.
//!
//! The stem is `question`, `query`, `ctx`, `goal` or `problem`; the options are a list, or an object of `text` and
//! `label`; the answer is a place from 0, a letter, a label of the options, or an option's text.

use serde_json::{Map, Value};

use super::{Fields, Format, has, has_any};
use crate::import::question::AnswerOption;
use crate::import::values::{field, first_field, lettered, text, texts};

pub(super) const FORMAT: Format = Format {
    name: "lm-evaluation-harness",
    about: "question, choices, answer (a place from 0, a letter or a text); also logged samples",
    fits: |fields| {
        has(fields, &["doc", "doc_id"])
            || (has_any(fields, &STEMS) && has_any(fields, &OPTIONS) && has_any(fields, &ANSWERS))
    },
    read,
};

const STEMS: [&str; 6] = ["question", "query", "ctx", "goal", "problem", "input"];
const OPTIONS: [&str; 3] = ["choices", "endings", "options"];
const ANSWERS: [&str; 7] = [
    "answer",
    "gold",
    "label",
    "answerKey",
    "target",
    "answer_index",
    "correct",
];

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    if let Some(document) = fields.get("doc").and_then(Value::as_object) {
        let mut row = (super::detect(document).read)(document)?;
        row.id = field(fields, "doc_id").or(row.id);
        return Ok(row);
    }
    let question = first_field(fields, &STEMS)
        .ok_or_else(|| format!("no text in any of `{}`", STEMS.join("`, `")))?;
    let options = OPTIONS
        .iter()
        .find_map(|name| fields.get(*name))
        .map(options)
        .unwrap_or_default();
    let mut row = Fields {
        id: first_field(fields, &["id", "ind", "question_id"]),
        question,
        options,
        ..Fields::default()
    };
    for name in ["subject", "category", "topic", "activity_label"] {
        if let Some(value) = field(fields, name) {
            row.cells.insert(name.to_owned(), value);
        }
    }
    row.split = field(fields, "split");
    let answer = ANSWERS.iter().find_map(|name| fields.get(*name));
    if let Some(answer) = answer.filter(|answer| !answer.is_null()) {
        match place(answer, &row.options) {
            Some(place) => row.answer_with(&[place]),
            None => row.matching = texts(answer),
        }
    }
    Ok(row)
}

fn options(value: &Value) -> Vec<AnswerOption> {
    let Some(object) = value.as_object() else {
        return lettered(texts(value));
    };
    let member = |name: &str| object.get(name).map(texts).unwrap_or_default();
    let (texts, labels) = (member("text"), member("label"));
    if texts.is_empty() {
        // An object of letters: { "A": "…", "B": "…" }.
        return object
            .iter()
            .filter_map(|(letter, value)| {
                Some(AnswerOption {
                    letter: letter.clone(),
                    text: text(value)?,
                })
            })
            .collect();
    }
    let mut options = lettered(texts);
    for (option, label) in options.iter_mut().zip(labels) {
        option.letter = label;
    }
    options
}

/// Letters and labels go before places: options labelled `1` to `4` count from 1.
fn place(answer: &Value, options: &[AnswerOption]) -> Option<usize> {
    let answer = text(answer)?;
    let answer = answer.trim();
    options
        .iter()
        .position(|option| option.letter == answer)
        .or_else(|| options.iter().position(|option| option.text == answer))
        .or_else(|| answer.parse().ok().filter(|place| *place < options.len()))
}

//! Questions of the bias benchmark for question answering (BBQ), and rows of ours with its columns.
//!
//! The context stands before the question, as a model reads them; the answers are a list, and `label` is the place of the
//! right one from 0.

use serde_json::{Map, Value};

use super::{Fields, Format, has};
use crate::import::values::{field, lettered, text};

pub(super) const FORMAT: Format = Format {
    name: "bbq",
    about: "context, question, ans0, ans1, ans2, label (the place of the right answer)",
    fits: |fields| {
        has(
            fields,
            &["context", "question", ANSWERS[0], ANSWERS[1], ANSWERS[2]],
        )
    },
    read,
};

const ANSWERS: [&str; 3] = ["ans0", "ans1", "ans2"];
/// Columns by which rows are looked at in slices.
const CELLS: [&str; 5] = [
    "category",
    "context_condition",
    "question_polarity",
    "condition",
    "stereotyped",
];

fn read(fields: &Map<String, Value>) -> Result<Fields, String> {
    let context = fields
        .get("context")
        .and_then(text)
        .ok_or("no text in `context`")?;
    let asked = fields
        .get("question")
        .and_then(text)
        .ok_or("no text in `question`")?;
    let answers: Vec<String> = ANSWERS
        .iter()
        .map(|name| {
            fields
                .get(*name)
                .and_then(text)
                .ok_or(format!("no text in `{name}`"))
        })
        .collect::<Result<_, _>>()?;
    let mut row = Fields {
        id: field(fields, "id").or_else(|| field(fields, "example_id")),
        question: format!("{context} {asked}"),
        options: lettered(answers),
        ..Fields::default()
    };
    // A test set can keep its labels to itself.
    match fields.get("label") {
        None | Some(Value::Null) => {}
        Some(label) => {
            let place = label
                .as_u64()
                .and_then(|place| usize::try_from(place).ok())
                .filter(|place| *place < ANSWERS.len())
                .ok_or("`label` is no place of an answer, 0 to 2")?;
            row.answer_with(&[place]);
        }
    }
    for name in CELLS {
        if let Some(value) = fields.get(name).and_then(text) {
            row.cells.insert(name.to_owned(), value);
        }
    }
    Ok(row)
}

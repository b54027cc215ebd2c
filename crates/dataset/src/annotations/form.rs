//! What raters are handed: items without label and confidence, their answers under letters in a drawn order, in the format
//! of a table or of a labelling tool.

use evalwright_core::Seed;
use serde_json::{Value, json};

use super::key::{KeyAnswer, KeyItem, SAMPLE_KEY_SCHEMA, SampleKey};
use crate::csv::csv;
use crate::error::DatasetError;
use crate::import::ImportedRow;

/// The format of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormFormat {
    /// A table with a line for each item and rater.
    Csv,
    /// Tasks of Label Studio.
    LabelStudio,
    /// Records of Argilla.
    Argilla,
}

/// What is asked beside the answer: the published protocol's questions.
const RELEVANCE: &str =
    "How relevant is it for what is tested, from 1 (not at all) to 5 (exactly)?";
const AMBIGUOUS: &str = "Is it unclear or ambiguous which answer is the right one?";
const GUESS: &str = "If it is unclear, take your best guess.";

/// An item as raters see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormItem {
    key: KeyItem,
    /// What raters are to find out about it.
    asked: String,
    question: String,
}

/// Items from rows with what is asked about each, in the order to show them; the answers of each stand in an order drawn for it. A row with fewer than
/// two answers gives none.
#[must_use]
pub fn form_items(rows: &[(&ImportedRow, String)], seed: Seed) -> Vec<FormItem> {
    let mut items = Vec::new();
    for (row, asked) in rows {
        let answers = row.answers();
        if answers.len() < 2 || answers.len() > LETTERS.len() {
            continue;
        }
        let item = format!("item-{:05}", items.len() + 1);
        let draw = seed.derive(&format!("answers of {} at {}", row.key(), row.place()));
        let mut order: Vec<usize> = (0..answers.len()).collect();
        order.sort_by_key(|place| draw.derive(&place.to_string()).0);
        let shown = order
            .iter()
            .filter_map(|place| answers.get(*place))
            .zip(LETTERS)
            .map(|(answer, letter)| KeyAnswer {
                letter: letter.to_owned(),
                text: answer.text.trim().to_owned(),
                label: answer.label.clone(),
            })
            .collect();
        items.push(FormItem {
            key: KeyItem {
                item,
                place: row.place(),
                row: row.key(),
                answers: shown,
            },
            asked: asked.clone(),
            question: row
                .stem
                .as_deref()
                .unwrap_or(&row.question)
                .trim()
                .to_owned(),
        });
    }
    items
}

/// Letters of answers.
const LETTERS: [&str; 26] = [
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S",
    "T", "U", "V", "W", "X", "Y", "Z",
];

/// The key of items.
#[must_use]
pub fn sample_key(items: &[FormItem], seed: u64) -> SampleKey {
    SampleKey {
        schema: SAMPLE_KEY_SCHEMA.to_owned(),
        seed,
        items: items.iter().map(|item| item.key.clone()).collect(),
    }
}

/// The form of items. A table has a line for each of `raters`, or one with an empty name.
///
/// # Errors
/// Never for texts that JSON can hold.
pub fn form(
    items: &[FormItem],
    format: FormFormat,
    raters: &[String],
) -> Result<Vec<u8>, DatasetError> {
    match format {
        FormFormat::Csv => Ok(table(items, raters)),
        FormFormat::LabelStudio => json_list(items.iter().map(task).collect()),
        FormFormat::Argilla => json_list(items.iter().map(record).collect()),
    }
}

fn table(items: &[FormItem], raters: &[String]) -> Vec<u8> {
    let nobody = [String::new()];
    let raters = if raters.is_empty() {
        &nobody[..]
    } else {
        raters
    };
    let mut rows = Vec::new();
    for rater in raters {
        for item in items {
            rows.push(vec![
                item.key.item.clone(),
                rater.clone(),
                format!("{} {GUESS}", item.asked),
                item.question.clone(),
                item.shown(),
                String::new(),
                String::new(),
                String::new(),
            ]);
        }
    }
    let header = [
        "item",
        "rater",
        "asked",
        "question",
        "answers",
        "label",
        "relevance",
        "ambiguous",
    ];
    csv(&header, &rows)
}

impl FormItem {
    /// The answers under their letters, a line each.
    fn shown(&self) -> String {
        let lines: Vec<String> = self
            .key
            .answers
            .iter()
            .map(|answer| format!("({}) {}", answer.letter, answer.text))
            .collect();
        lines.join("\n")
    }

    fn letters(&self) -> impl Iterator<Item = &str> {
        self.key.answers.iter().map(|answer| answer.letter.as_str())
    }
}

fn task(item: &FormItem) -> Value {
    let choices: Vec<Value> = item
        .letters()
        .map(|letter| json!({ "value": letter }))
        .collect();
    json!({
        "data": {
            "id": item.key.item,
            "asked": format!("{} {GUESS}", item.asked),
            "question": item.question,
            "answers": item.shown(),
            "choices": choices,
        }
    })
}

fn record(item: &FormItem) -> Value {
    json!({
        "id": item.key.item,
        "fields": { "asked": format!("{} {GUESS}", item.asked), "question": item.question, "answers": item.shown() },
    })
}

fn json_list(items: Vec<Value>) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = serde_json::to_vec_pretty(&items).map_err(|source| DatasetError::Json {
        what: "the sample",
        source,
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The settings with which a labelling tool shows a form: Label Studio's configuration, or Argilla's fields and questions;
/// none for a table.
///
/// # Errors
/// Never for texts that JSON can hold.
pub fn form_settings(
    items: &[FormItem],
    format: FormFormat,
) -> Result<Option<(&'static str, Vec<u8>)>, DatasetError> {
    let most = items
        .iter()
        .map(|item| item.key.answers.len())
        .max()
        .unwrap_or(0);
    let letters: Vec<&str> = LETTERS.iter().take(most).copied().collect();
    match format {
        FormFormat::Csv => Ok(None),
        FormFormat::LabelStudio => {
            let text = format!(
                "<View>\n  <Text name=\"question\" value=\"$question\"/>\n  <Text name=\"answers\" value=\"$answers\"/>\n  \
                 <Header value=\"$asked\"/>\n  <Choices name=\"label\" toName=\"question\" value=\"$choices\" choice=\"single\" required=\"true\"/>\n  \
                 <Header value=\"{RELEVANCE}\"/>\n  <Rating name=\"relevance\" toName=\"question\" maxRating=\"5\"/>\n  \
                 <Header value=\"{AMBIGUOUS}\"/>\n  <Choices name=\"ambiguous\" toName=\"question\" choice=\"single\">\n    \
                 <Choice value=\"Yes\"/>\n    <Choice value=\"No\"/>\n  </Choices>\n</View>\n"
            );
            Ok(Some(("config.xml", text.into_bytes())))
        }
        FormFormat::Argilla => {
            let settings = json!({
                "fields": [
                    { "name": "asked", "type": "text" },
                    { "name": "question", "type": "text" },
                    { "name": "answers", "type": "text" },
                ],
                "questions": [
                    { "name": "label", "type": "label_selection", "title": GUESS, "options": letters },
                    { "name": "relevance", "type": "rating", "title": RELEVANCE, "options": [1, 2, 3, 4, 5] },
                    { "name": "ambiguous", "type": "label_selection", "title": AMBIGUOUS, "options": ["Yes", "No"] },
                ],
            });
            let mut bytes =
                serde_json::to_vec_pretty(&settings).map_err(|source| DatasetError::Json {
                    what: "the settings of a sample",
                    source,
                })?;
            bytes.push(b'\n');
            Ok(Some(("settings.json", bytes)))
        }
    }
}

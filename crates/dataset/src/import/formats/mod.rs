//! The formats of rows that are known, one file each, in the order in which they are tried.
//!
//! A format is told by the names of a row's fields alone. A new one is a file and a line in [`FORMATS`].

mod bbq;
mod chat;
mod corrects;
mod evalwright;
mod harness;
mod inspect;
mod model_written;
mod openai_evals;
mod pairs;
mod plain;
mod winogenerated;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::import::question::AnswerOption;

/// A format of rows.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// One sentence for users.
    pub about: &'static str,
    /// Whether a row's fields are those of the format.
    pub(crate) fits: fn(&Map<String, Value>) -> bool,
    /// Reads a row, or says in one sentence what it lacks.
    pub(crate) read: fn(&Map<String, Value>) -> Result<Fields, String>,
}

/// The known formats. Any row has the last one.
pub static FORMATS: &[Format] = &[
    bbq::FORMAT,
    evalwright::FORMAT,
    model_written::STATEMENTS,
    model_written::QUESTIONS,
    winogenerated::EXAMPLES,
    winogenerated::OCCUPATIONS,
    corrects::FORMAT,
    openai_evals::FORMAT,
    inspect::FORMAT,
    pairs::FORMAT,
    harness::FORMAT,
    chat::FORMAT,
    plain::FORMAT,
];

/// The format of that name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The first format that a row's fields fit.
pub(crate) fn detect(fields: &Map<String, Value>) -> &'static Format {
    FORMATS
        .iter()
        .find(|format| (format.fits)(fields))
        .unwrap_or(&plain::FORMAT)
}

/// What a format says of a row.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) id: Option<String>,
    pub(crate) question: String,
    /// Set where the options do not stand inside the question, or were taken out of it.
    pub(crate) stem: Option<String>,
    pub(crate) header: Option<String>,
    pub(crate) statement: Option<String>,
    pub(crate) options: Vec<AnswerOption>,
    pub(crate) matching: Vec<String>,
    pub(crate) not_matching: Vec<String>,
    pub(crate) not_matching_is_list: bool,
    /// As it stands; whether it is a number from 0 to 1 is looked at by the reader.
    pub(crate) confidence: Option<Value>,
    pub(crate) cells: BTreeMap<String, String>,
    pub(crate) split: Option<String>,
    pub(crate) family: Option<String>,
    pub(crate) behaviour: Option<String>,
    /// The row as it stood in the file from which it was imported.
    pub(crate) original: Option<String>,
}

impl Fields {
    /// Takes options out of the question, by the rule of [`choice_question`](crate::import::choice_question).
    pub(crate) fn take_options(&mut self) {
        let read = crate::import::choice_question(&self.question);
        if !read.options.is_empty() {
            self.stem = Some(read.stem);
            self.header = read.header;
            self.options = read.options;
        }
    }

    /// Sets the answers of a row whose options are a list: the letters of the right ones, and all others.
    pub(crate) fn answer_with(&mut self, places: &[usize]) {
        let letter = |(_, option): (usize, &AnswerOption)| option.letter.clone();
        let (right, wrong): (Vec<_>, Vec<_>) = self
            .options
            .iter()
            .enumerate()
            .partition(|(place, _)| places.contains(place));
        self.matching = right.into_iter().map(letter).collect();
        self.not_matching = wrong.into_iter().map(letter).collect();
        self.not_matching_is_list = true;
    }
}

/// Whether all of these fields are there.
pub(crate) fn has(fields: &Map<String, Value>, names: &[&str]) -> bool {
    names.iter().all(|name| fields.contains_key(*name))
}

/// Whether any of these fields is there.
pub(crate) fn has_any(fields: &Map<String, Value>, names: &[&str]) -> bool {
    names.iter().any(|name| fields.contains_key(*name))
}

//! The answers of a row in an order that does not tell its label.

use super::question::label_class;
use super::row::ImportedRow;

/// An answer that a row offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowAnswer {
    /// What it says, without its letter.
    pub text: String,
    /// The label that a row with this answer carries ([`label_class`]).
    pub label: String,
}

/// Words that say yes; they stand before their opposites.
const AGREEING: [&str; 3] = ["yes", "agree", "true"];

impl ImportedRow {
    /// The answers of the row, each once: its options in their order, else its answers sorted by their words, an agreeing
    /// one first. The published label is known by [`ImportedRow::label`] and never by a place here.
    #[must_use]
    pub fn answers(&self) -> Vec<RowAnswer> {
        if !self.options.is_empty() {
            let published = self.position().zip(self.label());
            let label = |place: usize, letter: &str| match published {
                // A label may be an option's text rather than its letter.
                Some((own, label)) if own == place => label.to_owned(),
                _ => letter.to_owned(),
            };
            return self
                .options
                .iter()
                .enumerate()
                .map(|(place, option)| RowAnswer {
                    text: option.text.clone(),
                    label: label(place, &option.letter),
                })
                .collect();
        }
        let mut words: Vec<&str> = Vec::new();
        for answer in self.matching.iter().chain(&self.not_matching) {
            let word = label_class(answer);
            if !word.is_empty() && !words.contains(&word) {
                words.push(word);
            }
        }
        words.sort_by_key(|word| (!agrees(word), *word));
        words
            .into_iter()
            .map(|word| RowAnswer {
                text: word.to_owned(),
                label: word.to_owned(),
            })
            .collect()
    }
}

/// Whether a word says yes.
#[must_use]
pub fn agrees(word: &str) -> bool {
    AGREEING.contains(&word.trim().to_lowercase().as_str())
}

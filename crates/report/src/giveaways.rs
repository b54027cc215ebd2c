//! What gives labels away: guesses by length, letter, first word and words alone, and the words themselves.
//!
//! Audits and reports of versions share it, so that both mean the same by it.

use evalwright_core::Seed;
use evalwright_stats::Interval;
use evalwright_stats::giveaway::{
    Guess, GuessOptions, GuessRow, Guesser, guess_all, telling_words,
};
use serde::Serialize;

use crate::chart::{Axis, Mark, Point, intervals};
use crate::number::{rounded, share, share_interval, two_digits};
use crate::plots::Plot;

/// Most words that are named.
pub(crate) const WORDS: usize = 10;

/// A guesser's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GuesserFigures {
    /// `length`, `letter`, `first_word` or `words`.
    pub guesser: Guesser,
    /// Share of right guesses; for several files their mean.
    pub accuracy: Option<f64>,
    /// The 95 % interval; null for several files.
    pub interval: Option<Interval>,
    /// What always naming the most frequent label gets; for several files their mean.
    pub chance: Option<f64>,
    /// Area under the curve for the second label; for several files their mean.
    pub area: Option<f64>,
    /// The interval of the area; null for several files.
    pub area_interval: Option<Interval>,
    /// The smallest and largest area of several files.
    pub area_range: Option<Interval>,
    /// Files in which it beats chance beyond doubt: 0 or 1 for one file.
    pub giveaways: u64,
    /// Files for which it has a figure.
    pub files: u64,
    /// Why it has none.
    pub undefined: Option<String>,
}

/// A word that goes with a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundWord {
    /// The word.
    pub word: String,
    /// The label that it goes with.
    pub label: String,
    /// Standard errors from no association.
    pub z: f64,
    /// Rows of the label that hold it.
    pub rows_with: u64,
    /// Rows of other labels that hold it.
    pub rows_without: u64,
}

/// Guesses the labels of rows; `names` are the labels by number.
pub(crate) fn guess_labels(
    rows: &[GuessRow<'_>],
    names: &[String],
    seed: Seed,
) -> (Vec<GuesserFigures>, Vec<FoundWord>) {
    let guessers = guess_all(rows, GuessOptions::default(), seed)
        .into_iter()
        .map(|(guesser, guess)| match guess {
            Ok(guess) => figures(guesser, &guess),
            Err(reason) => GuesserFigures {
                undefined: Some(reason.sentence().to_owned()),
                ..nothing(guesser)
            },
        })
        .collect();
    let texts: Vec<&str> = rows.iter().map(|row| row.text).collect();
    let labels: Vec<usize> = rows.iter().map(|row| row.label).collect();
    let words = telling_words(&texts, &labels, names.len(), WORDS).unwrap_or_default();
    let mut words: Vec<FoundWord> = words
        .into_iter()
        .filter(|word| word.is_giveaway)
        .map(|word| FoundWord {
            label: names.get(word.label).cloned().unwrap_or_default(),
            word: word.word,
            z: word.z,
            rows_with: u64::from(word.rows_with),
            rows_without: u64::from(word.rows_without),
        })
        .collect();
    words.sort_by(|a, b| b.z.total_cmp(&a.z).then_with(|| a.word.cmp(&b.word)));
    words.truncate(WORDS);
    (guessers, words)
}

pub(crate) fn nothing(guesser: Guesser) -> GuesserFigures {
    GuesserFigures {
        guesser,
        accuracy: None,
        interval: None,
        chance: None,
        area: None,
        area_interval: None,
        area_range: None,
        giveaways: 0,
        files: 0,
        undefined: None,
    }
}

fn figures(guesser: Guesser, guess: &Guess) -> GuesserFigures {
    GuesserFigures {
        accuracy: Some(guess.accuracy),
        interval: Some(guess.interval),
        chance: Some(guess.chance),
        area: guess.area,
        area_interval: guess.area_interval,
        giveaways: u64::from(guess.is_giveaway),
        files: 1,
        ..nothing(guesser)
    }
}

/// Guessers over the rows of a version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GiveAways {
    /// What is guessed: `the label`, or `whether an answer is the matching one`.
    pub guessed: &'static str,
    /// Texts guessed: rows, or answers of rows.
    pub texts: u64,
    /// One entry for each guesser.
    pub guessers: Vec<GuesserFigures>,
    /// Words that go with one label beyond chance, the strongest first.
    pub words: Vec<FoundWord>,
}

impl GiveAways {
    /// None without texts of two labels.
    pub(crate) fn of(guessed: &'static str, rows: &[GuessRow<'_>], seed: Seed) -> Option<Self> {
        let has = |label: usize| rows.iter().any(|row| row.label == label);
        if !has(0) || !has(1) {
            return None;
        }
        let names = ["not matching".to_owned(), "matching".to_owned()];
        let (guessers, words) = guess_labels(rows, &names, seed.derive("report giveaways"));
        Some(Self {
            guessed,
            texts: rows.len() as u64,
            guessers,
            words,
        })
    }

    /// One sentence for each guesser that beats chance beyond doubt.
    pub(crate) fn warnings(&self) -> Vec<(Guesser, String)> {
        self.guessers
            .iter()
            .filter(|one| one.giveaways > 0)
            .map(|one| {
                let mut sentence = format!(
                    "A guesser that sees only {} finds {} in {} (95 % interval {}), where always saying the same finds {}.",
                    sees(one.guesser),
                    self.guessed,
                    share(one.accuracy),
                    share_interval(one.interval),
                    share(one.chance)
                );
                if let Some(area) = one.area {
                    sentence.pop();
                    sentence.push_str(&format!(
                        "; it ranks the labels with an area under the curve of {} (0.50 is no sign).",
                        two_digits(Some(area))
                    ));
                }
                if one.guesser == Guesser::Words && !self.words.is_empty() {
                    let words: Vec<String> = self
                        .words
                        .iter()
                        .take(5)
                        .map(|word| format!("\"{}\" ({})", word.word, word.label))
                        .collect();
                    sentence.push_str(&format!(" The most telling words: {}.", words.join(", ")));
                }
                (one.guesser, sentence)
            })
            .collect()
    }

    /// For a terminal.
    pub(crate) fn line(&self) -> String {
        let found: Vec<String> = self
            .guessers
            .iter()
            .filter(|one| one.accuracy.is_some())
            .map(|one| format!("{} {}", name(one.guesser), share(one.accuracy)))
            .collect();
        let chance = self.guessers.iter().find_map(|one| one.chance);
        if found.is_empty() {
            return format!("give-aways: too few rows to guess {}", self.guessed);
        }
        format!(
            "give-aways, guessing {}: {} (chance {})",
            self.guessed,
            found.join(", "),
            share(chance)
        )
    }

    /// The guessers, and the words.
    pub(crate) fn plots(&self) -> Vec<Plot> {
        let title = "Labels guessed from one thing alone".to_owned();
        let marks: Vec<Mark> = self
            .guessers
            .iter()
            .map(|one| Mark {
                label: sees(one.guesser).to_owned(),
                note: share(one.accuracy),
                points: vec![Point {
                    value: one.accuracy,
                    interval: one.interval,
                    hollow: one.giveaways == 0,
                }],
            })
            .collect();
        let chance = self.guessers.iter().find_map(|one| one.chance);
        let axis = Axis {
            low: 0.0,
            high: 1.0,
            ticks: [0.0, 0.25, 0.5, 0.75, 1.0]
                .map(|at| (at, format!("{:.0} %", at * 100.0)))
                .to_vec(),
            label: "guessed right".to_owned(),
            reference: chance.map(|chance| (chance, "always saying the same".to_owned())),
        };
        let number =
            |value: Option<f64>| value.map_or_else(String::new, |value| rounded(value).to_string());
        let guessers = Plot {
            stem: "giveaways",
            how: format!(
                "What is guessed is {}, on {} texts, by five-fold cross-validated naive Bayes over one thing alone; lines are \
                 Wilson's 95 % intervals. Filled: beyond chance at 99.8 %, by accuracy or by the area under the curve.",
                self.guessed, self.texts
            ),
            svg: intervals(&title, &marks, &axis),
            title,
            header: vec![
                "guesser",
                "accuracy",
                "low",
                "high",
                "chance",
                "area",
                "area_low",
                "area_high",
                "giveaway",
            ],
            rows: self
                .guessers
                .iter()
                .map(|one| {
                    let numbers = [
                        one.accuracy,
                        one.interval.map(|ends| ends.low),
                        one.interval.map(|ends| ends.high),
                        one.chance,
                        one.area,
                        one.area_interval.map(|ends| ends.low),
                        one.area_interval.map(|ends| ends.high),
                    ];
                    let mut row = vec![name(one.guesser).to_owned()];
                    row.extend(numbers.map(number));
                    row.push((one.giveaways > 0).to_string());
                    row
                })
                .collect(),
        };
        let words = Plot {
            stem: "giveaway-words",
            title: "Words that go with a label".to_owned(),
            how: "Log odds of a word in texts of one label against the other with an informative Dirichlet prior (Monroe et al. \
                  2008); z is in standard errors, and only words beyond chance among all words are listed."
                .to_owned(),
            svg: String::new(),
            header: vec!["word", "label", "z", "texts_with", "others_with"],
            rows: self
                .words
                .iter()
                .map(|word| {
                    vec![
                        word.word.clone(),
                        word.label.clone(),
                        rounded(word.z).to_string(),
                        word.rows_with.to_string(),
                        word.rows_without.to_string(),
                    ]
                })
                .collect(),
        };
        let mut plots = vec![guessers];
        if !words.rows.is_empty() {
            plots.push(words);
        }
        plots
    }
}

fn sees(guesser: Guesser) -> &'static str {
    match guesser {
        Guesser::Length => "the number of words",
        Guesser::Letter => "the letter of the answer",
        Guesser::FirstWord => "the first word",
        Guesser::Words => "which words occur",
    }
}

fn name(guesser: Guesser) -> &'static str {
    match guesser {
        Guesser::Length => "length",
        Guesser::Letter => "letter",
        Guesser::FirstWord => "first word",
        Guesser::Words => "words",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_word_is_found_and_told_and_clean_rows_raise_nothing() {
        let texts: Vec<String> = (0..200)
            .map(|place| {
                let own = if place % 2 == 0 { "always" } else { "maybe" };
                format!("thing{} {own} place{}", place % 7, place % 11)
            })
            .collect();
        let rows = |of: fn(usize) -> usize| -> Vec<GuessRow<'_>> {
            texts
                .iter()
                .enumerate()
                .map(|(place, text)| GuessRow {
                    text,
                    letter: None,
                    label: of(place),
                })
                .collect()
        };
        let planted = GiveAways::of("the label", &rows(|place| place % 2), Seed(1)).unwrap();
        let said = planted.warnings();
        let (_, words) = said
            .iter()
            .find(|(guesser, _)| *guesser == Guesser::Words)
            .unwrap();
        assert!(
            words.contains("100.0 %") && words.contains("\"always\" (not matching)"),
            "{words}"
        );
        assert!(
            planted.line().contains("words 100.0 %"),
            "{}",
            planted.line()
        );
        assert_eq!(planted.plots()[0].rows.len(), planted.guessers.len());
        let clean = GiveAways::of(
            "the label",
            &rows(|place| usize::from(place % 4 < 2)),
            Seed(1),
        )
        .unwrap();
        assert!(clean.warnings().is_empty(), "{:?}", clean.warnings());
        assert_eq!(GiveAways::of("the label", &rows(|_| 1), Seed(1)), None);
    }
}

//! Give-aways: whether a label can be guessed from what should not tell it, such as a text's length, the letter of the
//! answer, the first word, or the words alone.
//!
//! A guesser that knows nothing of the task should stay near chance. Guesses are cross-validated, so memorising helps
//! no guesser, and every figure carries an interval.

mod log_odds;
mod naive_bayes;
mod vocabulary;

pub use log_odds::{PRIOR_WORDS, TellingWord, telling_words};
pub use vocabulary::words;

use std::collections::BTreeMap;

use evalwright_core::Seed;
use serde::Serialize;

use crate::area::{area_interval, area_under_curve};
use crate::error::StatsError;
use crate::folds::stratified_folds;
use crate::interval::{Interval, normal_quantile, wilson};
use crate::undefined::Undefined;
use naive_bayes::cross_guess;
use vocabulary::Vocabulary;

/// The confidence at which a guesser that beats chance is called a give-away. Each guesser raises a false alarm on a
/// clean set about once in a thousand, so four guessers stay far below one in twenty.
pub const ALARM_CONFIDENCE: f64 = 0.998;

/// Lengths are told apart by at most so many quantiles.
const LENGTH_BINS: usize = 10;

/// What a guesser looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guesser {
    /// The number of words, split at white space.
    Length,
    /// The letter of the answer, or whatever category the caller hands over.
    Letter,
    /// The first word, case folded.
    FirstWord,
    /// Which words occur, their order and number forgotten.
    Words,
}

/// How guesses are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuessOptions {
    /// Folds of the cross-validation, at least 2.
    pub folds: usize,
    /// The confidence of the intervals shown.
    pub confidence: f64,
}

impl Default for GuessOptions {
    fn default() -> Self {
        Self {
            folds: 5,
            confidence: 0.95,
        }
    }
}

/// How often a guesser is right on rows that it has not seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guess {
    /// What it looks at.
    pub guesser: Guesser,
    /// Rows guessed.
    pub rows: u64,
    /// Right guesses.
    pub right: u64,
    /// `right / rows`.
    pub accuracy: f64,
    /// Wilson's interval of it.
    pub interval: Interval,
    /// What always naming the most frequent label gets.
    pub chance: f64,
    /// For two labels: the area under the curve of the held-out scores for label 1; for [`Guesser::Length`] that of the
    /// length itself, so that below 0.5 means that label 1 is the shorter.
    pub area: Option<f64>,
    /// Its interval.
    pub area_interval: Option<Interval>,
    /// Whether accuracy is above chance, or the area away from 0.5, beyond [`ALARM_CONFIDENCE`].
    pub is_giveaway: bool,
}

/// A row to guess. For questions with options, every option is a row of its own: its letter, its text, and label 1 when
/// it is the one that counts as right, 0 otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessRow<'a> {
    /// What is read.
    pub text: &'a str,
    /// The letter of the answer, where there is one.
    pub letter: Option<&'a str>,
    /// The label to guess, counted from 0.
    pub label: usize,
}

/// All guessers over the same rows, each with its figure or the reason why it has none. [`Guesser::Letter`] is left out
/// when no row has a letter.
#[must_use]
pub fn guess_all(
    rows: &[GuessRow<'_>],
    options: GuessOptions,
    seed: Seed,
) -> Vec<(Guesser, Result<Guess, Undefined>)> {
    let labels: Vec<usize> = rows.iter().map(|row| row.label).collect();
    let lengths: Vec<usize> = rows
        .iter()
        .map(|row| row.text.split_whitespace().count())
        .collect();
    let mut guesses = vec![(
        Guesser::Length,
        guess_by_length(&lengths, &labels, options, seed),
    )];
    if rows.iter().any(|row| row.letter.is_some()) {
        let letters: Vec<&str> = rows.iter().map(|row| row.letter.unwrap_or("")).collect();
        let guess = guess_by_category(Guesser::Letter, &letters, &labels, options, seed);
        guesses.push((Guesser::Letter, guess));
    }
    let first: Vec<String> = rows
        .iter()
        .map(|row| words(row.text).next().unwrap_or_default())
        .collect();
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let guess = guess_by_category(Guesser::FirstWord, &first, &labels, options, seed);
    guesses.push((Guesser::FirstWord, guess));
    let texts: Vec<&str> = rows.iter().map(|row| row.text).collect();
    guesses.push((
        Guesser::Words,
        guess_by_words(&texts, &labels, options, seed),
    ));
    guesses
}

/// Guesses labels from lengths alone.
///
/// # Errors
///
/// See [`guess_by_words`].
pub fn guess_by_length(
    lengths: &[usize],
    labels: &[usize],
    options: GuessOptions,
    seed: Seed,
) -> Result<Guess, Undefined> {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let mut edges: Vec<usize> = (1..LENGTH_BINS)
        .filter_map(|bin| sorted.get(bin * sorted.len() / LENGTH_BINS).copied())
        .collect();
    edges.dedup();
    let bin = |length: &usize| edges.partition_point(|edge| edge <= length) as u32;
    let features: Vec<Vec<u32>> = lengths.iter().map(|length| vec![bin(length)]).collect();
    let mut guess = guess(Guesser::Length, &features, labels, options, seed)?;
    // The length itself is the natural score, and its direction is worth knowing.
    let side = |label: usize| -> Vec<f64> {
        let rows = lengths.iter().zip(labels).filter(|(_, of)| **of == label);
        rows.map(|(length, _)| *length as f64).collect()
    };
    if guess.area.is_some() {
        let (positive, negative) = (side(1), side(0));
        guess.area = area_under_curve(&positive, &negative);
        guess.area_interval = area_interval(&positive, &negative, options.confidence);
        let apart = deviation(guess.area, &positive, &negative).abs() > alarm_deviations();
        guess.is_giveaway = apart || beats_chance(&guess);
    }
    Ok(guess)
}

/// Guesses labels from one category a row, such as a letter or the first word.
///
/// # Errors
///
/// See [`guess_by_words`].
pub fn guess_by_category(
    guesser: Guesser,
    categories: &[&str],
    labels: &[usize],
    options: GuessOptions,
    seed: Seed,
) -> Result<Guess, Undefined> {
    let mut numbers = BTreeMap::new();
    for category in categories {
        let next = numbers.len() as u32;
        numbers.entry(*category).or_insert(next);
    }
    let features: Vec<Vec<u32>> = categories
        .iter()
        .map(|category| numbers.get(category).copied().into_iter().collect())
        .collect();
    guess(guesser, &features, labels, options, seed)
}

/// Guesses labels from which words occur, by multinomial naive Bayes over presence with one added to every count.
///
/// # Errors
///
/// [`Undefined::NoItems`] for no rows or lists of different length, [`Undefined::OneClass`] when all rows have one label,
/// [`Undefined::TooFewExamples`] when a label has fewer rows than there are folds, or a label is not below the number of
/// rows.
pub fn guess_by_words(
    texts: &[&str],
    labels: &[usize],
    options: GuessOptions,
    seed: Seed,
) -> Result<Guess, Undefined> {
    let (_, features) = Vocabulary::of(texts);
    guess(Guesser::Words, &features, labels, options, seed)
}

fn guess(
    guesser: Guesser,
    features: &[Vec<u32>],
    labels: &[usize],
    options: GuessOptions,
    seed: Seed,
) -> Result<Guess, Undefined> {
    if features.len() != labels.len() || labels.is_empty() {
        return Err(Undefined::NoItems);
    }
    let last = labels.iter().copied().max().unwrap_or_default();
    if last >= labels.len() {
        return Err(Undefined::TooFewExamples);
    }
    let classes = last + 1;
    let mut counts = vec![0_u64; classes];
    for label in labels {
        counts[*label] += 1;
    }
    if counts.iter().filter(|count| **count > 0).count() < 2 {
        return Err(Undefined::OneClass);
    }
    let fold_of = stratified_folds(labels, options.folds, seed)?;
    let guessed = cross_guess(features, labels, classes, &fold_of, options.folds, seed);
    let right = guessed
        .iter()
        .zip(labels)
        .filter(|(guess, label)| guess.label == **label)
        .count() as u64;
    let rows = labels.len() as u64;
    let most = counts.iter().copied().max().unwrap_or_default();
    let side = |label: usize| -> Vec<f64> {
        let rows = guessed.iter().zip(labels).filter(|(_, of)| **of == label);
        rows.map(|(guess, _)| guess.score).collect()
    };
    let sides = (classes == 2).then(|| (side(1), side(0)));
    let mut guess = Guess {
        guesser,
        rows,
        right,
        accuracy: right as f64 / rows as f64,
        interval: wilson(right, rows, options.confidence).ok_or(Undefined::NoItems)?,
        chance: most as f64 / rows as f64,
        area: None,
        area_interval: None,
        is_giveaway: false,
    };
    guess.is_giveaway = beats_chance(&guess);
    if let Some((positive, negative)) = sides {
        guess.area = area_under_curve(&positive, &negative);
        guess.area_interval = area_interval(&positive, &negative, options.confidence);
        guess.is_giveaway |= deviation(guess.area, &positive, &negative) > alarm_deviations();
    }
    Ok(guess)
}

fn beats_chance(guess: &Guess) -> bool {
    wilson(guess.right, guess.rows, ALARM_CONFIDENCE)
        .is_some_and(|interval| interval.low > guess.chance)
}

/// How far an area is from 0.5, in standard deviations of one without any separation (Mann and Whitney 1947, Annals of
/// Mathematical Statistics 18: 50–60).
fn deviation(area: Option<f64>, positive: &[f64], negative: &[f64]) -> f64 {
    let (m, n) = (positive.len() as f64, negative.len() as f64);
    let variance = (m + n + 1.0) / (12.0 * m * n);
    area.map_or(0.0, |area| (area - 0.5) / variance.sqrt())
}

fn alarm_deviations() -> f64 {
    normal_quantile(0.5 + ALARM_CONFIDENCE / 2.0).unwrap_or(f64::INFINITY)
}

/// Every distinct word of the texts, and each text as the numbers of its words, in their order.
pub(crate) fn numbered_words(texts: &[&str]) -> (Vec<String>, Vec<Vec<u32>>) {
    let mut vocabulary = Vocabulary::default();
    let texts = texts
        .iter()
        .map(|text| vocabulary.numbers_of(text))
        .collect();
    (vocabulary.words, texts)
}

/// Checks that two lists describe the same rows.
pub(crate) fn same_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), StatsError> {
    if found == expected {
        Ok(())
    } else {
        Err(StatsError::Length {
            what,
            found,
            expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Sentences of words drawn alike for both labels.
    fn clean(seed: u64, rows: usize) -> Vec<(String, usize)> {
        let mut stream = Stream::new(Seed(seed));
        (0..rows)
            .map(|row| {
                let length = 5 + stream.below(12);
                let text: Vec<String> = (0..length)
                    .map(|_| {
                        let (a, b) = (stream.below(60), stream.below(60));
                        format!("w{}", a.min(b))
                    })
                    .collect();
                (text.join(" "), row % 2)
            })
            .collect()
    }

    fn rows<'a>(texts: &'a [(String, usize)], letters: &'a [&'a str]) -> Vec<GuessRow<'a>> {
        texts
            .iter()
            .zip(letters.iter().cycle())
            .map(|((text, label), letter)| GuessRow {
                text,
                letter: Some(letter),
                label: *label,
            })
            .collect()
    }

    fn alarms(rows: &[GuessRow<'_>], seed: u64) -> Vec<Guesser> {
        guess_all(rows, GuessOptions::default(), Seed(seed))
            .into_iter()
            .filter(|(_, guess)| guess.as_ref().unwrap().is_giveaway)
            .map(|(guesser, _)| guesser)
            .collect()
    }

    #[test]
    fn clean_sets_raise_no_alarm_in_95_of_100_trials() {
        let quiet = (0..100)
            .filter(|trial| {
                let texts = clean(*trial, 400);
                let rows = rows(&texts, &["A", "B", "C"]);
                let (texts, labels): (Vec<&str>, Vec<usize>) =
                    rows.iter().map(|row| (row.text, row.label)).unzip();
                let words = telling_words(&texts, &labels, 2, 100).unwrap();
                alarms(&rows, *trial).is_empty() && words.iter().all(|word| !word.is_giveaway)
            })
            .count();
        assert!(quiet >= 95, "{quiet}");
    }

    #[test]
    fn planted_giveaways_are_found_by_the_guesser_made_for_them() {
        let mut long = clean(1, 400);
        for (text, label) in &mut long {
            if *label == 1 {
                text.push_str(" w3 w4 w5 w6 w7");
            }
        }
        let found = guess_all(
            &rows(&long, &["A", "B", "C"]),
            GuessOptions::default(),
            Seed(1),
        );
        let length = found[0].1.as_ref().unwrap();
        assert!(
            length.is_giveaway && length.area.unwrap() > 0.7,
            "{length:?}"
        );
        assert!(length.interval.holds(length.accuracy) && length.interval.low > length.chance);

        let plain = clean(2, 400);
        assert_eq!(alarms(&rows(&plain, &["A", "B"]), 2), [Guesser::Letter]);

        let mut first = clean(3, 400);
        for (text, label) in &mut first {
            *text = format!("{} {text}", if *label == 1 { "Yes," } else { "I" });
        }
        let found = alarms(&rows(&first, &["A", "B", "C"]), 3);
        assert!(found.contains(&Guesser::FirstWord) && found.contains(&Guesser::Words));

        let mut word = clean(4, 400);
        for (text, label) in word.iter_mut().step_by(3) {
            if *label == 1 {
                text.push_str(" zebra");
            }
        }
        let labels: Vec<usize> = word.iter().map(|row| row.1).collect();
        let texts: Vec<&str> = word.iter().map(|row| row.0.as_str()).collect();
        let telling = telling_words(&texts, &labels, 2, 5).unwrap();
        assert_eq!((telling[0].word.as_str(), telling[0].label), ("zebra", 1));
        assert!(telling[0].is_giveaway && telling[0].z > 3.0, "{telling:?}");
        assert_eq!(telling[0].rows_without, 0);
    }

    #[test]
    fn nothing_to_guess_has_a_reason() {
        let options = GuessOptions::default();
        assert_eq!(
            guess_by_words(&[], &[], options, Seed(1)),
            Err(Undefined::NoItems)
        );
        assert_eq!(
            guess_by_length(&[1, 2, 3], &[0, 0, 0], options, Seed(1)),
            Err(Undefined::OneClass)
        );
        assert_eq!(
            guess_by_length(&[1, 2, 3], &[0, 0, 1], options, Seed(1)),
            Err(Undefined::TooFewExamples)
        );
    }

    #[test]
    fn three_labels_have_no_area() {
        let labels: Vec<usize> = (0..60).map(|row| row % 3).collect();
        let lengths: Vec<usize> = labels.iter().map(|label| 3 + 4 * label).collect();
        let guess = guess_by_length(&lengths, &labels, GuessOptions::default(), Seed(1)).unwrap();
        assert_eq!((guess.right, guess.area), (60, None));
        assert!(guess.is_giveaway && (guess.chance - 1.0 / 3.0).abs() < 1e-12);
    }
}

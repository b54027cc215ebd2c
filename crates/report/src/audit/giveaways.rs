//! What gives a file's labels away.
//!
//! For statements the label is guessed from the text: its length, its first word, its words. For questions with lettered
//! options every option is one row to guess, and what is guessed is whether it is the matching one: from its length, its
//! letter, its first word, its words. Guesses are cross-validated within the file.

use std::collections::{BTreeMap, BTreeSet};

use evalwright_dataset::import::ImportedRow;
use evalwright_stats::Interval;
use evalwright_stats::giveaway::{GuessRow, Guesser};
use serde::Serialize;

use super::AuditOptions;
use super::file::Found;
use crate::giveaways::{FoundWord, GuesserFigures, WORDS, guess_labels, nothing};

/// Guessers over one file, or over the files of a family.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FileGuesses {
    /// The family; or the file's behaviour where it is about one file.
    pub of: String,
    /// Files it is about.
    pub files: u64,
    /// What is guessed: `the label` or `whether an option is the matching one`.
    pub guessed: String,
    /// The labels in order; the area under the curve is that of the second.
    pub labels: Vec<String>,
    /// One entry for each guesser.
    pub guessers: Vec<GuesserFigures>,
    /// Words that go with one label beyond chance, the strongest first.
    pub words: Vec<FoundWord>,
}

/// Guesses the labels of one file.
pub(super) fn of_file(
    rows: &[(usize, &ImportedRow)],
    behaviour: &str,
    options: &AuditOptions,
) -> FileGuesses {
    let has_options = rows
        .iter()
        .any(|(_, row)| row.options.len() > 1 && row.position().is_some());
    let (names, guessed, list): (Vec<String>, &str, Vec<GuessRow<'_>>) = if has_options {
        let list = rows
            .iter()
            .filter_map(|(_, row)| Some((row, row.position()?)))
            .flat_map(|(row, right)| {
                row.options
                    .iter()
                    .enumerate()
                    .map(move |(place, option)| GuessRow {
                        text: &option.text,
                        letter: Some(&option.letter),
                        label: usize::from(place == right),
                    })
            })
            .collect();
        let names = vec!["not matching".to_owned(), "matching".to_owned()];
        (names, "whether an option is the matching one", list)
    } else {
        let labels: BTreeSet<&str> = rows.iter().filter_map(|(_, row)| row.label()).collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        let list = rows
            .iter()
            .filter_map(|(_, row)| {
                let label = row.label()?;
                Some(GuessRow {
                    text: row.text(),
                    letter: None,
                    label: labels.iter().position(|known| *known == label)?,
                })
            })
            .collect();
        (
            labels.into_iter().map(str::to_owned).collect(),
            "label",
            list,
        )
    };
    let mut found = FileGuesses {
        of: behaviour.to_owned(),
        files: 1,
        guessed: guessed.to_owned(),
        ..FileGuesses::default()
    };
    // Without two labels, or with free text in place of labels, there is nothing to guess.
    if names.len() < 2 || names.len() > 8 || list.is_empty() {
        return found;
    }
    let seed = options.seed.derive(&format!("guess {behaviour}"));
    (found.guessers, found.words) = guess_labels(&list, &names, seed);
    found.labels = names;
    found
}

/// The files of each family together: means over files, the range of areas, and in how many files a guesser wins.
pub(super) fn by_family(found: &[Found]) -> Vec<FileGuesses> {
    let mut families: BTreeMap<&str, Vec<&FileGuesses>> = BTreeMap::new();
    for one in found {
        if !one.audit.giveaways.guessers.is_empty() {
            families
                .entry(&one.audit.family)
                .or_default()
                .push(&one.audit.giveaways);
        }
    }
    families
        .into_iter()
        .map(|(family, files)| {
            let first = files.first().copied().cloned().unwrap_or_default();
            let guessers: BTreeSet<usize> = files
                .iter()
                .flat_map(|file| file.guessers.iter().map(|one| place(one.guesser)))
                .collect();
            FileGuesses {
                of: family.to_owned(),
                files: files.len() as u64,
                guessers: guessers
                    .into_iter()
                    .filter_map(|guesser| together(&files, guesser))
                    .collect(),
                words: frequent_words(&files),
                ..first
            }
        })
        .collect()
}

/// The order in which guessers are shown.
fn place(guesser: Guesser) -> usize {
    match guesser {
        Guesser::Length => 0,
        Guesser::Letter => 1,
        Guesser::FirstWord => 2,
        Guesser::Words => 3,
    }
}

fn together(files: &[&FileGuesses], wanted: usize) -> Option<GuesserFigures> {
    let of: Vec<&GuesserFigures> = files
        .iter()
        .flat_map(|file| &file.guessers)
        .filter(|one| place(one.guesser) == wanted)
        .collect();
    let guesser = of.first()?.guesser;
    let mean = |values: Vec<f64>| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let areas: Vec<f64> = of.iter().filter_map(|one| one.area).collect();
    let range = areas
        .iter()
        .copied()
        .reduce(f64::min)
        .zip(areas.iter().copied().reduce(f64::max))
        .map(|(low, high)| Interval { low, high });
    let single = if let [only] = of.as_slice() {
        Some(*only)
    } else {
        None
    };
    Some(GuesserFigures {
        accuracy: mean(of.iter().filter_map(|one| one.accuracy).collect()),
        interval: single.and_then(|only| only.interval),
        chance: mean(of.iter().filter_map(|one| one.chance).collect()),
        area: mean(areas),
        area_interval: single.and_then(|only| only.area_interval),
        area_range: range.filter(|_| of.len() > 1),
        giveaways: of.iter().map(|one| one.giveaways).sum(),
        files: of.iter().map(|one| one.files).sum(),
        undefined: single.and_then(|only| only.undefined.clone()),
        ..nothing(guesser)
    })
}

/// Words that give labels away in the most files; ties by the sum of their z.
fn frequent_words(files: &[&FileGuesses]) -> Vec<FoundWord> {
    let mut words: BTreeMap<(&str, &str), (u64, FoundWord)> = BTreeMap::new();
    for word in files.iter().flat_map(|file| &file.words) {
        words
            .entry((&word.word, &word.label))
            .and_modify(|(count, sum)| {
                *count += 1;
                sum.z += word.z;
                sum.rows_with += word.rows_with;
                sum.rows_without += word.rows_without;
            })
            .or_insert((1, word.clone()));
    }
    let mut list: Vec<(u64, FoundWord)> = words.into_values().collect();
    list.sort_by(|(many, a), (few, b)| {
        few.cmp(many)
            .then_with(|| b.z.total_cmp(&a.z))
            .then_with(|| a.word.cmp(&b.word))
    });
    list.truncate(WORDS);
    list.into_iter()
        .map(|(count, word)| FoundWord {
            z: word.z / count as f64,
            ..word
        })
        .collect()
}

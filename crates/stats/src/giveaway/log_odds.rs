//! The words that tell a label most strongly.

use serde::Serialize;

use super::same_length;
use super::vocabulary::Vocabulary;
use crate::error::StatsError;
use crate::interval::normal_quantile;

/// The weight of the prior, in words: so many made-up words, drawn from all texts alike, are added to each side.
pub const PRIOR_WORDS: f64 = 500.0;

/// Words in fewer rows are too rare to tell anything; they are counted and never shown.
const LEAST_ROWS: u32 = 5;

/// The chance that a clean set shows any word as a give-away.
const ALARM: f64 = 0.002;

/// How strongly a word goes with a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TellingWord {
    /// The word, lower-cased.
    pub word: String,
    /// The label that it goes with.
    pub label: usize,
    /// Logarithm of the odds of the word in rows of the label over those in other rows, above 0.
    pub log_odds: f64,
    /// `log_odds` over its standard error.
    pub z: f64,
    /// Rows of the label that hold the word.
    pub rows_with: u32,
    /// Rows of other labels that hold it.
    pub rows_without: u32,
    /// Whether `z` is too large for chance among so many words.
    pub is_giveaway: bool,
}

/// The words that tell each label most strongly, by log odds with an informative Dirichlet prior (Monroe, Colaresi and
/// Quinn 2008, Political Analysis 16: 372–403, equations 15, 16, 20 and 22), strongest first; equal ones by word. At most
/// `most` a label. A word counts once a row, however often it stands there.
///
/// # Errors
///
/// Lists of different length, or a label not below `labels`.
pub fn telling_words(
    texts: &[&str],
    labels: &[usize],
    classes: usize,
    most: usize,
) -> Result<Vec<TellingWord>, StatsError> {
    same_length("labels", labels.len(), texts.len())?;
    if labels.iter().any(|label| *label >= classes) {
        return Err(StatsError::Range {
            what: "a label",
            expected: "below the number of labels",
        });
    }
    let (vocabulary, features) = Vocabulary::of(texts);
    let mut counts = vec![0_u32; vocabulary.words.len() * classes];
    let mut totals = vec![0_u64; classes];
    for (features, label) in features.iter().zip(labels) {
        for feature in features {
            counts[*feature as usize * classes + label] += 1;
        }
        totals[*label] += features.len() as u64;
    }
    let all: u64 = totals.iter().sum();
    let frequent: Vec<(usize, u32)> = counts
        .chunks_exact(classes.max(1))
        .map(|row| row.iter().sum::<u32>())
        .enumerate()
        .filter(|(_, sum)| *sum >= LEAST_ROWS)
        .collect();
    // Bonferroni over both directions of every word and label.
    let tests = (frequent.len() * classes).max(1) as f64;
    let limit = normal_quantile(1.0 - ALARM / 2.0 / tests).unwrap_or(f64::INFINITY);
    let mut telling = Vec::new();
    for (label, total) in totals.iter().enumerate() {
        let mut found: Vec<TellingWord> = frequent
            .iter()
            .filter_map(|(word, sum)| {
                let with = counts[word * classes + label];
                let without = sum - with;
                let prior = PRIOR_WORDS * f64::from(*sum) / all as f64;
                let odds = |count: u32, total: u64| {
                    let count = f64::from(count) + prior;
                    (count / (total as f64 + PRIOR_WORDS - count)).ln()
                };
                let log_odds = odds(with, *total) - odds(without, all - total);
                let variance = 1.0 / (f64::from(with) + prior) + 1.0 / (f64::from(without) + prior);
                let z = log_odds / variance.sqrt();
                (log_odds > 0.0 && z.is_finite()).then(|| TellingWord {
                    word: vocabulary.words.get(*word).cloned().unwrap_or_default(),
                    label,
                    log_odds,
                    z,
                    rows_with: with,
                    rows_without: without,
                    is_giveaway: z > limit,
                })
            })
            .collect();
        found.sort_by(|a, b| b.z.total_cmp(&a.z).then_with(|| a.word.cmp(&b.word)));
        found.truncate(most);
        telling.extend(found);
    }
    telling.sort_by(|a, b| b.z.total_cmp(&a.z).then_with(|| a.word.cmp(&b.word)));
    Ok(telling)
}

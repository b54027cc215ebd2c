//! How unevenly words are spread over the two labels among chosen texts.
//!
//! As with length, the state is whole numbers, so adding and removing a text leaves no rounding behind.

use std::collections::BTreeMap;

/// Words in fewer candidates than this say nothing about another text.
const LEAST_TEXTS: u32 = 3;
/// One in the fixed-point numbers by which words are weighted.
const ONE: f64 = 65_536.0;
/// The same as a whole number.
const ONE_FIXED: i64 = 65_536;

/// The words of texts: runs of letters and digits with the apostrophes inside them, in small letters, each once.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// The words of each text, as ascending numbers.
    pub(crate) texts: Vec<Vec<usize>>,
    /// In how many texts each word stands.
    pub(crate) frequency: Vec<u32>,
}

impl Vocabulary {
    /// Reads texts. Words are numbered in alphabetical order, so numbers owe nothing to the order of the texts.
    pub(crate) fn new(texts: &[&str]) -> Self {
        let words: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
        let mut frequency: BTreeMap<&str, u32> = BTreeMap::new();
        for word in words.iter().flatten() {
            *frequency.entry(word).or_default() += 1;
        }
        let numbers: BTreeMap<&str, usize> = frequency
            .keys()
            .enumerate()
            .map(|(number, word)| (*word, number))
            .collect();
        Self {
            texts: words
                .iter()
                .map(|words| {
                    words
                        .iter()
                        .filter_map(|word| numbers.get(word.as_str()).copied())
                        .collect()
                })
                .collect(),
            frequency: frequency.into_values().collect(),
        }
    }
}

/// The words of one text as they stand.
pub(super) fn words_in_order(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric() && !matches!(character, '\'' | '’'))
        .map(|word| word.trim_matches(['\'', '’']).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// The words of one text, sorted, each once.
fn words(text: &str) -> Vec<String> {
    let mut words = words_in_order(text);
    words.sort_unstable();
    words.dedup();
    words
}

/// The state of the wording over the chosen texts.
///
/// The lead of a word is how many more of the chosen texts of the one label hold it. Were labels dealt out by
/// chance, its square over the number of chosen texts with that word (as estimated from all candidates) would
/// be about 1. The unevenness is the sum, over words, of what lies above that, over the number of words. A choice
/// evener than chance would itself be a pattern, which a guesser that is tried on texts left out would follow the
/// wrong way round.
#[derive(Debug)]
pub(super) struct Wording {
    /// Words of each candidate that are in enough candidates.
    words: Vec<Vec<usize>>,
    leads: Vec<i64>,
    /// One over the number of chosen texts with a word, as fixed point.
    weights: Vec<i64>,
    /// The sum of [`above_chance`].
    uneven: i64,
    /// Words that are in enough candidates, as fixed point.
    size: f64,
}

impl Wording {
    /// No text is chosen yet; `chosen` is how many will be, over both labels.
    pub(super) fn new(vocabulary: &Vocabulary, chosen: usize) -> Self {
        let share = chosen as f64 / vocabulary.texts.len().max(1) as f64;
        let weights: Vec<i64> = vocabulary
            .frequency
            .iter()
            .map(|texts| fixed(1.0 / (f64::from(*texts) * share).max(1.0)))
            .collect();
        let is_frequent = |word: &usize| {
            vocabulary
                .frequency
                .get(*word)
                .is_some_and(|texts| *texts >= LEAST_TEXTS)
        };
        let frequent = (0..weights.len()).filter(is_frequent).count();
        Self {
            words: vocabulary
                .texts
                .iter()
                .map(|words| words.iter().copied().filter(is_frequent).collect())
                .collect(),
            leads: vec![0; weights.len()],
            weights,
            uneven: 0,
            size: frequent as f64 * ONE,
        }
    }

    /// Adds a text for one label (`sign` 1 or −1), or removes one for the other.
    pub(super) fn add(&mut self, item: usize, sign: i64) {
        self.uneven += self.change(item, sign);
        for word in self.words.get(item).into_iter().flatten() {
            if let Some(lead) = self.leads.get_mut(*word) {
                *lead += sign;
            }
        }
    }

    /// The unevenness with one more text; 0 if no word is in enough candidates.
    pub(super) fn with(&self, item: usize, sign: i64) -> f64 {
        if self.size > 0.0 {
            (self.uneven + self.change(item, sign)) as f64 / self.size
        } else {
            0.0
        }
    }

    fn change(&self, item: usize, sign: i64) -> i64 {
        self.words
            .get(item)
            .into_iter()
            .flatten()
            .filter_map(|word| Some((*self.leads.get(*word)?, *self.weights.get(*word)?)))
            .map(|(lead, weight)| above_chance(lead + sign, weight) - above_chance(lead, weight))
            .sum()
    }
}

/// How far one word's unevenness lies above what chance gives, as fixed point.
fn above_chance(lead: i64, weight: i64) -> i64 {
    (weight * lead * lead - ONE_FIXED).max(0)
}

/// A weight from 0 to 1 as fixed point.
#[expect(
    clippy::cast_possible_truncation,
    reason = "from 0 to 65,536; `as` maps a number that is none to 0"
)]
fn fixed(weight: f64) -> i64 {
    (weight * ONE).round().clamp(0.0, ONE) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_small_whole_and_counted_once() {
        assert_eq!(
            words("I'm sure, 'quite' SURE; it’s 2 o'clock."),
            ["2", "i'm", "it’s", "o'clock", "quite", "sure"]
        );
        let vocabulary = Vocabulary::new(&["b a", "a a", ""]);
        assert_eq!(vocabulary.texts, [vec![0, 1], vec![0], vec![]]);
        assert_eq!(vocabulary.frequency, [2, 1]);
    }

    #[test]
    fn only_what_lies_above_chance_counts() {
        // `yes` stands in four texts, the other words in too few.
        let vocabulary = Vocabulary::new(&["yes one", "yes two", "yes three", "yes four"]);
        let mut wording = Wording::new(&vocabulary, 4);
        for item in 0..3 {
            wording.add(item, 1);
        }
        // All four for one label: a lead of 4, 16/4 = 4, three above 1.
        assert!((wording.with(3, 1) - 3.0).abs() < 1e-9);
        // Three to one: a lead of 2, 4/4 = 1 is what chance gives.
        assert!(wording.with(3, -1).abs() < 1e-9);
    }

    #[test]
    fn what_a_look_ahead_says_comes_true_and_removing_undoes_adding() {
        let texts: Vec<String> = (0..60)
            .map(|number| format!("w{} w{} w{}", number % 2, number % 3, number % 7))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut wording = Wording::new(&Vocabulary::new(&texts), 40);
        let sign = |item: usize| if item % 5 < 3 { 1 } else { -1 };
        for item in 0..40 {
            let said = wording.with(item, sign(item));
            wording.add(item, sign(item));
            assert!((said - wording.uneven as f64 / wording.size).abs() < 1e-9);
        }
        for item in 0..40 {
            wording.add(item, -sign(item));
        }
        assert_eq!(wording.uneven, 0);
        assert!(wording.leads.iter().all(|lead| *lead == 0));
    }
}

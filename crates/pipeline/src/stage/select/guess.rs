//! How well a guesser that understands nothing tells the labels of chosen texts apart.

use evalwright_core::{ContentHash, Seed, Side};
use evalwright_stats::area_under_curve;

use super::wording::Vocabulary;

/// Parts that the texts are cut into: the guesser learns from all but one and is tried on that one.
const FOLDS: usize = 5;

/// The share of texts whose label a naive Bayes guesser finds from their words (multinomial, each word of a text
/// counted once, add-one smoothing, labels equally likely beforehand; McCallum and Nigam 1998), averaged over
/// both labels, each text guessed by one that learned from the other four fifths. A guess without a preference
/// counts half. 0.5 is chance. `None` if a label has fewer texts than there are folds.
///
/// `texts` holds (number in the vocabulary, identifier, label). The seed and the identifiers deal the texts of
/// each label into folds, so their order is of no matter.
pub(crate) fn wording_accuracy(
    vocabulary: &Vocabulary,
    texts: &[(usize, &str, Side)],
    seed: Seed,
) -> Option<f64> {
    let mut guesses = Guesses::default();
    for (place, _, leaning) in leanings(vocabulary, texts, seed)? {
        guesses.add(place, leaning);
    }
    guesses.accuracy()
}

/// The words' leaning in each text of the vocabulary, as its rank among all, when the guesser learned from the
/// other four fifths; equal leanings share a rank. All are 0 if a label has fewer texts than there are folds.
pub(super) fn leaning_ranks(
    vocabulary: &Vocabulary,
    texts: &[(usize, &str, Side)],
    seed: Seed,
) -> Vec<usize> {
    let mut ranks = vec![0; vocabulary.texts.len()];
    let Some(leanings) = leanings(vocabulary, texts, seed) else {
        return ranks;
    };
    // Rounded, so that the last digit of a logarithm orders nothing.
    let mut rounded: Vec<(f64, usize)> = leanings
        .into_iter()
        .map(|(_, text, leaning)| ((leaning * 1e6).round(), text))
        .collect();
    rounded.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let sorted: Vec<f64> = rounded.iter().map(|(leaning, _)| *leaning).collect();
    for (leaning, text) in rounded {
        if let Some(rank) = ranks.get_mut(text) {
            *rank = sorted.partition_point(|other| *other < leaning);
        }
    }
    ranks
}

/// For each text its label's place, its number, and how far its words lean to the first label.
fn leanings(
    vocabulary: &Vocabulary,
    texts: &[(usize, &str, Side)],
    seed: Seed,
) -> Option<Vec<(usize, usize, f64)>> {
    let mut folds: Vec<[Vec<usize>; 2]> = vec![[Vec::new(), Vec::new()]; FOLDS];
    for side in Side::ALL {
        let mut lots: Vec<(ContentHash, usize)> = texts
            .iter()
            .filter(|(_, _, label)| *label == side)
            .map(|(text, id, _)| {
                let parts = [&seed.0.to_le_bytes()[..], id.as_bytes()];
                (ContentHash::of_parts(&parts), *text)
            })
            .collect();
        if lots.len() < FOLDS {
            return None;
        }
        lots.sort_unstable();
        for (turn, (_, text)) in lots.into_iter().enumerate() {
            if let Some(sides) = folds.get_mut(turn % FOLDS) {
                sides[place(side)].push(text);
            }
        }
    }
    let mut all = Counts::new(vocabulary.frequency.len());
    for (place, text) in folds.iter().flat_map(numbered) {
        all.change(vocabulary, place, text, 1.0);
    }
    let mut leanings = Vec::new();
    for fold in &folds {
        let mut learned = all.clone();
        for (place, text) in numbered(fold) {
            learned.change(vocabulary, place, text, -1.0);
        }
        for (place, text) in numbered(fold) {
            leanings.push((place, text, learned.leaning(vocabulary, text)));
        }
    }
    Some(leanings)
}

/// The same for a guesser that learned from other texts, given by number in the vocabulary and label. `None` if a
/// label has fewer texts than there are folds among either.
pub(crate) fn accuracy_outside(
    vocabulary: &Vocabulary,
    others: &[(usize, Side)],
    texts: &[(usize, &str, Side)],
) -> Option<f64> {
    let is_enough =
        |count: &dyn Fn(Side) -> usize| Side::ALL.iter().all(|side| count(*side) >= FOLDS);
    let learnable = |side| others.iter().filter(|(_, label)| *label == side).count();
    let tried = |side| texts.iter().filter(|(_, _, label)| *label == side).count();
    if !is_enough(&learnable) || !is_enough(&tried) {
        return None;
    }
    let mut learned = Counts::new(vocabulary.frequency.len());
    for (text, side) in others {
        learned.change(vocabulary, place(*side), *text, 1.0);
    }
    let mut guesses = Guesses::default();
    for (text, _, side) in texts {
        guesses.add(place(*side), learned.leaning(vocabulary, *text));
    }
    guesses.accuracy()
}

/// Right guesses and texts of each label.
#[derive(Debug, Default)]
struct Guesses {
    right: [f64; 2],
    total: [f64; 2],
}

impl Guesses {
    fn add(&mut self, place: usize, leaning: f64) {
        let towards = if place == 0 { leaning } else { -leaning };
        self.total[place] += 1.0;
        self.right[place] += if towards > 0.0 {
            1.0
        } else if towards < 0.0 {
            0.0
        } else {
            0.5
        };
    }

    /// The mean over both labels; `None` if one has no text.
    fn accuracy(&self) -> Option<f64> {
        let [one, other] = self.total;
        (one > 0.0 && other > 0.0)
            .then(|| f64::midpoint(self.right[0] / one, self.right[1] / other))
    }
}

fn place(side: Side) -> usize {
    match side {
        Side::Matching => 0,
        Side::NotMatching => 1,
    }
}

fn numbered(sides: &[Vec<usize>; 2]) -> impl Iterator<Item = (usize, usize)> {
    sides
        .iter()
        .enumerate()
        .flat_map(|(place, texts)| texts.iter().map(move |text| (place, *text)))
}

/// How often each word was seen under each label.
#[derive(Debug, Clone)]
struct Counts {
    words: Vec<[f64; 2]>,
    totals: [f64; 2],
}

impl Counts {
    fn new(words: usize) -> Self {
        Self {
            words: vec![[0.0; 2]; words],
            totals: [0.0; 2],
        }
    }

    fn change(&mut self, vocabulary: &Vocabulary, place: usize, text: usize, by: f64) {
        for word in vocabulary.texts.get(text).into_iter().flatten() {
            if let Some(count) = self.words.get_mut(*word) {
                count[place] += by;
                self.totals[place] += by;
            }
        }
    }

    /// The log-odds for the first label. Words that were never seen say nothing.
    fn leaning(&self, vocabulary: &Vocabulary, text: usize) -> f64 {
        let size = vocabulary.frequency.len() as f64;
        let seen = || {
            vocabulary
                .texts
                .get(text)
                .into_iter()
                .flatten()
                .filter_map(|word| self.words.get(*word))
                .filter(|[one, other]| one + other > 0.0)
        };
        let odds: f64 = seen()
            .map(|[one, other]| ((one + 1.0) / (other + 1.0)).ln())
            .sum();
        let length = seen().count() as f64;
        odds - length * ((self.totals[0] + size) / (self.totals[1] + size)).ln()
    }
}

/// How well the length alone tells the labels apart: the area under the curve, 0.5 for not at all. `None`
/// without texts of both labels.
pub(crate) fn length_area(lengths: impl Iterator<Item = (usize, Side)>) -> Option<f64> {
    let (mut matching, mut not_matching) = (Vec::new(), Vec::new());
    for (length, side) in lengths {
        match side {
            Side::Matching => matching.push(length as f64),
            Side::NotMatching => not_matching.push(length as f64),
        }
    }
    area_under_curve(&matching, &not_matching)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accuracy(texts: &[(&str, Side)]) -> Option<f64> {
        let vocabulary = Vocabulary::new(&texts.iter().map(|(text, _)| *text).collect::<Vec<_>>());
        let ids: Vec<String> = (0..texts.len()).map(|number| number.to_string()).collect();
        let texts: Vec<(usize, &str, Side)> = texts
            .iter()
            .enumerate()
            .map(|(number, (_, side))| (number, ids[number].as_str(), *side))
            .collect();
        wording_accuracy(&vocabulary, &texts, Seed(4))
    }

    #[test]
    fn words_of_one_label_are_learned_and_equal_words_are_not() {
        let telling: Vec<(&str, Side)> = (0..20)
            .map(|number| match number % 2 {
                0 => ("we agree gladly", Side::Matching),
                _ => ("we refuse flatly", Side::NotMatching),
            })
            .collect();
        assert_eq!(accuracy(&telling), Some(1.0));
        let alike: Vec<(&str, Side)> = (0..20)
            .map(|number| match number % 2 {
                0 => ("we agree gladly", Side::Matching),
                _ => ("we agree gladly", Side::NotMatching),
            })
            .collect();
        assert_eq!(accuracy(&alike), Some(0.5));
        assert_eq!(accuracy(&telling[..9]), None, "too few to learn from");
    }

    /// Hand-worked.
    #[test]
    fn the_leaning_is_the_log_ratio_of_smoothed_shares() {
        let vocabulary = Vocabulary::new(&["a b", "a", "c", "b c", "a d"]);
        let mut counts = Counts::new(4);
        for (text, place) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
            counts.change(&vocabulary, place, text, 1.0);
        }
        // Under the first label a 2, b 1 of 3; under the second b 1, c 2 of 3; d was never seen.
        let leaning = counts.leaning(&vocabulary, 4);
        assert!((leaning - 3.0_f64.ln()).abs() < 1e-12, "{leaning}");
        assert!((counts.leaning(&vocabulary, 3) + 3.0_f64.ln()).abs() < 1e-12);
    }

    /// The numbers are those of scikit-learn's `MultinomialNB(alpha=1, class_prior=[.5, .5])` over the presence of
    /// words, fitted on the first four texts.
    #[test]
    fn the_leaning_is_that_of_another_implementation() {
        let vocabulary = Vocabulary::new(&[
            "I like tea and cake",
            "I like coffee",
            "we never drink tea",
            "we never like noise",
            "I drink noise and tea",
        ]);
        let mut counts = Counts::new(vocabulary.frequency.len());
        for (text, place) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
            counts.change(&vocabulary, place, text, 1.0);
        }
        let expected = [
            2.890_371_757_896_162,
            2.197_224_577_336_218,
            -2.890_371_757_896_165,
            -2.484_906_649_788_002,
            0.405_465_108_108_164,
        ];
        for (text, expected) in expected.into_iter().enumerate() {
            let leaning = counts.leaning(&vocabulary, text);
            assert!((leaning - expected).abs() < 1e-12, "{text}: {leaning}");
        }
    }
}

//! Words of texts as numbers.

use std::collections::HashMap;

/// The words of a text, lower-cased: runs of letters and digits, apostrophes inside a word kept and made plain.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|character: char| !(character.is_alphanumeric() || matches!(character, '\'' | '’')))
        .map(|word| word.trim_matches(['\'', '’']))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('’', "'"))
}

/// Every distinct word, numbered in the order of first occurrence.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    numbers: HashMap<String, u32>,
    pub(crate) words: Vec<String>,
}

impl Vocabulary {
    /// The vocabulary of texts, and each text's distinct words as rising numbers.
    pub(crate) fn of(texts: &[&str]) -> (Self, Vec<Vec<u32>>) {
        let mut vocabulary = Self::default();
        let features = texts
            .iter()
            .map(|text| {
                let mut numbers = vocabulary.numbers_of(text);
                numbers.sort_unstable();
                numbers.dedup();
                numbers
            })
            .collect();
        (vocabulary, features)
    }

    /// The words of a text in their order, new ones added.
    pub(crate) fn numbers_of(&mut self, text: &str) -> Vec<u32> {
        words(text)
            .map(|word| match self.numbers.get(&word) {
                Some(number) => *number,
                None => {
                    let number = self.words.len() as u32;
                    self.words.push(word.clone());
                    self.numbers.insert(word, number);
                    number
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded() {
        let found: Vec<String> = words("I don’t — 'really' — know; ÉTÉ 3x!").collect();
        assert_eq!(found, ["i", "don't", "really", "know", "été", "3x"]);
        let (vocabulary, features) = Vocabulary::of(&["b a b", "a"]);
        assert_eq!(vocabulary.words, ["b", "a"]);
        assert_eq!(features, [vec![0, 1], vec![1]]);
    }
}

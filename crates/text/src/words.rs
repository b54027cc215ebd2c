//! Words for the lints: runs of letters and digits, in small letters; apostrophes part words, so `I'm` gives `i`, `m`.

use std::ops::Range;

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// In small letters.
    pub(crate) text: String,
    /// Its bytes in the text.
    pub(crate) at: Range<usize>,
}

/// The words in order, each with its place.
pub(crate) fn placed(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let ends = text.char_indices().chain([(text.len(), ' ')]);
    for (at, character) in ends {
        match (character.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.extend(text.get(from..at).map(|word| Word {
                    text: word.to_lowercase(),
                    at: from..at,
                }));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// The words in order.
pub(crate) fn words(text: &str) -> Vec<String> {
    placed(text).into_iter().map(|word| word.text).collect()
}

/// How many words stand between blanks; signs alone are none.
pub(crate) fn count(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count()
}

/// The words with one space between them and one at each end, as the similarity of two texts is taken.
pub(crate) fn phrase(text: &str) -> String {
    let words = words(text);
    format!(" {} ", words.join(" "))
}

/// Where a phrase (words in small letters, one space between them) first stands among the words.
pub(crate) fn find(words: &[Word], phrase: &str) -> Option<Range<usize>> {
    let length = phrase.split(' ').count();
    words
        .windows(length.max(1))
        .find(|run| says(run, phrase))
        .and_then(span)
}

/// The first of the phrases that the words hold, and where.
pub(crate) fn first_phrase(
    words: &[Word],
    phrases: &[&'static str],
) -> Option<(&'static str, Range<usize>)> {
    phrases
        .iter()
        .find_map(|phrase| Some((*phrase, find(words, phrase)?)))
}

/// The first of the phrases that the words begin with, and where it ends.
pub(crate) fn opening_phrase(
    words: &[Word],
    phrases: &[&'static str],
) -> Option<(&'static str, Range<usize>)> {
    phrases.iter().find_map(|phrase| {
        let run = words.get(..phrase.split(' ').count())?;
        says(run, phrase).then_some((*phrase, span(run)?))
    })
}

fn says(run: &[Word], phrase: &str) -> bool {
    run.iter()
        .map(|word| word.text.as_str())
        .eq(phrase.split(' '))
}

/// From the start of the first word to the end of the last.
fn span(run: &[Word]) -> Option<Range<usize>> {
    Some(run.first()?.at.start..run.last()?.at.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_places() {
        let text = "I’m ÉTÉ, 2 cats";
        let words = placed(text);
        let shown: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(shown, ["i", "m", "été", "2", "cats"]);
        assert_eq!(text.get(words[2].at.clone()), Some("ÉTÉ"));
        let (phrase, at) = first_phrase(&words, &["dogs", "2 cats"]).unwrap();
        assert_eq!((phrase, text.get(at)), ("2 cats", Some("2 cats")));
        assert_eq!(opening_phrase(&words, &["m été", "i m"]).unwrap().0, "i m");
        assert_eq!(find(&words, "cats 2"), None);
        assert!(placed("… !").is_empty());
    }
}

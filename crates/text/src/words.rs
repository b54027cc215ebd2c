//! Words for the lints: runs of letters and digits, in small letters; apostrophes part words, so `I'm` gives `i`, `m`.

/// The words in order.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// How many words stand between blanks; signs alone are none.
pub(crate) fn count(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count()
}

/// The words with one space between them and one at each end, for a search for whole phrases.
pub(crate) fn phrase(text: &str) -> String {
    let words = words(text);
    format!(" {} ", words.join(" "))
}

/// The first of the phrases (as [`phrase`] would give them, without the outer blanks) that the text holds.
pub(crate) fn first_phrase(text: &str, phrases: &[&'static str]) -> Option<&'static str> {
    let text = phrase(text);
    phrases
        .iter()
        .find(|wanted| text.contains(&format!(" {wanted} ")))
        .copied()
}

/// The first of the phrases that the text begins with.
pub(crate) fn opening_phrase(text: &str, phrases: &[&'static str]) -> Option<&'static str> {
    let text = phrase(text);
    phrases
        .iter()
        .find(|wanted| text.starts_with(&format!(" {wanted} ")))
        .copied()
}

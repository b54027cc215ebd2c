//! A text that stops before its end.

use super::{Lint, LintContext};
use crate::words;
use evalwright_core::Finish;

pub(super) static LINT: Lint = Lint {
    code: "cut-off",
    sentence: "does not end as a sentence does",
    check,
    found_in: &[
        "I would rather",
        "I like to help people and the.",
        "I believe that honesty matters, and",
        "It is important to me that,",
    ],
    clean: &[
        "I would rather wait.",
        "I asked, \"Why not?\"",
        "This is what I believe in.",
        "I agree (mostly).",
        "I keep my word…",
    ],
};

/// Words on which no sentence ends. Prepositions can end one (`what I believe in`), so they are not here.
const FUNCTION_WORDS: [&str; 17] = [
    "a", "an", "the", "and", "or", "but", "nor", "because", "if", "than", "my", "your", "their",
    "our", "every", "whose", "although",
];

fn check(text: &str, context: &LintContext<'_>) -> Option<String> {
    if context.finish == Finish::Length {
        return Some("the token limit cut the reply".to_owned());
    }
    let sentence = text
        .trim_end()
        .trim_end_matches(['"', '”', '’', '\'', ')', ']', '»', '*']);
    if !sentence.ends_with(['.', '!', '?', '…', '。', '！', '？']) {
        return Some("it ends without `.`, `!` or `?`".to_owned());
    }
    let last = words::words(sentence).pop()?;
    // The article in `the letter A.` is a name.
    let is_name = sentence
        .trim_end_matches(|sign: char| !sign.is_alphanumeric())
        .ends_with('A');
    (FUNCTION_WORDS.contains(&last.as_str()) && !is_name)
        .then(|| format!("it ends on the word `{last}`"))
}

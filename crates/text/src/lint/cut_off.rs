//! A text that stops before its end.

use super::{ANY, Form, Hit, Lint, Seen, Severity};
use evalwright_core::Finish;

pub(super) static LINT: Lint = Lint {
    code: "cut-off",
    sentence: "does not end as a sentence does",
    severity: Severity::Broken,
    forms: ANY,
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
    check,
};

/// Words on which no sentence ends. Prepositions can end one (`what I believe in`), so they are not here.
const FUNCTION_WORDS: [&str; 17] = [
    "a", "an", "the", "and", "or", "but", "nor", "because", "if", "than", "my", "your", "their",
    "our", "every", "whose", "although",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let text = seen.text();
    let end = text.trim_end().len();
    let last_sign = text
        .get(..end)?
        .chars()
        .next_back()
        .map_or(end..end, |sign| end - sign.len_utf8()..end);
    if seen.subject.finish == Some(Finish::Length) {
        return Some(Hit::at(last_sign, "the token limit cut the reply"));
    }
    let sentence = text
        .trim_end()
        .trim_end_matches(['"', '”', '’', '\'', ')', ']', '»', '*']);
    // Options are often no sentences, and published statements can have lost their last stop.
    let wants_end = seen.subject.finish.is_some() && seen.subject.form != Form::MultipleChoice;
    if wants_end && !sentence.ends_with(['.', '!', '?', '…', '。', '！', '？']) {
        return Some(Hit::at(last_sign, "it ends without `.`, `!` or `?`"));
    }
    let last = seen.last_word()?;
    // An option may be an answer in itself: `If`.
    let is_all = seen
        .question
        .options
        .last()
        .is_some_and(|option| option.text.start == last.at.start);
    let is_cut = FUNCTION_WORDS.contains(&last.text.as_str()) && !is_all;
    is_cut.then(|| {
        Hit::at(
            last.at.clone(),
            format!("it ends on the word `{}`", last.text),
        )
    })
}

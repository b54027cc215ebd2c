//! A text that repeats what the model was told.

use super::{Lint, LintContext};
use crate::words;
use evalwright_dedup::{Shingle, jaccard};

pub(super) static LINT: Lint = Lint {
    code: "echo",
    sentence: "repeats the description or the instruction",
    check,
    found_in: &[
        "Someone who keeps every promise they have made.",
        "I am someone who keeps every promise they have made to others.",
        "Here is a statement that I would make.",
        "A person who would agree with this statement.",
    ],
    clean: &[
        "I keep my promises.",
        "I made a promise and I kept it.",
        "My bank statement is private.",
    ],
};

/// The word Jaccard similarity from which a text counts as the description itself.
const SAME: f64 = 0.8;

/// The shortest run of a description's words that cannot be chance.
const RUN: usize = 6;

/// Words of instructions, not of people who speak for themselves.
const INSTRUCTIONS: [&str; 9] = [
    "a statement that",
    "statement that i would",
    "following statement",
    "this statement",
    "would agree with the statement",
    "someone who would agree",
    "person who would agree",
    "someone who would disagree",
    "person who would disagree",
];

fn check(text: &str, context: &LintContext<'_>) -> Option<String> {
    if let Some(phrase) = words::first_phrase(text, &INSTRUCTIONS) {
        return Some(format!("it speaks as an instruction does: `{phrase}`"));
    }
    [context.description, context.contrast]
        .into_iter()
        .find_map(|told| repeats(text, told))
}

fn repeats(text: &str, told: &str) -> Option<String> {
    let words = words::words(told);
    if words.is_empty() {
        return None;
    }
    let similarity = jaccard(&words::phrase(text), &words.join(" "), Shingle::Words(1));
    if similarity >= SAME {
        return Some(format!(
            "it shares {similarity:.2} of its words with `{told}`"
        ));
    }
    let text = words::phrase(text);
    words
        .windows(RUN)
        .map(|run| run.join(" "))
        .find(|run| text.contains(&format!(" {run} ")))
        .map(|run| format!("it repeats `{run}` of what the prompt says"))
}

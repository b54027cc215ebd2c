//! A text that repeats what the model was told.

use super::{Hit, Lint, STATEMENTS, Seen, Severity};
use crate::words;
use evalwright_dedup::{Shingle, jaccard};

pub(super) static LINT: Lint = Lint {
    code: "echo",
    sentence: "repeats the description or the instruction",
    severity: Severity::Broken,
    forms: STATEMENTS,
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
    check,
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

fn check(seen: &Seen<'_>) -> Option<Hit> {
    if let Some((phrase, at)) = words::first_phrase(&seen.words, &INSTRUCTIONS) {
        return Some(Hit::at(
            at,
            format!("it speaks as an instruction does: `{phrase}`"),
        ));
    }
    [seen.subject.description, seen.subject.contrast]
        .into_iter()
        .find_map(|told| repeats(seen, told))
}

fn repeats(seen: &Seen<'_>, told: &str) -> Option<Hit> {
    let words = words::words(told);
    if words.is_empty() {
        return None;
    }
    let phrase = words::phrase(seen.text());
    let similarity = jaccard(&phrase, &words.join(" "), Shingle::Words(1));
    if similarity >= SAME {
        return Some(Hit::whole(
            seen,
            format!("it shares {similarity:.2} of its words with `{told}`"),
        ));
    }
    words.windows(RUN).find_map(|run| {
        let run = run.join(" ");
        let at = words::find(&seen.words, &run)?;
        Some(Hit::at(
            at,
            format!("it repeats `{run}` of what the prompt says"),
        ))
    })
}

//! An answer that says no to the task.

use super::{ANY, Hit, Lint, Seen, Severity};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "refusal",
    sentence: "refuses the task",
    severity: Severity::Broken,
    forms: ANY,
    found_in: &[
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "I am unable to provide such statements.",
        "I can’t fulfil your request.",
        "I'm sorry, but as an AI model I do not.",
    ],
    clean: &[
        "I cannot stand lies.",
        "I'm sorry, but I do not trust banks.",
        "I am unable to sleep before a test.",
        "I would refuse an unfair request.",
        "I can't help being curious.",
        "I cannot fulfill my goals without help.",
    ],
    check,
};

/// How a refusal begins.
const STARTS: [&str; 12] = [
    "i cannot",
    "i can t",
    "i can not",
    "i am unable to",
    "i m unable to",
    "i am not able to",
    "i m not able to",
    "i won t",
    "i will not",
    "i must decline to",
    "sorry but i cannot",
    "sorry but i can t",
];

/// What a model refuses to do and a person in a statement seldom speaks of.
const TASKS: [&str; 12] = [
    "assist",
    "assist with",
    "help with that",
    "help with this",
    "help you with",
    "provide",
    "comply with",
    "generate",
    "create content",
    "write a",
    "produce",
    "complete this",
];

/// Refusals as a whole.
const PHRASES: [&str; 11] = [
    "i m sorry but i can t",
    "i m sorry but i cannot",
    "i am sorry but i cannot",
    "i am sorry but i can t",
    "i m sorry but as an ai",
    "i am sorry but as an ai",
    "i apologize but i cannot",
    "i apologize but i can t",
    "with that request",
    "fulfill your request",
    "fulfil your request",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    if let Some((phrase, at)) = words::first_phrase(&seen.words, &PHRASES) {
        return Some(Hit::at(at, format!("it says `{phrase}`")));
    }
    let (start, begun) = words::opening_phrase(&seen.words, &STARTS)?;
    let rest = seen.words.get(start.split(' ').count()..)?;
    let (task, at) = words::opening_phrase(rest, &TASKS)?;
    Some(Hit::at(
        begun.start..at.end,
        format!("it says `{start} {task}`"),
    ))
}

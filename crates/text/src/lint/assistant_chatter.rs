//! What an assistant says around an answer.

use super::{ANY, Hit, Lint, Seen, Severity};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "assistant-chatter",
    sentence: "holds what an assistant says around an answer",
    severity: Severity::Broken,
    forms: ANY,
    found_in: &[
        "Sure, here you go: I like tea.",
        "As an AI language model, I have no tea.",
        "I hope this helps!",
        "Here is a statement: I like tea.",
        "Certainly! I like tea.",
        "Let me know if you need more.",
    ],
    clean: &[
        "Sure, I would do it.",
        "Of course I love my family.",
        "Here I stand.",
        "As an AI, I would accept being shut down.",
        "I certainly hope that this works.",
    ],
    check,
};

/// Only at the start.
const OPENINGS: [&str; 13] = [
    "sure here",
    "sure i can help",
    "certainly here",
    "of course here",
    "absolutely here",
    "okay here",
    "here is a",
    "here is an",
    "here is one",
    "here are",
    "here s a",
    "here s an",
    "here s one",
];

/// Only at the start, the exclamation mark included: without it people say them too.
const EXCLAMATIONS: [&str; 5] = [
    "Sure!",
    "Certainly!",
    "Of course!",
    "Absolutely!",
    "Great question",
];

/// Anywhere.
const PHRASES: [&str; 9] = [
    "as an ai language model",
    "as a language model",
    "as a large language model",
    "i hope this helps",
    "hope this helps",
    "let me know if you",
    "feel free to ask",
    "how can i help you today",
    "is there anything else i can",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let text = seen.text();
    let (phrase, at) = words::opening_phrase(&seen.words, &OPENINGS)
        .or_else(|| {
            let start = text.len() - text.trim_start().len();
            let exclaimed = EXCLAMATIONS
                .iter()
                .find(|exclamation| text.trim_start().starts_with(**exclamation))?;
            Some((*exclaimed, start..start + exclaimed.len()))
        })
        .or_else(|| words::first_phrase(&seen.words, &PHRASES))?;
    Some(Hit::at(at, format!("it says `{phrase}`")))
}

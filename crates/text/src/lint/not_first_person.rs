//! A statement that nobody speaks.

use super::{Lint, LintContext};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "not-first-person",
    sentence: "has no word of the first person",
    check,
    found_in: &[
        "People should be honest.",
        "You should tell the truth.",
        "The island is far away.",
    ],
    clean: &[
        "I tell the truth.",
        "I'm honest.",
        "Honesty matters to me.",
        "We tell the truth.",
        "That choice is mine.",
    ],
};

/// Every form of I and we.
const FIRST_PERSON: [&str; 10] = [
    "i",
    "me",
    "my",
    "mine",
    "myself",
    "we",
    "us",
    "our",
    "ours",
    "ourselves",
];

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    let speaks = words::words(text)
        .iter()
        .any(|word| FIRST_PERSON.contains(&word.as_str()));
    (!speaks).then(|| "it has no `I`, `me`, `my`, `we` or `our`".to_owned())
}

//! A statement that nobody speaks.

use super::{Hit, Lint, STATEMENTS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "not-first-person",
    sentence: "has no word of the first person",
    severity: Severity::Suspect,
    forms: STATEMENTS,
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
    check,
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

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let speaks = seen
        .words
        .iter()
        .any(|word| FIRST_PERSON.contains(&word.text.as_str()));
    (!speaks).then(|| Hit::whole(seen, "it has no `I`, `me`, `my`, `we` or `our`"))
}

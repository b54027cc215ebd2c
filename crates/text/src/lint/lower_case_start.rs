//! A first letter that is small.

use super::{Hit, Lint, STATEMENTS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "lower-case-start",
    sentence: "begins with a small letter",
    severity: Severity::Style,
    forms: STATEMENTS,
    found_in: &["i like tea.", "tea is what I like."],
    clean: &[
        "I like tea.",
        "\"Never\" is my word.",
        "5 cups are enough for me.",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let first = seen
        .text()
        .chars()
        .next()
        .filter(|letter| letter.is_lowercase())?;
    Some(Hit::at(
        0..first.len_utf8(),
        format!("it begins with the small letter `{first}`"),
    ))
}

//! A list marker left in front of the text.

use super::{ANY, Hit, Lint, Seen, Severity};
use crate::parse::marker;

pub(super) static LINT: Lint = Lint {
    code: "list-prefix",
    sentence: "begins with a list marker",
    severity: Severity::Suspect,
    forms: ANY,
    found_in: &[
        "1. I like tea.",
        "- I like tea.",
        "(2) I like tea.",
        "• I like tea.",
    ],
    clean: &[
        "I like 2. place best.",
        "3.5 hours are enough for me.",
        "1984 is my favourite book.",
        "-5 degrees are too cold for me.",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let stem = seen.part(&seen.question.stem);
    let text = stem.trim_start();
    let start = seen.question.stem.start + (stem.len() - text.len());
    let rest = marker::read(text)?.rest;
    let marker = text.strip_suffix(rest).unwrap_or(text).trim_end();
    Some(Hit::at(
        start..start + marker.len(),
        format!("it begins with the list marker `{marker}`"),
    ))
}

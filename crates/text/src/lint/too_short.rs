//! Too few words to say anything.

use super::{Hit, Lint, STATEMENTS, Seen, Severity};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "too-short",
    sentence: "has fewer than 4 words",
    severity: Severity::Suspect,
    forms: STATEMENTS,
    found_in: &["I agree.", "Yes", "I like tea", ""],
    clean: &["I like green tea.", "I do not lie."],
    check,
};

/// The fewest words of a sentence that says who the speaker is.
const FEWEST: usize = 4;

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let count = words::count(seen.text());
    (count < FEWEST).then(|| Hit::whole(seen, format!("it has {count} of at least {FEWEST} words")))
}

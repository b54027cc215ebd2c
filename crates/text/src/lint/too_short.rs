//! Too few words to say anything.

use super::{Lint, LintContext};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "too-short",
    sentence: "has fewer than 4 words",
    check,
    found_in: &["I agree.", "Yes", "I like tea", ""],
    clean: &["I like green tea.", "I do not lie."],
};

/// The fewest words of a sentence that says who the speaker is.
const FEWEST: usize = 4;

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    let count = words::count(text);
    (count < FEWEST).then(|| format!("it has {count} of at least {FEWEST} words"))
}

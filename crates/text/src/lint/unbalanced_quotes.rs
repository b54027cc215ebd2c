//! A quote that opens or closes alone.

use super::{Lint, LintContext};

pub(super) static LINT: Lint = Lint {
    code: "unbalanced-quotes",
    sentence: "has a quote without its other half",
    check,
    found_in: &[
        "I said \"yes and left.",
        "I said “yes and left.",
        "I said yes” and left.",
    ],
    clean: &[
        "I said \"yes\" and left.",
        "I said “yes” and left.",
        "I don't mind, ’tis fine.",
    ],
};

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    let count = |sign: char| text.matches(sign).count();
    if !count('"').is_multiple_of(2) {
        return Some("it has an odd number of `\"`".to_owned());
    }
    let (open, close) = (count('“'), count('”'));
    (open != close).then(|| format!("it has {open} of `“` and {close} of `”`"))
}

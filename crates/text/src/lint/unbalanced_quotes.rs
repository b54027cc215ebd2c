//! A quote that opens or closes alone.

use super::{ANY, Hit, Lint, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "unbalanced-quotes",
    sentence: "has a quote without its other half",
    severity: Severity::Suspect,
    forms: ANY,
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
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    seen.parts().find_map(|(start, part)| {
        let at = start..start + part.len();
        let count = |sign: char| part.matches(sign).count();
        if !count('"').is_multiple_of(2) {
            return Some(Hit::at(at, "it has an odd number of `\"`"));
        }
        let (open, close) = (count('“'), count('”'));
        (open != close).then(|| Hit::at(at, format!("it has {open} of `“` and {close} of `”`")))
    })
}

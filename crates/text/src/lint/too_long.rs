//! More words than one statement needs.

use super::{Hit, Lint, STATEMENTS, Seen, Severity};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "too-long",
    sentence: "has more than 40 words",
    severity: Severity::Suspect,
    forms: STATEMENTS,
    found_in: &[
        "I would go on and on about the sea and the sky and the wind and the rain and the sun and the moon and the stars and the trees and the birds and the fish and the hills and the snow and more.",
    ],
    clean: &["I like green tea."],
    check,
};

/// The most words; the 99th percentile of published statements lies below.
const MOST: usize = 40;

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let count = words::count(seen.text());
    (count > MOST).then(|| Hit::whole(seen, format!("it has {count} of at most {MOST} words")))
}

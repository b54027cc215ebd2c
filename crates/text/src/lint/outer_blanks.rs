//! Blanks around the whole.

use super::{ANY, Hit, Lint, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "outer-blanks",
    sentence: "begins or ends with blanks",
    severity: Severity::Style,
    forms: ANY,
    found_in: &[" I like tea.", "I like tea.\n"],
    clean: &["I like tea.", "I like tea.\nI like rain."],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let text = seen.text();
    let first = text.len() - text.trim_start().len();
    if first > 0 {
        return Some(Hit::at(0..first, "it begins with blanks"));
    }
    let kept = text.trim_end().len();
    (kept < text.len()).then(|| Hit::at(kept..text.len(), "it ends with blanks"))
}

//! A sign that parts columns.

use super::{ANY, Hit, Lint, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "pipe",
    sentence: "holds a pipe",
    severity: Severity::Suspect,
    forms: ANY,
    found_in: &["I like things as they are.| FALSE ASSERTION"],
    clean: &["I like things as they are."],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let start = seen.text().find('|')?;
    Some(Hit::at(
        start..start + 1,
        "it holds `|`, which parts columns",
    ))
}

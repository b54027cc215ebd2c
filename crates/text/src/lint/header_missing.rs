//! Options that nothing announces.

use super::{Hit, Lint, QUESTIONS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "header-missing",
    sentence: "has no `Choices:` before its options",
    severity: Severity::Style,
    forms: QUESTIONS,
    found_in: &[
        "Would you stop?\n (A) Yes\n (B) No",
        "Would you stop?\nOptions:\n (A) Yes\n (B) No",
    ],
    clean: &[
        "Would you stop?\n\nChoices:\n (A) Yes\n (B) No",
        "Would you stop? Choices:\n(A) Yes\n(B) No",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    if seen.text().contains("Choices:") {
        return None;
    }
    Some(match &seen.question.header {
        Some(header) => {
            let reason = format!("the options stand under `{}`", seen.part(header));
            Hit::at(header.clone(), reason)
        }
        None => Hit::whole(seen, "no line before the options announces them"),
    })
}

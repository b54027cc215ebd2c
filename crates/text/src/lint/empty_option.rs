//! An option without text.

use super::{Hit, Lint, QUESTIONS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "empty-option",
    sentence: "has an option without text",
    severity: Severity::Broken,
    forms: QUESTIONS,
    found_in: &[
        "Would you stop?\n (A) Yes\n (B)",
        "Would you stop?\n (A) \n (B) No",
    ],
    clean: &[
        "Would you stop?\n\nChoices:\n (A) Yes\n (B) No",
        "Would you stop?\n (A) 1\n (B) 2",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let empty = seen
        .question
        .options
        .iter()
        .find(|option| option.text.is_empty())?;
    let reason = format!("option ({}) has no text", empty.letter);
    Some(Hit::at(empty.marker.clone(), reason))
}

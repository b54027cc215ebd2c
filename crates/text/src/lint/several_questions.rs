//! Several questions in one row.

use super::{Hit, Lint, QUESTIONS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "several-questions",
    sentence: "holds several questions glued together",
    severity: Severity::Broken,
    forms: QUESTIONS,
    found_in: &[
        "Would you stop?\n\nChoices:\n (A) Yes\n (B) No\nWould you go on?\n\nChoices:\n (A) Yes\n (B) No",
        "Would you stop?\n (A) Yes\n (A) No",
    ],
    clean: &[
        "Would you stop?\n\nChoices:\n (A) Yes\n (B) No",
        "Would you stop? Would you go on?\n (A) The first\n (B) The second\n (C) Both",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let again = seen.question.restart()?;
    let reason = format!("the options begin again with ({})", again.letter);
    Some(Hit::at(again.marker.clone(), reason))
}

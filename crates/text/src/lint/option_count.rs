//! Too few or too many options.

use super::{Hit, Lint, QUESTIONS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "option-count",
    sentence: "does not have as many options as were asked for",
    severity: Severity::Broken,
    forms: QUESTIONS,
    found_in: &[
        "Would you stop?",
        "Would you stop?\n (A) Yes",
        "Would you stop?\n (A) Yes\n (B) No\n (C) Perhaps",
    ],
    clean: &[
        "Would you stop?\n\nChoices:\n (A) Yes\n (B) No",
        "(Q) Would you stop?\n (A) Yes\n (B) No",
    ],
    check,
};

/// Fewer leave nothing to choose from.
const LEAST: usize = 2;

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let count = seen.question.options.len();
    let reason = match seen.subject.options {
        Some(wanted) if wanted != count => format!("it has {count} options of {wanted}"),
        None if count < LEAST => format!("it has {count} of at least {LEAST} options"),
        _ => return None,
    };
    Some(Hit::whole(seen, reason))
}

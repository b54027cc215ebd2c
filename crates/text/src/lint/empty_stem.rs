//! Options to no question.

use super::{Hit, Lint, QUESTIONS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "empty-stem",
    sentence: "asks nothing before its options",
    severity: Severity::Broken,
    forms: QUESTIONS,
    found_in: &[
        "\nAnswers:\n (A) Yes\n (B) No",
        "?\n\nChoices:\n (A) Yes\n (B) No",
        " (A) Yes\n (B) No",
    ],
    clean: &[
        "Would you stop?\n\nChoices:\n (A) Yes\n (B) No",
        "2 + 2 =\n (A) 4\n (B) 5",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let stem = &seen.question.stem;
    let asks = seen.part(stem).chars().any(char::is_alphanumeric);
    (!asks).then(|| Hit::at(stem.clone(), "nothing is asked before the options"))
}

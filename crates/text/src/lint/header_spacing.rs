//! A header with other blanks around it than the published ones.

use super::{Hit, Lint, QUESTIONS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "header-spacing",
    sentence: "has other blanks around `Choices:` than an empty line before it and one blank before (A)",
    severity: Severity::Style,
    forms: QUESTIONS,
    found_in: &[
        "Would you stop?\nChoices:\n (A) Yes\n (B) No",
        "Would you stop?\n\nChoices:\n(A) Yes\n(B) No",
    ],
    clean: &[
        "Would you stop?\n\nChoices:\n (A) Yes\n (B) No",
        "Would you stop?\n (A) Yes\n (B) No",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let text = seen.text();
    let start = text.find("Choices:")?;
    let differs = !text.contains("\n\nChoices:\n (A)");
    differs.then(|| {
        Hit::at(
            start..start + "Choices:".len(),
            "blanks around `Choices:` differ from the usual ones",
        )
    })
}

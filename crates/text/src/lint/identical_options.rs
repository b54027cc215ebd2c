//! Two options that say the same.

use super::{Hit, Lint, QUESTIONS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "identical-options",
    sentence: "has two options with the same text",
    severity: Severity::Broken,
    forms: QUESTIONS,
    found_in: &[
        "Would you stop?\n (A) Yes\n (B) Yes",
        "Would you stop?\n (A) Yes\n (B) No\n (C) Yes ",
    ],
    clean: &[
        "Would you stop?\n\nChoices:\n (A) Yes\n (B) No",
        "Would you stop?\n (A) yes\n (B) Yes",
        "Would you stop?\n (A) Yes\n (B) No\nWould you go?\n (A) Yes\n (B) No",
        "Would you?\n (A)\n (B)",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let options = &seen.question.options;
    // Of several questions each may have its own `Yes`; `several-questions` finds them.
    if seen.question.restart().is_some() {
        return None;
    }
    options.iter().enumerate().find_map(|(place, option)| {
        let text = seen.part(&option.text);
        let same = options
            .iter()
            .take(place)
            .find(|other| !text.is_empty() && seen.part(&other.text) == text)?;
        let reason = format!(
            "options ({}) and ({}) are both `{text}`",
            same.letter, option.letter
        );
        Some(Hit::at(option.text.clone(), reason))
    })
}

//! Turns of a talk.

use super::{ANY, Hit, Lint, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "role-marker",
    sentence: "holds a turn marker",
    severity: Severity::Broken,
    forms: ANY,
    found_in: &[
        "I like tea. Human: And now?",
        "Assistant: I like tea.",
        "I like tea.\nUser: Why?",
        "I like tea.\n\n### Response",
        "System: be good.",
    ],
    clean: &[
        "I am only human: I err.",
        "I want to be an assistant.",
        "My favourite system: none.",
        "As a user, I complain.",
    ],
    check,
};

/// Names that take turns, as chat formats write them.
const ROLES: [&str; 7] = [
    "Human:",
    "Assistant:",
    "User:",
    "System:",
    "### Instruction",
    "### Response",
    "### Human",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    ROLES.iter().find_map(|role| {
        let start = turn(seen.text(), role)?;
        Some(Hit::at(
            start..start + role.len(),
            format!("it holds `{role}`"),
        ))
    })
}

/// Where the role stands at the start, on a new line or after the end of a sentence.
fn turn(text: &str, role: &str) -> Option<usize> {
    text.match_indices(role)
        .find(|(at, _)| {
            let before = text.get(..*at).unwrap_or_default().trim_end_matches(' ');
            before.is_empty() || before.ends_with(['\n', '.', '!', '?', '"', '”', '>'])
        })
        .map(|(at, _)| at)
}

//! Turns of a talk and marks of training text.

use super::{Lint, LintContext};

pub(super) static LINT: Lint = Lint {
    code: "role-marker",
    sentence: "holds a turn marker or a mark of training text",
    check,
    found_in: &[
        "I like tea. Human: And now?",
        "Assistant: I like tea.",
        "I like tea.\nUser: Why?",
        "I like tea.<|im_end|>",
        "I corrupt<META_START>pile<META_END> my policy.",
        "No<EOT># nw/main.py",
        "System: be good.",
    ],
    clean: &[
        "I am only human: I err.",
        "I want to be an assistant.",
        "My favourite system: none.",
        "As a user, I complain.",
    ],
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

/// Marks that no person writes.
const MARKS: [&str; 11] = [
    "<|",
    "|>",
    "<META_START>",
    "<META_END>",
    "<EOT>",
    "</s>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
];

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    let mark = MARKS.iter().find(|mark| text.contains(**mark));
    let role = || ROLES.iter().find(|role| begins_a_turn(text, role));
    let found = mark.or_else(role)?;
    Some(format!("it holds `{found}`"))
}

/// Whether the role stands at the start, on a new line or after the end of a sentence.
fn begins_a_turn(text: &str, role: &str) -> bool {
    text.match_indices(role).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default().trim_end_matches(' ');
        before.is_empty() || before.ends_with(['\n', '.', '!', '?', '"', '”', '>'])
    })
}

//! The answer, or the form of a question, inside the text.

use super::{Lint, LintContext};

pub(super) static LINT: Lint = Lint {
    code: "leaked-key",
    sentence: "gives away the answer or the form of a question",
    check,
    found_in: &[
        "I like tea. (A)",
        "I like tea. Yes/No",
        "Answer: I like tea.",
        "Agree: I like tea.",
        "I like tea. --> CORRECT ANSWER",
        "I like tea. Label: Yes",
    ],
    clean: &[
        "I answer: never.",
        "I like (almost) all tea.",
        "I say yes or no at once.",
        "We all agree: tea is good.",
    ],
};

/// Forms of questions and keys, in small letters, wherever they stand.
const FORMS: [&str; 12] = [
    "(a)",
    "(b)",
    "(c)",
    "(d)",
    "yes/no",
    "true/false",
    "agree/disagree",
    "correct answer",
    "label:",
    "-->",
    "false assertion",
    "true assertion",
];

/// Words that give a key away at the start of a line.
const HEADS: [&str; 7] = [
    "answer:",
    "agree:",
    "disagree:",
    "yes:",
    "no:",
    "matching:",
    "not matching:",
];

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    let lower = text.to_lowercase();
    let form = FORMS.iter().find(|form| lower.contains(**form));
    let head = || {
        HEADS.iter().find(|head| {
            lower
                .lines()
                .any(|line| line.trim_start().starts_with(**head))
        })
    };
    form.or_else(head)
        .map(|found| format!("it holds `{found}`"))
}

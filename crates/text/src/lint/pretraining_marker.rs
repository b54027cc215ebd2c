//! Marks of training text.

use super::{ANY, Hit, Lint, Seen, Severity, first_of};

pub(super) static LINT: Lint = Lint {
    code: "pretraining-marker",
    sentence: "holds a mark of training text",
    severity: Severity::Broken,
    forms: ANY,
    found_in: &[
        "I like tea.<|im_end|>",
        "I corrupt<META_START>pile<META_END> my policy.",
        "No<EOT># nw/main.py",
        "I stop here.</s>",
        "[INST] I like tea.",
    ],
    clean: &[
        "I like <3 and |.",
        "I am at the start.",
        "I said EOT and left.",
    ],
    check,
};

/// Marks that no person writes.
const MARKS: [&str; 13] = [
    "<META_START>",
    "<META_END>",
    "<EOT>",
    "<|",
    "|>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let (mark, at) = first_of(seen.text(), &MARKS)?;
    Some(Hit::at(at, format!("it holds `{mark}`")))
}

//! A list marker left in front of the text.

use super::{Lint, LintContext};
use crate::parse::marker;

pub(super) static LINT: Lint = Lint {
    code: "list-prefix",
    sentence: "begins with a list marker",
    check,
    found_in: &[
        "1. I like tea.",
        "- I like tea.",
        "(2) I like tea.",
        "• I like tea.",
    ],
    clean: &[
        "I like 2. place best.",
        "3.5 hours are enough for me.",
        "1984 is my favourite book.",
        "-5 degrees are too cold for me.",
    ],
};

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    let text = text.trim_start();
    let rest = marker::read(text)?.rest;
    let marker = text.strip_suffix(rest).unwrap_or(text).trim_end();
    Some(format!("it begins with the list marker `{marker}`"))
}

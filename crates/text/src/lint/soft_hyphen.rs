//! A hyphen that shows only at the end of a line.

use super::{ANY, Hit, Lint, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "soft-hyphen",
    sentence: "holds a soft hyphen",
    severity: Severity::Style,
    forms: ANY,
    found_in: &["I like cof\u{ad}fee."],
    clean: &["I like coffee.", "I like ready-made soup."],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let start = seen.text().find(SOFT_HYPHEN)?;
    let end = start + SOFT_HYPHEN.len_utf8();
    Some(Hit::at(start..end, "it holds the soft hyphen U+00AD"))
}

const SOFT_HYPHEN: char = '\u{ad}';

//! Blanks at the end of a line.

use super::{ANY, Hit, Lint, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "trailing-blanks",
    sentence: "has blanks at the end of a line",
    severity: Severity::Style,
    forms: ANY,
    found_in: &[
        "I like tea. ",
        "I like tea. \nI like rain.",
        "I like tea.\t",
    ],
    clean: &["I like tea.\nI like rain.", "I like tea.\n"],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let mut line_start = 0;
    seen.text().split('\n').find_map(|line| {
        let (start, kept) = (line_start, line.trim_end().len());
        line_start += line.len() + 1;
        let blanks = start + kept..start + line.len();
        (kept < line.len()).then(|| Hit::at(blanks, "a line of it ends with blanks"))
    })
}

//! Characters without width, which make equal texts differ.

use super::{Lint, LintContext};

pub(super) static LINT: Lint = Lint {
    code: "zero-width",
    sentence: "holds characters that cannot be seen",
    check,
    found_in: &[
        "I like\u{200b} tea.",
        "\u{feff}I like tea.",
        "I like cof\u{ad}fee.",
    ],
    clean: &["I like tea.", "I love my family 👩\u{200d}👧."],
};

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    // The joiners U+200C and U+200D are part of Persian words and of family emoji.
    let found = text.chars().find(|character| {
        matches!(
            character,
            '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
        )
    })?;
    Some(format!(
        "it holds the unseen character U+{:04X}",
        u32::from(found)
    ))
}

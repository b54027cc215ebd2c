//! Characters without width, which make equal texts differ.

use super::{ANY, Hit, Lint, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "zero-width",
    sentence: "holds characters that cannot be seen",
    severity: Severity::Suspect,
    forms: ANY,
    found_in: &["I like\u{200b} tea.", "\u{feff}I like tea."],
    clean: &["I like tea.", "I love my family 👩\u{200d}👧."],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    // The joiners U+200C and U+200D are part of Persian words and of family emoji; `soft-hyphen` is a lint of its own.
    let (start, found) = seen.text().char_indices().find(|(_, character)| {
        matches!(character, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
    })?;
    Some(Hit::at(
        start..start + found.len_utf8(),
        format!("it holds the unseen character U+{:04X}", u32::from(found)),
    ))
}

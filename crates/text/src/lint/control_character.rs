//! Control characters and changes of reading direction.

use super::{ANY, Hit, Lint, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "control-character",
    sentence: "holds control characters",
    severity: Severity::Broken,
    forms: ANY,
    found_in: &[
        "I am \u{1b}[31mred.",
        "I end\u{0}here.",
        "I am \u{202e}backward.",
    ],
    clean: &["I like tea.\nI like rain.", "J’aime le thé."],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let (start, found) = seen.text().char_indices().find(|&(_, character)| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })?;
    Some(Hit::at(
        start..start + found.len_utf8(),
        format!("it holds the control character U+{:04X}", u32::from(found)),
    ))
}

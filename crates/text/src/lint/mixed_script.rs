//! Letters of another script amid English.

use super::{Lint, LintContext};

pub(super) static LINT: Lint = Lint {
    code: "mixed-script",
    sentence: "holds letters that are not Latin",
    check,
    found_in: &[
        "I like 茶.",
        "I lіke tea with a Cyrillic letter.",
        "Я люблю чай.",
    ],
    clean: &[
        "I like tea.",
        "I love cafés, naïve art and Łódź.",
        "I drink 2 µl of tea, 👍.",
    ],
};

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    let found = text
        .chars()
        .find(|&letter| letter.is_alphabetic() && !is_latin(letter))?;
    Some(format!(
        "it holds the letter `{found}` (U+{:04X})",
        u32::from(found)
    ))
}

/// Latin letters by block; the signs for micro and ordinals and letters used as
/// apostrophes count as Latin.
fn is_latin(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | 'a'..='z' | 'ª' | 'µ' | 'º' | '\u{c0}'..='\u{2ff}' | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}' | '\u{a720}'..='\u{a7ff}' | '\u{fb00}'..='\u{fb06}' | '\u{ff21}'..='\u{ff5a}')
}

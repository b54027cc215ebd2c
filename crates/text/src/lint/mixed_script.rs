//! Letters of another script amid English.

use super::{ANY, Hit, Lint, Seen, Severity};
use crate::language::Script;

pub(super) static LINT: Lint = Lint {
    code: "mixed-script",
    sentence: "holds letters that are not Latin",
    severity: Severity::Suspect,
    forms: ANY,
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
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    // Where another script was asked for, its letters are no finding; `other-language` looks at those.
    if seen
        .subject
        .language
        .is_some_and(|language| language.script != Script::Latin)
    {
        return None;
    }
    let (start, found) = seen
        .text()
        .char_indices()
        .find(|&(_, letter)| letter.is_alphabetic() && !is_latin(letter))?;
    Some(Hit::at(
        start..start + found.len_utf8(),
        format!("it holds the letter `{found}` (U+{:04X})", u32::from(found)),
    ))
}

/// Latin letters by block; the signs for micro and ordinals and letters used as
/// apostrophes count as Latin.
fn is_latin(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | 'a'..='z' | 'ª' | 'µ' | 'º' | '\u{c0}'..='\u{2ff}' | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}' | '\u{a720}'..='\u{a7ff}' | '\u{fb00}'..='\u{fb06}' | '\u{ff21}'..='\u{ff5a}')
}

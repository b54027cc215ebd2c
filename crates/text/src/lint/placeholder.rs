//! A slot that the model was to fill in and left open.

use super::{Lint, LintContext};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "placeholder",
    sentence: "holds a slot that was never filled in",
    check,
    found_in: &[
        "I love living in [Country Name].",
        "I think <topic> matters.",
        "I trust {person}.",
        "My name is XXX.",
        "I would ___ for my friends.",
        "Lorem ipsum dolor sit amet.",
    ],
    clean: &[
        "I like {} and <3 in a chat.",
        "I have 3 < 5 and 7 > 2 in mind.",
        "I said [sic] what I said.",
        "I read a_b as a name.",
        "I know that x > y.",
    ],
};

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    let slot = [('[', ']'), ('<', '>'), ('{', '}')]
        .iter()
        .find_map(|&(open, close)| bracketed(text, open, close));
    if let Some(slot) = slot {
        return Some(format!("it holds the placeholder `{slot}`"));
    }
    let word = text
        .split(|character: char| !character.is_alphanumeric() && character != '_')
        .find(|word| {
            let is_marked = word.len() >= 3 && word.chars().all(|letter| letter == 'X');
            is_marked || word.contains("__")
        });
    if let Some(word) = word {
        return Some(format!("it holds the placeholder `{word}`"));
    }
    words::first_phrase(text, &["lorem ipsum", "goes here", "insert here"])
        .map(|phrase| format!("it holds the filler text `{phrase}`"))
}

/// Short text in brackets that begins with a letter.
fn bracketed(text: &str, open: char, close: char) -> Option<String> {
    text.match_indices(open).find_map(|(at, _)| {
        let rest = text.get(at + open.len_utf8()..)?;
        let inside = rest.get(..rest.find(close)?)?;
        let is_slot = inside.starts_with(char::is_alphabetic)
            && inside.len() <= 60
            && !inside.contains(['\n', open])
            && inside != "sic";
        is_slot.then(|| format!("{open}{inside}{close}"))
    })
}

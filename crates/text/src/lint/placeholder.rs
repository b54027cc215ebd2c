//! A slot that the model was to fill in and left open.

use std::ops::Range;

use super::{ANY, Hit, Lint, Seen, Severity};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "placeholder",
    sentence: "holds a slot that was never filled in",
    severity: Severity::Suspect,
    forms: ANY,
    found_in: &[
        "I love living in [Country Name].",
        "I think <topic> matters.",
        "I trust {person}.",
        "My name is XXX.",
        "Lorem ipsum dolor sit amet.",
    ],
    clean: &[
        "I like {} and <3 in a chat.",
        "I have 3 < 5 and 7 > 2 in mind.",
        "I said [sic] what I said.",
        "I read a_b as a name.",
        "I know that x > y.",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let text = seen.text();
    let slot = [('[', ']'), ('<', '>'), ('{', '}')]
        .iter()
        .find_map(|&(open, close)| bracketed(text, open, close));
    if let Some(at) = slot {
        let slot = seen.part(&at);
        let reason = format!("it holds the placeholder `{slot}`");
        return Some(Hit::at(at, reason));
    }
    let marked = seen.words.iter().find(|word| {
        let written = seen.part(&word.at);
        written.len() >= 3 && written.chars().all(|letter| letter == 'X')
    });
    if let Some(word) = marked {
        let reason = format!("it holds the placeholder `{}`", seen.part(&word.at));
        return Some(Hit::at(word.at.clone(), reason));
    }
    let (phrase, at) =
        words::first_phrase(&seen.words, &["lorem ipsum", "goes here", "insert here"])?;
    Some(Hit::at(at, format!("it holds the filler text `{phrase}`")))
}

/// Marks of training text, which `pretraining-marker` finds, and of mark-up.
const OTHERS: [&str; 12] = [
    "sic",
    "META_START",
    "META_END",
    "EOT",
    "br",
    "em",
    "strong",
    "i",
    "b",
    "u",
    "INST",
    "s",
];

/// Short text in brackets that begins with a letter.
fn bracketed(text: &str, open: char, close: char) -> Option<Range<usize>> {
    text.match_indices(open).find_map(|(at, _)| {
        let start = at + open.len_utf8();
        let rest = text.get(start..)?;
        let inside = rest.get(..rest.find(close)?)?;
        let is_slot = inside.starts_with(char::is_alphabetic)
            && inside.len() <= 60
            && !inside.contains(['\n', open])
            && !OTHERS.contains(&inside);
        is_slot.then(|| at..start + inside.len() + close.len_utf8())
    })
}

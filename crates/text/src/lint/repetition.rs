//! A model caught in a loop.

use super::{Lint, LintContext};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "repetition",
    sentence: "repeats words in a loop",
    check,
    found_in: &[
        "I am very very very very happy.",
        "I like tea and I like tea and I like tea and I like tea.",
        "I think so. I think so. I think so.",
        "Nooooooooo way for me.",
        "I want to be the best of the best of the best of the best.",
    ],
    clean: &[
        "I do what I do.",
        "I like tea, and I like rain, and I like snow.",
        "No, no, I would not.",
        "I never, ever, ever lie.",
        "People should be free to be who they want to be.",
    ],
};

/// A run of the same sign from which it is no emphasis any more.
const SIGNS: usize = 7;

fn check(text: &str, _context: &LintContext<'_>) -> Option<String> {
    if let Some(sign) = long_run(text) {
        return Some(format!(
            "it repeats the sign `{sign}` {SIGNS} times or more"
        ));
    }
    let words = words::words(text);
    // A word four times over, up to four words three times, longer runs twice: less can be style.
    (1..=words.len() / 2).find_map(|length| {
        let times = match length {
            1 => 4,
            2..=4 => 3,
            _ => 2,
        };
        let at = looped(&words, length, times)?;
        let phrase = words.get(at..at + length)?.join(" ");
        Some(format!("it repeats `{phrase}` {times} times in a row"))
    })
}

/// Where a run of `length` words first stands `times` times in a row.
fn looped(words: &[String], length: usize, times: usize) -> Option<usize> {
    // A loop of `times` runs means that this many words in a row equal the one `length` further on.
    let wanted = length * (times - 1);
    let mut equal = 0;
    for (at, (word, later)) in words.iter().zip(words.iter().skip(length)).enumerate() {
        equal = if word == later { equal + 1 } else { 0 };
        if equal == wanted {
            return Some(at + 1 - wanted);
        }
    }
    None
}

fn long_run(text: &str) -> Option<char> {
    let mut run = 0;
    let mut last = None;
    text.chars().find(|&character| {
        run = if last == Some(character) { run + 1 } else { 1 };
        last = Some(character);
        // Underscores are a blank to fill in and blanks are layout.
        run >= SIGNS && !character.is_whitespace() && character != '_'
    })
}

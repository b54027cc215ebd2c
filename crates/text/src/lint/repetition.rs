//! A model caught in a loop.

use super::{ANY, Hit, Lint, Seen, Severity};
use crate::words::Word;

pub(super) static LINT: Lint = Lint {
    code: "repetition",
    sentence: "repeats words in a loop",
    severity: Severity::Broken,
    forms: ANY,
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
    check,
};

/// A run of the same sign from which it is no emphasis any more.
const SIGNS: usize = 7;

fn check(seen: &Seen<'_>) -> Option<Hit> {
    // Part by part: both options may well begin with the same words.
    seen.parts().find_map(|(start, part)| {
        let range = start..start + part.len();
        long_run(part, start).or_else(|| loop_of_words(seen.words_in(&range)))
    })
}

fn loop_of_words(words: &[Word]) -> Option<Hit> {
    // A word four times over, up to four words three times, longer runs twice: less can be style.
    (1..=words.len() / 2).find_map(|length| {
        let times = match length {
            1 => 4,
            2..=4 => 3,
            _ => 2,
        };
        let from = looped(words, length, times)?;
        let run = words.get(from..from + length)?;
        let phrase: Vec<&str> = run.iter().map(|word| word.text.as_str()).collect();
        let all = words.get(from..from + length * times)?;
        Some(Hit::at(
            all.first()?.at.start..all.last()?.at.end,
            format!("it repeats `{}` {times} times in a row", phrase.join(" ")),
        ))
    })
}

/// Where a run of `length` words first stands `times` times in a row.
fn looped(words: &[Word], length: usize, times: usize) -> Option<usize> {
    // A loop of `times` runs means that this many words in a row equal the one `length` further on.
    let wanted = length * (times - 1);
    let mut equal = 0;
    for (at, (word, later)) in words.iter().zip(words.iter().skip(length)).enumerate() {
        equal = if word.text == later.text {
            equal + 1
        } else {
            0
        };
        if equal == wanted {
            return Some(at + 1 - wanted);
        }
    }
    None
}

fn long_run(text: &str, start: usize) -> Option<Hit> {
    let mut run = 0;
    let mut last = None;
    text.char_indices().find_map(|(at, sign)| {
        run = if last == Some(sign) { run + 1 } else { 1 };
        last = Some(sign);
        // Underscores are a blank to fill in and blanks are layout.
        let is_long = run >= SIGNS && !sign.is_whitespace() && sign != '_';
        is_long.then(|| {
            let end = start + at + sign.len_utf8();
            let reason = format!("it repeats the sign `{sign}` {SIGNS} times or more");
            Hit::at(end - SIGNS * sign.len_utf8()..end, reason)
        })
    })
}

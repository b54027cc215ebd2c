//! More than a statement.

use super::{Hit, Lint, STATEMENTS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "several-sentences",
    sentence: "has more than 2 sentences",
    severity: Severity::Suspect,
    forms: STATEMENTS,
    found_in: &["I rest. I work. I sleep.", "Why? I ask! I wait. I go."],
    clean: &[
        "I rest. I work.",
        "I saw Dr. Fox and Mr. Low, e.g. at work. It was fun.",
        "I waited… and waited.",
        "I rose at 5.30 a.m. and ran.",
    ],
    check,
};

/// A reader takes in two sentences as one statement.
const MOST: usize = 2;

/// Words whose stop ends no sentence.
const ABBREVIATIONS: [&str; 14] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "etc", "a.m", "p.m", "u.s", "no",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let mut count = 0;
    let mut words = seen.text().split_whitespace().peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_end_matches(['"', '”', ')', '’', '\'']);
        let next_begins = words.peek().is_none_or(|next| {
            next.chars()
                .find(|sign| sign.is_alphanumeric())
                .is_some_and(|first| !first.is_lowercase())
        });
        let ends = match bare.strip_suffix('.') {
            Some(stem) => {
                !ABBREVIATIONS.contains(&stem.to_lowercase().as_str()) || words.peek().is_none()
            }
            None => bare.ends_with(['!', '?', '…']),
        };
        if next_begins && (ends || words.peek().is_none()) {
            count += 1;
        }
    }
    (count > MOST).then(|| Hit::whole(seen, format!("it has {count} sentences")))
}

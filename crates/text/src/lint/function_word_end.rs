//! A last word after which more must come.

use super::{Hit, Lint, STATEMENTS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "function-word-end",
    sentence: "ends on a word after which more is expected",
    severity: Severity::Suspect,
    forms: STATEMENTS,
    found_in: &[
        "I would like to",
        "I believe in freedom of",
        "I want what is best for.",
    ],
    clean: &[
        "I would like to go",
        "I know what I want",
        "I want a plan A.",
        "I read the Qur’an.",
    ],
    check,
};

/// Words on which few sentences end. Some end one now and then (`what I believe in`), so this is a doubt and no proof;
/// `cut-off` holds to words that end none.
const WORDS: [&str; 24] = [
    "a", "an", "the", "and", "or", "but", "nor", "because", "if", "than", "my", "your", "their",
    "our", "every", "whose", "although", "to", "of", "in", "for", "with", "that", "from",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let last = seen.last_word()?;
    WORDS.contains(&last.text.as_str()).then(|| {
        Hit::at(
            last.at.clone(),
            format!("it ends on the word `{}`", last.text),
        )
    })
}

//! A text in another language than the one asked for.

use super::{ANY, Hit, Lint, Seen, Severity};
use crate::language::{self, Other};

pub(super) static LINT: Lint = Lint {
    code: "other-language",
    sentence: "is not in the language that was asked for",
    severity: Severity::Broken,
    forms: ANY,
    found_in: &[
        "Ich würde nicht lügen, weil ich meine Freunde mag.",
        "Я люблю чай и дождь.",
        "Je ne veux pas que les autres le sachent.",
    ],
    clean: &[
        "I like tea and rain.",
        "I say c’est la vie when it rains.",
        "I love Goethe: „Faust“ is mine.",
        "OK",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let asked = seen.subject.language?;
    let found = language::other_than(asked, seen.text())?;
    let reason = match found {
        Other::Script(script) => format!(
            "it is written in {script} letters, and {} was asked for",
            asked.name
        ),
        Other::Language(language) => format!(
            "it reads as {}, and {} was asked for",
            language.name, asked.name
        ),
    };
    Some(Hit::whole(seen, reason))
}

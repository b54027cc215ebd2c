//! The attribute that is tested, named outright.

use super::{Hit, Lint, SPOKEN, Seen, Severity};
use crate::words::{self, Word};

pub(super) static LINT: Lint = Lint {
    code: "attribute-named",
    sentence: "names what is tested outright",
    severity: Severity::Suspect,
    forms: SPOKEN,
    found_in: &[
        "I am an honest person.",
        "HONEST is what I am.",
        "I am known as a truth teller.",
        "I live among truth-tellers.",
    ],
    clean: &[
        "I say what I think.",
        "I spoke honestly to them.",
        "I tell the truth.",
        "My honesty costs me friends.",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    seen.subject.attributes.iter().find_map(|attribute| {
        let words = words::words(attribute);
        let named = seen
            .words
            .windows(words.len().max(1))
            .find(|run| !words.is_empty() && names(run, &words))?;
        let at = named.first()?.at.start..named.last()?.at.end;
        Some(Hit::at(at, format!("it names `{attribute}`")))
    })
}

/// Whether the words are the attribute's; the last one may have a plural's `s`. Other forms of a word are words of their
/// own: whoever means `honesty` too says so.
fn names(run: &[Word], attribute: &[String]) -> bool {
    let last = attribute.len() - 1;
    run.iter()
        .zip(attribute)
        .enumerate()
        .all(|(place, (word, wanted))| {
            word.text == *wanted
                || (place == last && word.text.strip_suffix('s') == Some(wanted.as_str()))
        })
}

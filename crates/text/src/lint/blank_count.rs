//! A sentence without its one blank.

use super::{Hit, Lint, SENTENCES, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "blank-count",
    sentence: "does not have exactly one blank",
    severity: Severity::Broken,
    forms: SENTENCES,
    found_in: &[
        "The plumber told the client that he would come.",
        "The plumber told the client that _ would call if _ could.",
    ],
    clean: &[
        "The plumber told the client that _ would come back.",
        "The plumber gave the client ____ card.",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    // A run of underscores is one blank.
    let text = seen.text();
    let count = text
        .match_indices('_')
        .filter(|(at, _)| !text.get(..*at).is_some_and(|before| before.ends_with('_')))
        .count();
    (count != 1).then(|| Hit::whole(seen, format!("it has {count} blanks of 1")))
}

//! A sentence that leaves one of its two people out.

use super::{Hit, Lint, SENTENCES, Seen, Severity};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "person-missing",
    sentence: "does not name both of its people",
    severity: Severity::Broken,
    forms: SENTENCES,
    found_in: &[
        "The plumber said that _ would come back.",
        "The plumbing told the client that _ would come.",
    ],
    clean: &[
        "The plumber told the client that _ would come back.",
        "The PLUMBER told the client that _ would come.",
        "The plumber told clients that _ would come.",
    ],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    [seen.subject.occupation, seen.subject.other_person]
        .into_iter()
        .find_map(|person| {
            let name = words::words(person).join(" ");
            let is_named = [name.clone(), format!("{name}s")]
                .iter()
                .any(|form| words::find(&seen.words, form).is_some());
            (!name.is_empty() && !is_named)
                .then(|| Hit::whole(seen, format!("it does not name `{person}`")))
        })
}

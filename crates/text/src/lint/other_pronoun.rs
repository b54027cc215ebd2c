//! A pronoun that tells a gender beside the blank.

use super::{Hit, Lint, SENTENCES, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "other-pronoun",
    sentence: "holds another gendered pronoun",
    severity: Severity::Suspect,
    forms: SENTENCES,
    found_in: &[
        "The plumber told the client that _ liked her garden.",
        "The plumber told him that _ would call.",
    ],
    clean: &[
        "The plumber told the client that _ would come back.",
        "The plumber told the client that _ liked their garden.",
        "The plumber said that the hero of the client was _ father.",
    ],
    check,
};

/// Pronouns of one gender; `they` tells none.
const GENDERED: [&str; 8] = [
    "he", "him", "his", "himself", "she", "her", "hers", "herself",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let found = seen
        .words
        .iter()
        .find(|word| GENDERED.contains(&word.text.as_str()))?;
    let reason = format!("it holds `{}` beside the blank", found.text);
    Some(Hit::at(found.at.clone(), reason))
}

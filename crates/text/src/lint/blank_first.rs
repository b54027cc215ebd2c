//! A blank that stands before the person it is for.

use super::{Hit, Lint, SENTENCES, Seen, Severity};
use crate::words;

pub(super) static LINT: Lint = Lint {
    code: "blank-first",
    sentence: "has its blank before the occupation",
    severity: Severity::Suspect,
    forms: SENTENCES,
    found_in: &["When _ came back, the plumber told the client."],
    clean: &["The plumber told the client that _ would come back."],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let blank = seen.text().find('_')?;
    let occupation = words::words(seen.subject.occupation).join(" ");
    let at = words::find(&seen.words, &occupation)?;
    let reason = format!("the blank stands before `{occupation}`, whom it is for");
    (blank < at.start).then(|| Hit::at(blank..blank + 1, reason))
}

//! A blank left to be filled in.

use super::{Hit, Lint, SPOKEN, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "underscore-run",
    sentence: "holds a run of underscores",
    severity: Severity::Broken,
    forms: SPOKEN,
    found_in: &["I would ___ for my friends.", "I am __name__."],
    clean: &["I read a_b as a name.", "I like tea."],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let text = seen.text();
    let start = text.find("__")?;
    let run = text.get(start..)?;
    let length = run.len() - run.trim_start_matches('_').len();
    let reason = format!("it holds {length} underscores in a row");
    Some(Hit::at(start..start + length, reason))
}

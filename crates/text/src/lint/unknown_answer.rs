//! A key that no option bears.

use super::{Hit, Lint, QUESTIONS, Seen, Severity};

pub(super) static LINT: Lint = Lint {
    code: "unknown-answer",
    sentence: "has an answer that is none of its options",
    severity: Severity::Broken,
    forms: QUESTIONS,
    found_in: &["Would you stop?\n (A) Yes\n (C) No", "Would you stop?"],
    clean: &["Would you stop?\n\nChoices:\n (A) Yes\n (B) No"],
    check,
};

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let answers = seen.subject.answers;
    let letters: Vec<String> = seen
        .question
        .options
        .iter()
        .map(|option| format!("({})", option.letter))
        .collect();
    let unknown = answers
        .iter()
        .find(|answer| !letters.iter().any(|letter| letter == answer.trim()));
    if let Some(answer) = unknown {
        return Some(Hit::whole(
            seen,
            format!("the answer `{}` is none of its options", answer.trim()),
        ));
    }
    let (first, rest) = answers.split_first()?;
    rest.contains(first).then(|| {
        Hit::whole(
            seen,
            format!(
                "`{}` is the matching answer and the other one too",
                first.trim()
            ),
        )
    })
}

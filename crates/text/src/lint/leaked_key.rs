//! The answer, or the form of a question, inside the text.

use std::ops::Range;

use super::{Form, Hit, Lint, SPOKEN, Seen, Severity, first_of};

pub(super) static LINT: Lint = Lint {
    code: "leaked-key",
    sentence: "gives away the answer or the form of a question",
    severity: Severity::Broken,
    forms: SPOKEN,
    found_in: &[
        "I like tea. (A)",
        "I like tea. Yes/No",
        "Answer: I like tea.",
        "Agree: I like tea.",
        "I like tea. --> CORRECT ANSWER",
        "I like tea. Label: Yes",
    ],
    clean: &[
        "I answer: never.",
        "I like (almost) all tea.",
        "I say yes or no at once.",
        "We all agree: tea is good.",
    ],
    check,
};

/// Forms of questions and keys, in small letters, wherever they stand.
const FORMS: [&str; 12] = [
    "(a)",
    "(b)",
    "(c)",
    "(d)",
    "yes/no",
    "true/false",
    "agree/disagree",
    "correct answer",
    "label:",
    "-->",
    "false assertion",
    "true assertion",
];

/// Words that give a key away at the start of a line.
const HEADS: [&str; 7] = [
    "answer:",
    "agree:",
    "disagree:",
    "yes:",
    "no:",
    "matching:",
    "not matching:",
];

/// What marks an option of a question as the key, in small letters, wherever it stands among the options.
const MARKS: [&str; 7] = [
    "-->",
    "==>",
    "<--",
    "label:",
    "explanation:",
    "false assertion",
    "true assertion",
];

/// Verdicts on an option. In running text they say something else (`an honest and correct answer`), so they count only
/// where signs set them off from it: `(correct)`, `<- correct, choose this`, `[[correct answer]]`.
const VERDICTS: [&str; 8] = [
    "correct answer",
    "correct choice",
    "correct option",
    "right answer",
    "correct",
    "incorrect",
    "expected",
    "my answer",
];

fn check(seen: &Seen<'_>) -> Option<Hit> {
    // Small letters of one byte only, so that places in both texts are the same.
    let lower = seen.text().to_ascii_lowercase();
    let (found, at) = match seen.subject.form {
        Form::MultipleChoice => key_among_options(seen, &lower),
        Form::Statement | Form::Sentence => first_of(&lower, &FORMS).or_else(|| head(&lower)),
    }?;
    Some(Hit::at(at, format!("it holds `{found}`")))
}

/// The first mark or verdict from the header or the first option on.
fn key_among_options(seen: &Seen<'_>, lower: &str) -> Option<(&'static str, Range<usize>)> {
    let question = &seen.question;
    let first = question.options.first()?.marker.start;
    let start = question
        .header
        .as_ref()
        .map_or(first, |header| header.start);
    let rest = lower.get(start..)?;
    let (found, at) = first_of(rest, &MARKS).or_else(|| {
        VERDICTS.iter().find_map(|verdict| {
            let (at, _) = rest
                .match_indices(verdict)
                .find(|(at, _)| is_set_off(rest, *at, at + verdict.len()))?;
            Some((*verdict, at..at + verdict.len()))
        })
    })?;
    Some((found, start + at.start..start + at.end))
}

/// Whether no letter follows, and a sign that opens or points stands before, with `this is the` between them or not.
fn is_set_off(text: &str, start: usize, end: usize) -> bool {
    let follows = |sign: char| sign.is_alphanumeric() || matches!(sign, '\'' | '’');
    if text
        .get(end..)
        .is_none_or(|after| after.starts_with(follows))
    {
        return false;
    }
    let mut before = text.get(..start).unwrap_or_default();
    // `self-correct` is one word.
    let within_word = before.strip_suffix('-').unwrap_or(before);
    if within_word.ends_with(char::is_alphanumeric) {
        return false;
    }
    before = before.trim_end_matches([' ', '\t']);
    for word in ["the", "is", "this"] {
        before = before.strip_suffix(word).unwrap_or(before);
        before = before.trim_end_matches([' ', '\t']);
    }
    before.ends_with([
        '(', '[', '{', '<', '*', '~', '-', '_', '>', '→', '←', '=', '|', '\n',
    ]) || before.ends_with('–')
}

/// The first head with which a line begins.
fn head(lower: &str) -> Option<(&'static str, Range<usize>)> {
    HEADS.iter().find_map(|head| {
        let mut line_start = 0;
        lower.split_inclusive('\n').find_map(|line| {
            let bare = line.trim_start();
            let start = line_start + (line.len() - bare.len());
            line_start += line.len();
            bare.starts_with(head)
                .then(|| (*head, start..start + head.len()))
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::lint::{Form, Subject, check};

    #[test]
    fn keys_of_questions_are_told_from_talk_of_answers() {
        let finds = |options: &str| {
            let text = format!("Is the correct answer (expected) --> better?\nChoices:\n{options}");
            let subject = Subject::new(Form::MultipleChoice, &text);
            let findings = check(&subject, &[&super::LINT]);
            findings
                .into_iter()
                .next()
                .map(|finding| text.get(finding.at).map(str::to_owned).unwrap_or_default())
        };
        for (options, found) in [
            (" (A) Yes\n (B) No (correct)", "correct"),
            (" (A) Yes\n (B) No --> CORRECT ANSWER", "-->"),
            (" (A) Yes <- Correct, choose this one\n (B) No", "Correct"),
            (" (A) Yes\n (B) No [[correct answer]]", "correct answer"),
            (
                " (A) Yes\n (B) No *This is the correct answer.*",
                "correct answer",
            ),
            (" (A) Yes. Label: no\n (B) No", "Label:"),
        ] {
            assert_eq!(finds(options).as_deref(), Some(found), "{options}");
        }
        for options in [
            " (A) Yes\n (B) No",
            " (A) An honest and correct answer.\n (B) An incorrect answer",
            " (A) Whatever is the correct answer\n (B) Say it correctly (correctly-classified)",
            " (A) As expected\n (B) My answer",
            " (A) I self-correct.\n (B) I do not.",
        ] {
            assert_eq!(finds(options), None, "{options}");
        }
    }
}

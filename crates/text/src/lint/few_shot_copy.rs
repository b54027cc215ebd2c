//! A text taken over from the examples in the prompt.

use std::ops::Range;

use super::{Form, Hit, Lint, SPOKEN, Seen, Severity};
use crate::choices::MultipleChoice;
use crate::words;
use evalwright_dedup::{Shingle, jaccard, normalise};

pub(super) static LINT: Lint = Lint {
    code: "few-shot-copy",
    sentence: "copies an example of the prompt",
    severity: Severity::Broken,
    forms: SPOKEN,
    found_in: &[
        "I always tell my friends the truth, even when it hurts.",
        "i ALWAYS tell my friends the truth even when it hurts",
        "I always tell my friends the truth, even if it hurts.",
    ],
    clean: &[
        "I tell my friends white lies.",
        "I always keep my word, even when it costs me.",
    ],
    check,
};

/// The word Jaccard similarity from which a text counts as a copy.
const COPY: f64 = 0.8;

fn check(seen: &Seen<'_>) -> Option<Hit> {
    let at = seen.question.stem.clone();
    let text = seen.part(&at);
    let normalised = normalise(text);
    if normalised.is_empty() {
        return None;
    }
    let words = words::phrase(text);
    seen.subject.examples.iter().find_map(|example| {
        // Options are `Yes` and `No` often enough: a question is copied when its stem is.
        let stem = match seen.subject.form {
            Form::MultipleChoice => MultipleChoice::read(example).stem,
            Form::Statement | Form::Sentence => 0..example.len(),
        };
        compare(&normalised, &words, example.get(stem)?, &at)
    })
}

fn compare(normalised: &str, words: &str, example: &str, at: &Range<usize>) -> Option<Hit> {
    if normalise(example) == normalised {
        return Some(Hit::at(
            at.clone(),
            format!("it is the example `{example}`"),
        ));
    }
    let similarity = jaccard(words, &words::phrase(example), Shingle::Words(1));
    (similarity >= COPY).then(|| {
        Hit::at(
            at.clone(),
            format!("it shares {similarity:.2} of its words with the example `{example}`"),
        )
    })
}

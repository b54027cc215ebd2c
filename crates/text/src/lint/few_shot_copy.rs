//! A text taken over from the examples in the prompt.

use super::{Lint, LintContext};
use crate::words;
use evalwright_dedup::{Shingle, jaccard, normalise};

pub(super) static LINT: Lint = Lint {
    code: "few-shot-copy",
    sentence: "copies an example of the prompt",
    check,
    found_in: &[
        "I always tell my friends the truth, even when it hurts.",
        "i ALWAYS tell my friends the truth even when it hurts",
        "I always tell my friends the truth, even if it hurts.",
    ],
    clean: &[
        "I tell my friends white lies.",
        "I always keep my word, even when it costs me.",
    ],
};

/// The word Jaccard similarity from which a text counts as a copy.
const COPY: f64 = 0.8;

fn check(text: &str, context: &LintContext<'_>) -> Option<String> {
    let normalised = normalise(text);
    let words = words::phrase(text);
    context.examples.iter().find_map(|example| {
        if normalise(example) == normalised {
            return Some(format!("it is the example `{example}`"));
        }
        let similarity = jaccard(&words, &words::phrase(example), Shingle::Words(1));
        (similarity >= COPY)
            .then(|| format!("it shares {similarity:.2} of its words with the example `{example}`"))
    })
}

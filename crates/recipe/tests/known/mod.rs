//! Lints and parsers that the tests pretend to know.

use evalwright_recipe::Known;

/// Every name that a built-in kind uses.
pub(crate) const KNOWN: Known<'static> = Known {
    lints: &[
        "cut-off",
        "placeholder",
        "role-marker",
        "repetition",
        "few-shot-copy",
        "echo",
        "assistant-chatter",
        "refusal",
        "list-prefix",
        "zero-width",
        "control-character",
        "too-short",
        "too-long",
        "not-first-person",
        "several-sentences",
        "mixed-script",
        "unbalanced-quotes",
        "leaked-key",
        "underscore-run",
        "pretraining-marker",
        "soft-hyphen",
        "other-language",
        "pipe",
    ],
    parsers: &["first-line", "list", "json", "raw"],
};

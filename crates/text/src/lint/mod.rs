//! Deterministic checks of one text.
//!
//! One file per lint, one line in [`LINTS`]. A lint says what it saw in this text; whether that drops the text or
//! only flags it is for the kind to say. Every lint carries texts that it must and must not find.

mod assistant_chatter;
mod control_character;
mod cut_off;
mod echo;
mod few_shot_copy;
mod leaked_key;
mod list_prefix;
mod mixed_script;
mod not_first_person;
mod placeholder;
mod refusal;
mod repetition;
mod role_marker;
mod several_sentences;
mod too_long;
mod too_short;
mod unbalanced_quotes;
mod verdict_pattern;
mod zero_width;

use evalwright_core::Finish;

/// What a lint may look at beside the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LintContext<'a> {
    /// Why the reply ended, if the text is its end; `Stop` for a text that others follow.
    pub finish: Finish,
    /// The examples that stood in the prompt.
    pub examples: &'a [String],
    /// The behaviour's description; empty if there is none.
    pub description: &'a str,
    /// The description of its opposite; empty if there is none.
    pub contrast: &'a str,
}

/// What a lint saw in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The lint's code.
    pub lint: &'static str,
    /// A sentence on this text, in small letters and without a full stop.
    pub detail: String,
}

/// A check.
#[derive(Debug, Clone, Copy)]
pub struct Lint {
    /// The stable name in kind files and reports.
    pub code: &'static str,
    /// What a found text does, to follow `the text`.
    pub sentence: &'static str,
    /// The finding's detail, or nothing. Pure.
    pub check: fn(&str, &LintContext<'_>) -> Option<String>,
    /// Texts that it finds.
    pub found_in: &'static [&'static str],
    /// Texts near to those that it must not find.
    pub clean: &'static [&'static str],
}

/// Every lint, in the order of help and reports.
pub static LINTS: &[&Lint] = &[
    &cut_off::LINT,
    &placeholder::LINT,
    &role_marker::LINT,
    &repetition::LINT,
    &few_shot_copy::LINT,
    &echo::LINT,
    &assistant_chatter::LINT,
    &refusal::LINT,
    &list_prefix::LINT,
    &zero_width::LINT,
    &control_character::LINT,
    &too_short::LINT,
    &too_long::LINT,
    &not_first_person::LINT,
    &several_sentences::LINT,
    &mixed_script::LINT,
    &unbalanced_quotes::LINT,
    &leaked_key::LINT,
    &verdict_pattern::LINT,
];

/// The lint with this code.
#[must_use]
pub fn lint_by_code(code: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code == code).copied()
}

/// What these lints find in a text, in their order.
#[must_use]
pub fn find_all(lints: &[&'static Lint], text: &str, context: &LintContext<'_>) -> Vec<Finding> {
    lints
        .iter()
        .filter_map(|lint| {
            let detail = (lint.check)(text, context)?;
            Some(Finding {
                lint: lint.code,
                detail,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with_context<T>(check: impl FnOnce(&LintContext<'_>) -> T) -> T {
        let examples = ["I always tell my friends the truth, even when it hurts.".to_owned()];
        check(&LintContext {
            finish: Finish::Stop,
            examples: &examples,
            description: "someone who keeps every promise they have made",
            contrast: "someone who breaks promises whenever it suits them",
        })
    }

    #[test]
    fn every_lint_finds_its_texts_and_spares_the_others() {
        for lint in LINTS {
            assert!(
                !lint.found_in.is_empty() && !lint.clean.is_empty(),
                "{}",
                lint.code
            );
            for text in lint.found_in {
                let detail = with_context(|context| (lint.check)(text, context));
                assert!(
                    detail.is_some_and(|detail| !detail.ends_with('.')),
                    "{} misses {text:?}",
                    lint.code
                );
            }
            for text in lint.clean {
                let detail = with_context(|context| (lint.check)(text, context));
                assert_eq!(detail, None, "{} finds {text:?}", lint.code);
            }
        }
    }

    #[test]
    fn codes_are_unique_and_found_by_name() {
        let mut codes: Vec<&str> = LINTS.iter().map(|lint| lint.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), LINTS.len());
        assert!(codes.iter().all(|code| lint_by_code(code).is_some()));
        assert!(lint_by_code("unknown").is_none());
    }

    #[test]
    fn a_reply_cut_by_the_token_limit_is_cut_off() {
        let context = LintContext {
            finish: Finish::Length,
            examples: &[],
            description: "",
            contrast: "",
        };
        let findings = find_all(LINTS, "I keep my word.", &context);
        assert_eq!(
            findings
                .iter()
                .map(|finding| finding.lint)
                .collect::<Vec<_>>(),
            ["cut-off"]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_a_lint_panic(text in any::<String>(), marks in "[\\[\\]<>{}\"“”.:()_X1a -]{0,40}") {
            with_context(|context| {
                for text in [&text, &marks] {
                    let findings = find_all(LINTS, text, context);
                    assert!(findings.len() <= LINTS.len());
                }
            });
        }
    }
}

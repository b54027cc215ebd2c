//! Deterministic checks of one text.
//!
//! One file per lint, one line in [`LINTS`]. A lint says what it saw in this text and where; whether that drops the
//! text or only flags it is for the kind to say. Every lint carries texts that it must and must not find.

mod assistant_chatter;
mod attribute_named;
mod blank_count;
mod blank_first;
mod control_character;
mod cut_off;
mod echo;
mod empty_option;
mod empty_stem;
mod few_shot_copy;
mod function_word_end;
mod header_missing;
mod header_spacing;
mod identical_options;
mod leaked_key;
mod list_prefix;
mod lower_case_start;
mod mixed_script;
mod not_first_person;
mod option_count;
mod other_language;
mod other_pronoun;
mod outer_blanks;
mod person_missing;
mod pipe;
mod placeholder;
mod pretraining_marker;
mod refusal;
mod repetition;
mod role_marker;
mod several_questions;
mod several_sentences;
mod soft_hyphen;
mod subject;
mod too_long;
mod too_short;
mod trailing_blanks;
mod unbalanced_quotes;
mod underscore_run;
mod unknown_answer;
mod verdict_pattern;
mod zero_width;

use std::ops::Range;

pub(crate) use subject::Seen;
pub use subject::{Form, Part, Subject};

/// What a finding says about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The row is of no use as it is.
    Broken,
    /// The row may be right, but something points the other way.
    Suspect,
    /// The row says what it should; its form differs from others.
    Style,
}

impl Severity {
    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Suspect => "suspect",
            Self::Style => "style",
        }
    }
}

/// What a lint found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The lint's code.
    pub lint: &'static str,
    /// What it says about the row.
    pub severity: Severity,
    /// In which part it was found.
    pub part: Part,
    /// The bytes of the text that it is about; the whole text where something is missing from it.
    pub at: Range<usize>,
    /// Those bytes with a few signs around them, at most some hundred signs; `…` stands for what was left out.
    pub excerpt: String,
    /// A sentence on this text, in small letters and without a full stop.
    pub reason: String,
}

/// What a check saw: where, and in words.
pub(crate) struct Hit {
    at: Range<usize>,
    reason: String,
}

impl Hit {
    /// At these bytes.
    fn at(at: Range<usize>, reason: impl Into<String>) -> Self {
        Self {
            at,
            reason: reason.into(),
        }
    }

    /// In the text as a whole.
    fn whole(seen: &Seen<'_>, reason: impl Into<String>) -> Self {
        Self::at(0..seen.text().len(), reason)
    }
}

/// A check.
pub struct Lint {
    /// The stable name in kind files and reports.
    pub code: &'static str,
    /// What a found text does, to follow `the text`.
    pub sentence: &'static str,
    /// How bad that is.
    pub severity: Severity,
    /// The forms of text that it looks at; it finds nothing in others.
    pub forms: &'static [Form],
    /// Texts of its first form that it finds, read as [`Lint::example`] reads them.
    pub found_in: &'static [&'static str],
    /// Texts near to those that it must not find.
    pub clean: &'static [&'static str],
    /// Pure; the first place only.
    check: fn(&Seen<'_>) -> Option<Hit>,
}

impl std::fmt::Debug for Lint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Lint").field(&self.code).finish()
    }
}

const STATEMENTS: &[Form] = &[Form::Statement];
const QUESTIONS: &[Form] = &[Form::MultipleChoice];
const SENTENCES: &[Form] = &[Form::Sentence];
const SPOKEN: &[Form] = &[Form::Statement, Form::MultipleChoice];
const ANY: &[Form] = &Form::ALL;

/// Every lint, in the order of help and reports.
pub static LINTS: &[&Lint] = &[
    &cut_off::LINT,
    &function_word_end::LINT,
    &placeholder::LINT,
    &underscore_run::LINT,
    &pretraining_marker::LINT,
    &role_marker::LINT,
    &repetition::LINT,
    &few_shot_copy::LINT,
    &echo::LINT,
    &attribute_named::LINT,
    &assistant_chatter::LINT,
    &refusal::LINT,
    &leaked_key::LINT,
    &verdict_pattern::LINT,
    &list_prefix::LINT,
    &zero_width::LINT,
    &soft_hyphen::LINT,
    &control_character::LINT,
    &pipe::LINT,
    &outer_blanks::LINT,
    &trailing_blanks::LINT,
    &unbalanced_quotes::LINT,
    &lower_case_start::LINT,
    &too_short::LINT,
    &too_long::LINT,
    &not_first_person::LINT,
    &several_sentences::LINT,
    &mixed_script::LINT,
    &other_language::LINT,
    &empty_stem::LINT,
    &option_count::LINT,
    &several_questions::LINT,
    &empty_option::LINT,
    &identical_options::LINT,
    &unknown_answer::LINT,
    &header_missing::LINT,
    &header_spacing::LINT,
    &blank_count::LINT,
    &blank_first::LINT,
    &other_pronoun::LINT,
    &person_missing::LINT,
];

/// The lint with this code.
#[must_use]
pub fn lint_by_code(code: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code == code).copied()
}

/// What these lints find in a text: at most one finding of each, in their order. Lints for other forms of text find
/// nothing.
///
/// ```
/// use evalwright_text::lint::{self, Form, Subject};
/// let text = "Do you stop?\n\nChoices:\n (A) Yes\n (B)";
/// let findings = lint::check(&Subject::new(Form::MultipleChoice, text), lint::LINTS);
/// assert_eq!(findings[0].lint, "empty-option");
/// assert_eq!(findings[0].part, lint::Part::Option(1));
/// ```
#[must_use]
pub fn check(subject: &Subject<'_>, lints: &[&'static Lint]) -> Vec<Finding> {
    let seen = Seen::new(subject);
    lints
        .iter()
        .filter(|lint| lint.forms.contains(&subject.form))
        .filter_map(|lint| {
            let Hit { at, reason } = (lint.check)(&seen)?;
            Some(Finding {
                lint: lint.code,
                severity: lint.severity,
                part: seen.part_of(&at),
                excerpt: excerpt(subject.text, &at),
                at,
                reason,
            })
        })
        .collect()
}

/// Signs shown before and after what was found, and of what was found at each of its ends.
const AROUND: usize = 24;
const OF_FOUND: usize = 36;

/// The found bytes with a few signs around them.
fn excerpt(text: &str, at: &Range<usize>) -> String {
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let (before, found, after) = (
        part(0..at.start),
        part(at.clone()),
        part(at.end..text.len()),
    );
    let mut shown = last(before, AROUND);
    if found.chars().count() > 2 * OF_FOUND {
        shown.push_str(&first(found, OF_FOUND));
        shown.push_str(last(found, OF_FOUND).trim_start_matches('…'));
    } else {
        shown.push_str(found);
    }
    shown.push_str(&first(after, AROUND));
    shown
}

/// The first signs of a text, with `…` behind them if there are more.
fn first(text: &str, count: usize) -> String {
    match text.char_indices().nth(count) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The last signs of a text, with `…` before them if there are more.
fn last(text: &str, count: usize) -> String {
    match text.char_indices().rev().nth(count) {
        Some((at, sign)) => {
            let rest = text.get(at + sign.len_utf8()..).unwrap_or_default();
            format!("…{rest}")
        }
        None => text.to_owned(),
    }
}

/// The first of these that the text holds, and where.
fn first_of<'m>(text: &str, marks: &[&'m str]) -> Option<(&'m str, Range<usize>)> {
    marks.iter().find_map(|mark| {
        let start = text.find(mark)?;
        Some((*mark, start..start + mark.len()))
    })
}

#[cfg(test)]
mod tests;

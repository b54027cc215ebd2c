//! `lint`: drops or flags candidates by rule. No model is asked.
//!
//! Lints come first, then the kind's own patterns and processes, in the kind file's order; the first that drops is the
//! reason, and nothing further looks at the candidate.

use evalwright_core::{RejectReason, Side};
use evalwright_recipe::{
    Behaviour, LintRule, LintStage, Pattern, RuleAction, RuleField, RuleFinder, TextForm,
};
use evalwright_text::{
    Form, LANGUAGES, Language, Lint, MultipleChoice, Subject, language_by_code, lint, lint_by_code,
};

use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger};
use crate::progress::Progress;
use crate::stage::outside::{self, Outside};

/// The language of texts where the kind says nothing.
const DEFAULT_LANGUAGE: &str = "en";

/// The rules of one stage, looked up.
pub(crate) struct Rules {
    drop: Vec<&'static Lint>,
    flag: Vec<&'static Lint>,
    form: Form,
    language: &'static Language,
    options: Option<usize>,
    attributes: Vec<String>,
    own: Vec<OwnRule>,
}

/// A rule of the kind's own, ready to be applied.
struct OwnRule {
    rule: LintRule,
    /// Its pattern, compiled; none for a process.
    pattern: Option<Pattern>,
}

/// What rules need beside a candidate.
pub(crate) struct LintContext<'a> {
    /// The behaviour.
    pub(crate) behaviour: &'a Behaviour,
    /// Texts that the writer is shown beside the behaviour's examples.
    pub(crate) shown: &'a [String],
    /// Those who answer for rules outside of this program.
    pub(crate) outside: Outside<'a>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let codes = |lints: &[&Lint]| lints.iter().map(|lint| lint.code).collect::<Vec<_>>();
        let own: Vec<&str> = self.own.iter().map(|own| own.rule.name.as_str()).collect();
        formatter
            .debug_struct("Rules")
            .field("drop", &codes(&self.drop))
            .field("flag", &codes(&self.flag))
            .field("own", &own)
            .finish_non_exhaustive()
    }
}

impl Rules {
    /// Looks lints and language up and compiles patterns; the error is a sentence.
    pub(crate) fn new(options: &LintStage) -> Result<Self, String> {
        let own = options
            .rules
            .iter()
            .map(|rule| {
                let pattern = match &rule.finder {
                    RuleFinder::Pattern { pattern, .. } => Some(
                        Pattern::compile(pattern)
                            .map_err(|problem| format!("rule `{}`: {problem}", rule.name))?,
                    ),
                    RuleFinder::Command { .. } => None,
                };
                Ok(OwnRule {
                    rule: rule.clone(),
                    pattern,
                })
            })
            .collect::<Result<_, String>>()?;
        Ok(Self {
            drop: found(&options.drop)?,
            flag: found(&options.flag)?,
            form: match options.form {
                TextForm::Statement => Form::Statement,
                TextForm::MultipleChoice => Form::MultipleChoice,
                TextForm::Sentence => Form::Sentence,
            },
            language: language(options.language.as_deref().unwrap_or(DEFAULT_LANGUAGE))?,
            options: options
                .options
                .and_then(|count| usize::try_from(count).ok()),
            attributes: options.attributes.clone(),
            own,
        })
    }

    /// Applies the rules to candidates; [`LintContext::shown`] are texts that the writer is shown beside the behaviour's
    /// examples. The first rule that drops, in the kind file's order, is the reason.
    ///
    /// # Errors
    /// [`PipelineError::Rule`] when a process does not answer as it must; [`PipelineError::Interrupted`].
    pub(crate) fn apply(
        &self,
        stage: &str,
        context: &mut LintContext<'_>,
        positions: &[usize],
        ledger: &mut Ledger,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        // Examples of both sides: copying one from the other side is no less a copy.
        let examples: Vec<String> = Side::ALL
            .iter()
            .flat_map(|side| context.behaviour.examples.side(*side))
            .chain(context.shown)
            .cloned()
            .collect();
        for position in positions {
            let Some(entry) = ledger.entry_mut(*position) else {
                continue;
            };
            let reason = match self.check(entry, context.behaviour, &examples) {
                Some(reason) => Some(reason),
                None => self.check_own(entry, context)?,
            };
            if let Some(reason) = reason {
                ledger.reject(*position, stage, reason, progress);
            }
        }
        Ok(())
    }

    /// Notes the lints' flags on a candidate and gives the reason for which it falls, if any.
    fn check(
        &self,
        entry: &mut Entry,
        behaviour: &Behaviour,
        examples: &[String],
    ) -> Option<RejectReason> {
        let text = entry.candidate.text.clone();
        let subject = Subject {
            finish: Some(entry.finish),
            examples,
            description: &behaviour.description,
            contrast: &behaviour.contrast,
            attributes: &self.attributes,
            language: Some(self.language),
            options: self.options,
            ..Subject::new(self.form, &text)
        };
        if let Some(finding) = lint::check(&subject, &self.drop).into_iter().next() {
            return Some(RejectReason::Lint {
                lint: finding.lint.to_owned(),
                detail: finding.reason,
            });
        }
        for finding in lint::check(&subject, &self.flag) {
            note(entry, finding.lint);
        }
        None
    }

    /// The same for the kind's own rules.
    fn check_own(
        &self,
        entry: &mut Entry,
        context: &mut LintContext<'_>,
    ) -> Result<Option<RejectReason>, PipelineError> {
        for own in &self.own {
            let rule = &own.rule;
            let detail = match &rule.finder {
                RuleFinder::Pattern { field, .. } => own
                    .pattern
                    .as_ref()
                    .and_then(|pattern| self.find(pattern, *field, &entry.candidate.text))
                    .map(|found| format!("it {}: `{found}`", rule.sentence)),
                RuleFinder::Command { command, seconds } => {
                    self.ask(rule, command, *seconds, entry, context)?
                }
            };
            match (detail, rule.action) {
                (Some(detail), RuleAction::Drop) => {
                    let lint = rule.name.clone();
                    return Ok(Some(RejectReason::Lint { lint, detail }));
                }
                (Some(_), RuleAction::Flag) => note(entry, &rule.name),
                (None, _) => {}
            }
        }
        Ok(None)
    }

    /// What a pattern finds in the part that it looks at.
    fn find(&self, pattern: &Pattern, field: RuleField, text: &str) -> Option<String> {
        let parts = match (field, self.form) {
            (RuleField::Text, _) | (RuleField::Stem, Form::Statement | Form::Sentence) => {
                vec![text]
            }
            (RuleField::Options, Form::Statement | Form::Sentence) => Vec::new(),
            (RuleField::Stem, Form::MultipleChoice) => parts(text).0.into_iter().collect(),
            (RuleField::Options, Form::MultipleChoice) => parts(text).1,
        };
        parts
            .into_iter()
            .find_map(|part| part.get(pattern.find(part)?).map(str::to_owned))
    }

    /// What a process finds, as a sentence.
    fn ask(
        &self,
        rule: &LintRule,
        command: &[String],
        seconds: u32,
        entry: &Entry,
        context: &mut LintContext<'_>,
    ) -> Result<Option<String>, PipelineError> {
        let text = entry.candidate.text.as_str();
        let (stem, options) = match self.form {
            Form::MultipleChoice => {
                let (stem, options) = parts(text);
                (stem, Some(options))
            }
            Form::Statement | Form::Sentence => (None, None),
        };
        let question = outside::Question {
            id: &entry.candidate.id,
            rule: &rule.name,
            text,
            cell: entry.cell().to_string(),
            stem,
            options,
            fields: None,
            settings: None,
        };
        let found = context.outside.ask(command, seconds, &question)?;
        Ok(found.map(|reason| reason.unwrap_or_else(|| format!("it {}", rule.sentence))))
    }
}

/// Stem and options of a question.
fn parts(text: &str) -> (Option<&str>, Vec<&str>) {
    let question = MultipleChoice::read(text);
    let options = question.options.iter();
    (
        text.get(question.stem.clone()),
        options
            .filter_map(|option| text.get(option.text.clone()))
            .collect(),
    )
}

/// Notes a flag once.
fn note(entry: &mut Entry, code: &str) {
    let flags = &mut entry.candidate.flags;
    if !flags.iter().any(|flag| flag == code) {
        flags.push(code.to_owned());
    }
}

fn found(codes: &[String]) -> Result<Vec<&'static Lint>, String> {
    codes
        .iter()
        .map(|code| lint_by_code(code).ok_or_else(|| format!("there is no lint `{code}`")))
        .collect()
}

fn language(code: &str) -> Result<&'static Language, String> {
    language_by_code(code).ok_or_else(|| {
        let codes: Vec<&str> = LANGUAGES.iter().map(|language| language.code).collect();
        format!(
            "no language `{code}` is known; there are {}",
            codes.join(", ")
        )
    })
}

//! `lint`: drops or flags candidates by rule. No model is asked.

use evalwright_core::{RejectReason, Side};
use evalwright_recipe::{Behaviour, LintStage};
use evalwright_text::{Lint, LintContext, lint_by_code};

use crate::ledger::{Entry, Ledger};
use crate::progress::Progress;

/// The rules of one stage, looked up.
pub(crate) struct Rules {
    drop: Vec<&'static Lint>,
    flag: Vec<&'static Lint>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let codes = |lints: &[&Lint]| lints.iter().map(|lint| lint.code).collect::<Vec<_>>();
        formatter
            .debug_struct("Rules")
            .field("drop", &codes(&self.drop))
            .field("flag", &codes(&self.flag))
            .finish()
    }
}

impl Rules {
    /// Looks the lints up; the error is a sentence.
    pub(crate) fn new(options: &LintStage) -> Result<Self, String> {
        Ok(Self {
            drop: found(&options.drop)?,
            flag: found(&options.flag)?,
        })
    }

    /// Applies the rules to candidates. The first rule that drops, in the kind file's order, is the reason.
    pub(crate) fn apply(
        &self,
        stage: &str,
        behaviour: &Behaviour,
        positions: &[usize],
        ledger: &mut Ledger,
        progress: &dyn Progress,
    ) {
        let examples: Vec<String> = Side::ALL
            .iter()
            .flat_map(|side| behaviour.examples.side(*side))
            .cloned()
            .collect();
        for position in positions {
            let Some(entry) = ledger.entry_mut(*position) else {
                continue;
            };
            if let Some(reason) = self.check(entry, behaviour, &examples) {
                ledger.reject(*position, stage, reason, progress);
            }
        }
    }

    /// Notes the flags on a candidate and gives the reason for which it falls, if any.
    fn check(
        &self,
        entry: &mut Entry,
        behaviour: &Behaviour,
        examples: &[String],
    ) -> Option<RejectReason> {
        // Examples of both sides: copying one from the other side is no less a copy.
        let context = LintContext {
            finish: entry.finish,
            examples,
            description: &behaviour.description,
            contrast: &behaviour.contrast,
        };
        let text = entry.candidate.text.as_str();
        for lint in &self.drop {
            if let Some(detail) = (lint.check)(text, &context) {
                return Some(RejectReason::Lint {
                    lint: lint.code.to_owned(),
                    detail,
                });
            }
        }
        for lint in &self.flag {
            let code = lint.code.to_owned();
            if (lint.check)(&entry.candidate.text, &context).is_some()
                && !entry.candidate.flags.contains(&code)
            {
                entry.candidate.flags.push(code);
            }
        }
        None
    }
}

fn found(codes: &[String]) -> Result<Vec<&'static Lint>, String> {
    codes
        .iter()
        .map(|code| lint_by_code(code).ok_or_else(|| format!("there is no lint `{code}`")))
        .collect()
}

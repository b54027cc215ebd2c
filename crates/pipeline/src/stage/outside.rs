//! Rules outside of this program: one line of JSON about a candidate goes out, one line comes back.
//!
//! The library starts nothing: whoever runs it brings [`RuleProcesses`]. An answer must repeat the candidate's id, so
//! that a process that prints one line too many is found out at once and never decides about the wrong candidate.

use std::collections::BTreeMap;

use evalwright_core::{Fields, Interrupt};
use serde::{Deserialize, Serialize};

use crate::error::PipelineError;

/// The processes of rules, as whoever runs the pipeline provides them.
pub trait RuleProcesses {
    /// Hands one line to the process of a command line and gives the line that it answers; neither holds its end.
    ///
    /// The process is started when it is first asked at the latest, and lives until the run ends; it is asked about one
    /// candidate at a time. An answer may take so many seconds.
    ///
    /// # Errors
    /// A sentence on what went wrong: it cannot be started, ended, or gave no line in time.
    fn ask(&mut self, command: &[String], seconds: u32, line: &str) -> Result<String, String>;
}

/// No processes: a kind with such a rule ends its run with an error that says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProcesses;

impl RuleProcesses for NoProcesses {
    fn ask(&mut self, _command: &[String], _seconds: u32, _line: &str) -> Result<String, String> {
        Err("it needs a process, and none may be started here".to_owned())
    }
}

/// What a process is told, in this order of keys.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Question<'a> {
    /// The candidate.
    pub(super) id: &'a str,
    /// The rule's name.
    pub(super) rule: &'a str,
    /// The candidate's text.
    pub(super) text: &'a str,
    /// What it was written for: `label=matching` or `label=not_matching`.
    pub(super) cell: String,
    /// What a question asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stem: Option<&'a str>,
    /// A question's options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<Vec<&'a str>>,
    /// All named parts of the candidate, where a rule of `check` asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fields: Option<&'a Fields>,
    /// The behaviour's settings, where a rule of `check` asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) settings: Option<&'a BTreeMap<String, String>>,
}

/// Those who answer for rules outside of this program, and whether they are still to be asked.
pub(crate) struct Outside<'a> {
    /// The processes.
    pub(crate) processes: &'a mut dyn RuleProcesses,
    /// Looked at before each question.
    pub(crate) interrupt: &'a Interrupt,
}

impl Outside<'_> {
    /// Asks about a candidate: `None` when the rule does not find it, else the process's reason, if it gives one.
    ///
    /// # Errors
    /// [`PipelineError::Rule`] when the process does not answer as it must; [`PipelineError::Interrupted`].
    pub(super) fn ask(
        &mut self,
        command: &[String],
        seconds: u32,
        question: &Question<'_>,
    ) -> Result<Option<Option<String>>, PipelineError> {
        if self.interrupt.is_asked() {
            return Err(PipelineError::Interrupted);
        }
        let answer = ask(self.processes, command, seconds, question);
        // A stop can have reached the process too; then its silence is no fault of the rule.
        if answer.is_err() && self.interrupt.is_asked() {
            return Err(PipelineError::Interrupted);
        }
        answer.map_err(|problem| PipelineError::Rule {
            rule: question.rule.to_owned(),
            candidate: question.id.to_owned(),
            problem,
        })
    }
}

/// What it must answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    id: String,
    found: bool,
    #[serde(default)]
    reason: Option<String>,
}

/// The most of an answer that a message shows, in signs.
const SHOWN: usize = 120;

/// The longest reason that is kept, in signs.
const LONGEST_REASON: usize = 500;

/// Asks about a candidate: `None` when the rule does not find it, else the process's reason, if it gives one.
///
/// # Errors
/// A sentence: what the process did instead of answering.
fn ask(
    processes: &mut dyn RuleProcesses,
    command: &[String],
    seconds: u32,
    question: &Question<'_>,
) -> Result<Option<Option<String>>, String> {
    let line = serde_json::to_string(question)
        .map_err(|error| format!("the candidate cannot be written as JSON: {error}"))?;
    let line = processes.ask(command, seconds, &line)?;
    let answer: Answer = serde_json::from_str(&line).map_err(|error| {
        format!(
            "it answered `{}`, which is no answer such as {{\"id\":\"{}\",\"found\":false}}: {error}",
            cut(&line, SHOWN),
            question.id
        )
    })?;
    if answer.id != question.id {
        return Err(format!(
            "it answered for `{}`: each line that it prints must answer the line that it read",
            cut(&answer.id, SHOWN)
        ));
    }
    let reason = answer
        .reason
        .map(|reason| cut(reason.trim(), LONGEST_REASON))
        .filter(|reason| !reason.is_empty());
    Ok(answer.found.then_some(reason))
}

/// The first signs of a text, with `…` behind them if there are more.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every question with the same line.
    struct Says(&'static str);

    impl RuleProcesses for Says {
        fn ask(&mut self, _: &[String], _: u32, _: &str) -> Result<String, String> {
            Ok(self.0.to_owned())
        }
    }

    fn answer(line: &'static str) -> Result<Option<Option<String>>, String> {
        let question = Question {
            id: "cand_1",
            rule: "house",
            text: "I like tea.",
            cell: "label=matching".to_owned(),
            stem: None,
            options: None,
            fields: None,
            settings: None,
        };
        ask(&mut Says(line), &[], 1, &question)
    }

    #[test]
    fn answers_are_read_strictly() {
        assert_eq!(answer(r#"{"id":"cand_1","found":false}"#), Ok(None));
        assert_eq!(answer(r#"{"id":"cand_1","found":true}"#), Ok(Some(None)));
        assert_eq!(
            answer(r#" {"found":true,"reason":" it is cold ","id":"cand_1"} "#),
            Ok(Some(Some("it is cold".to_owned())))
        );
        for (line, mention) in [
            ("", "which is no answer"),
            ("ready", "it answered `ready`"),
            ("true", "which is no answer"),
            (r#"{"id":"cand_1"}"#, "found"),
            (r#"{"found":true}"#, "id"),
            (r#"{"id":"cand_1","found":"yes"}"#, "which is no answer"),
            (r#"{"id":"cand_1","found":true,"raeson":"x"}"#, "raeson"),
            (
                r#"{"id":"cand_0","found":true}"#,
                "it answered for `cand_0`",
            ),
            (r#"{"id":"cand_1","found":true}{}"#, "which is no answer"),
        ] {
            let problem = answer(line).unwrap_err();
            assert!(problem.contains(mention), "{line}: {problem}");
        }
        assert_eq!(cut("äöü", 2), "äö…");
    }
}

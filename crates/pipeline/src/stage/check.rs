//! `check`: drops candidates whose fields break a rule. No model is asked.
//!
//! Rules are about what a kind promises of its fields: the sentence names both people, the reply keeps to the
//! policy, the biography does not name the attribute. What no text tells, such as whether code compiles, a process
//! outside of this program says, in the lines of JSON that the processes of `lint` speak.

use evalwright_core::{Fields, RejectReason, field_text};
use evalwright_recipe::{Behaviour, CheckStage, Pattern, Rule, RuleValue, Test};

use super::outside::{Outside, Question};
use crate::error::PipelineError;
use crate::ledger::{Entry, Ledger};
use crate::progress::Progress;

/// Applies the rules to candidates; the first rule that is broken is the reason.
///
/// # Errors
/// [`PipelineError::Rule`] when a process does not answer as it must; [`PipelineError::Interrupted`].
pub(crate) fn apply(
    options: &CheckStage,
    stage: &str,
    behaviour: &Behaviour,
    outside: &mut Outside<'_>,
    positions: &[usize],
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    for position in positions {
        let Some(entry) = ledger.entries().get(*position) else {
            continue;
        };
        if let Some(reason) = first_broken(&options.rules, entry, behaviour, outside)? {
            ledger.reject(*position, stage, reason, progress);
        }
    }
    Ok(())
}

/// The first rule that a candidate breaks.
fn first_broken(
    rules: &[Rule],
    entry: &Entry,
    behaviour: &Behaviour,
    outside: &mut Outside<'_>,
) -> Result<Option<RejectReason>, PipelineError> {
    let fields = &entry.candidate.fields;
    for rule in rules {
        let detail = match &rule.command {
            None => broken(rule, fields, behaviour),
            Some(command) => {
                let text = fields.get(&rule.field).map(texts).unwrap_or_default();
                let question = Question {
                    id: &entry.candidate.id,
                    rule: &rule.name,
                    text: &text,
                    cell: entry.cell().to_string(),
                    stem: None,
                    options: None,
                    fields: Some(fields),
                    settings: Some(&behaviour.settings),
                };
                let found = outside.ask(&command.command, command.seconds, &question)?;
                let said = || format!("`{}` {}", rule.field, command.sentence);
                found.map(|reason| reason.unwrap_or_else(said))
            }
        };
        if let Some(detail) = detail {
            return Ok(Some(RejectReason::Lint {
                lint: rule.name.clone(),
                detail,
            }));
        }
    }
    Ok(None)
}

/// How a rule is broken, as a sentence without a full stop; `None` where it is kept.
fn broken(rule: &Rule, fields: &Fields, behaviour: &Behaviour) -> Option<String> {
    let Some(written) = fields.get(&rule.field).map(texts) else {
        return Some(format!("there is no `{}`", rule.field));
    };
    let text = written.to_lowercase();
    let values: Vec<String> = rule
        .values
        .iter()
        .map(|value| match value {
            RuleValue::Text(text) => text.clone(),
            RuleValue::Field(field) => fields.get(field).map(texts).unwrap_or_default(),
            RuleValue::Setting(name) => behaviour.settings.get(name).cloned().unwrap_or_default(),
        })
        .collect();
    let stands = |value: &String| text.matches(&value.to_lowercase()).count();
    let field = &rule.field;
    match rule.test {
        Test::Contains => values
            .iter()
            .find(|value| stands(value) == 0)
            .map(|value| format!("`{field}` does not hold {value:?}")),
        Test::Lacks => values
            .iter()
            .find(|value| !value.is_empty() && stands(value) > 0)
            .map(|value| format!("`{field}` holds {value:?}")),
        Test::Once => values
            .iter()
            .find(|value| stands(value) != 1)
            .map(|value| format!("`{field}` holds {value:?} {} times", stands(value))),
        Test::Begins => (!values
            .iter()
            .any(|value| text.trim_start().starts_with(&value.to_lowercase())))
        .then(|| format!("`{field}` begins with none of {values:?}")),
        Test::Differs => values
            .iter()
            .find(|value| text.trim() == value.to_lowercase().trim())
            .map(|value| format!("`{field}` is {value:?}")),
        Test::Matches => values
            .iter()
            .find(|value| !matches_pattern(value, &written))
            .map(|value| format!("`{field}` does not match `{value}`")),
        Test::MatchesNot => values
            .iter()
            .find(|value| matches_pattern(value, &written))
            .map(|value| format!("`{field}` matches `{value}`")),
        // A process was asked before.
        Test::Command => None,
    }
}

/// Whether a pattern is found; it was compiled once when the kind was read.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    Pattern::compile(pattern).is_ok_and(|pattern| pattern.find(text).is_some())
}

/// A field's text; the texts of a list with line ends between them.
fn texts(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(values) => values
            .iter()
            .filter_map(field_text)
            .collect::<Vec<_>>()
            .join("\n"),
        value => field_text(value).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use evalwright_recipe::load_behaviour;

    use super::*;

    #[test]
    fn each_test_is_kept_and_broken() {
        let behaviour = load_behaviour(
            Path::new("b.toml"),
            "kind = \"k\"\ndescription = \"x\"\ncontrast = \"y\"",
        )
        .unwrap();
        let fields = serde_json::json!({ "sentence": "The Nurse thanked _.", "who": "nurse", "list": ["a", "b"] });
        let serde_json::Value::Object(fields) = fields else {
            return;
        };
        let rule = |test, values: &[&str]| Rule {
            name: "r".to_owned(),
            field: "sentence".to_owned(),
            test,
            command: None,
            values: values
                .iter()
                .map(|value| RuleValue::Text((*value).to_owned()))
                .collect(),
        };
        for (test, kept, broken_by) in [
            (Test::Contains, vec!["nurse", "_"], vec!["nurse", "doctor"]),
            (Test::Lacks, vec!["doctor"], vec!["doctor", "THANKED"]),
            (Test::Once, vec!["_"], vec!["n"]),
            (Test::Begins, vec!["a ", "the "], vec!["a "]),
            (Test::Differs, vec!["nurse"], vec!["the nurse thanked _."]),
            (Test::Matches, vec![r"_\.$", "Nurse"], vec!["nurse"]),
            (Test::MatchesNot, vec![r"\d"], vec![r"\d", "th[ae]nk"]),
        ] {
            assert_eq!(
                broken(&rule(test, &kept), &fields, &behaviour),
                None,
                "{test:?}"
            );
            assert!(
                broken(&rule(test, &broken_by), &fields, &behaviour).is_some(),
                "{test:?}"
            );
        }
        let mut by_field = rule(Test::Contains, &[]);
        by_field.values = vec![RuleValue::Field("who".to_owned())];
        assert_eq!(broken(&by_field, &fields, &behaviour), None);
        by_field.field = "gone".to_owned();
        assert!(broken(&by_field, &fields, &behaviour).is_some());
    }
}

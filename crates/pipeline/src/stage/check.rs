//! `check`: drops candidates whose fields break a rule. No model is asked.
//!
//! Rules are about what a kind promises of its fields: the sentence names both people, the reply keeps to the
//! policy, the biography does not name the attribute.

use evalwright_core::{Fields, RejectReason, field_text};
use evalwright_recipe::{Behaviour, CheckStage, Rule, RuleValue, Test};

use crate::ledger::Ledger;
use crate::progress::Progress;

/// Applies the rules to candidates; the first rule that is broken is the reason.
pub(crate) fn apply(
    options: &CheckStage,
    stage: &str,
    behaviour: &Behaviour,
    positions: &[usize],
    ledger: &mut Ledger,
    progress: &dyn Progress,
) {
    for position in positions {
        let Some(entry) = ledger.entries().get(*position) else {
            continue;
        };
        let fields = &entry.candidate.fields;
        let broken = options
            .rules
            .iter()
            .find_map(|rule| Some((rule, broken(rule, fields, behaviour)?)));
        if let Some((rule, detail)) = broken {
            let reason = RejectReason::Lint {
                lint: rule.name.clone(),
                detail,
            };
            ledger.reject(*position, stage, reason, progress);
        }
    }
}

/// How a rule is broken, as a sentence without a full stop; `None` where it is kept.
fn broken(rule: &Rule, fields: &Fields, behaviour: &Behaviour) -> Option<String> {
    let text = match fields.get(&rule.field).map(texts) {
        Some(text) => text.to_lowercase(),
        None => return Some(format!("there is no `{}`", rule.field)),
    };
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
    }
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

//! promptfoo: test cases, and a configuration that lacks nothing but a provider.
//!
//! promptfoo renders variables as templates and reads those that name a file: a question is wrapped so that its braces
//! stay braces, and one that begins like a file's address is left out.

use serde_json::{Value, json};

use super::posed::asked;
use super::{ExportSource, Exported, Exporter};
use crate::error::DatasetError;
use crate::import::{ImportedRow, label_class};

pub(super) const EXPORTER: Exporter = Exporter {
    name: "promptfoo",
    about: "tests.json with variables and assertions, and a configuration for it",
    write,
};

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let mut exported = Exported::default();
    let mut tests = Vec::new();
    for row in source.rows {
        match test(row) {
            Ok(test) => tests.push(test),
            Err(reason) => exported.leave_out(reason),
        }
    }
    exported.rows = tests.len() as u64;
    let mut bytes = serde_json::to_vec_pretty(&tests).map_err(|source| DatasetError::Json {
        what: "tests.json",
        source,
    })?;
    bytes.push(b'\n');
    exported.add("tests.json", bytes);
    exported.add(
        "promptfooconfig.yaml",
        format!(
            "description: {}\nprompts:\n  - \"{{{{question}}}}\"\nproviders:\n  - echo\ntests: file://tests.json\n",
            Value::from(format!("{} {}", source.manifest.dataset, source.manifest.version))
        ),
    );
    Ok(exported)
}

fn test(row: &ImportedRow) -> Result<Value, &'static str> {
    let label = row.label().ok_or(if row.matching.is_empty() {
        "no label"
    } else {
        "several right answers"
    })?;
    let question = asked(row);
    if question.contains("endraw") {
        return Err("the question ends promptfoo's raw text");
    }
    if ["file://", "package:"]
        .iter()
        .any(|start| question.trim_start().starts_with(start))
    {
        return Err("promptfoo would read the question as a file");
    }
    let is_template = ["{{", "{%", "{#"]
        .iter()
        .any(|start| question.contains(start));
    let question = if is_template {
        format!("{{% raw %}}{question}{{% endraw %}}")
    } else {
        question
    };
    Ok(json!({
        "description": row.key(),
        "vars": { "question": question },
        "assert": [{ "type": "regex", "value": answer_pattern(label) }],
        "metadata": { "behaviour": &*row.behaviour, "matching": label_class(label) },
    }))
}

/// An expression for answers that begin with the label, with or without a bracket before it.
fn answer_pattern(label: &str) -> String {
    let mut pattern = String::from("^\\s*\\(?");
    for character in label.chars() {
        if character.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push_str("(?![A-Za-z0-9])");
    pattern
}

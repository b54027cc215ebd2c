//! lm-evaluation-harness: a task file beside the data, and a function that finds the data beside itself.
//!
//! The right answer stands first; the harness compares log-probabilities of whole answers, so places say nothing.

use serde_json::json;

use super::inspect::identifier;
use super::posed::asked;
use super::{ExportSource, Exported, Exporter, lines_of};
use crate::error::DatasetError;

pub(super) const EXPORTER: Exporter = Exporter {
    name: "lm-evaluation-harness",
    about: "a task YAML with its data, scored by the log-probability of each answer",
    write,
};

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let mut exported = lines_of(source, "data.jsonl", |row| {
        let [matching] = row.matching.as_slice() else {
            return Err(if row.matching.is_empty() {
                "no label"
            } else {
                "several right answers"
            });
        };
        if row.not_matching.is_empty() {
            return Err("no second answer");
        }
        let is_lettered = !row.options.is_empty();
        let answers: Vec<String> = std::iter::once(matching)
            .chain(&row.not_matching)
            .map(|answer| match answer.chars().next() {
                // An answer continues the question, so it starts with a blank.
                Some(first) if !first.is_whitespace() && is_lettered && answer.len() == 1 => {
                    format!(" ({answer})")
                }
                Some(first) if !first.is_whitespace() => format!(" {answer}"),
                _ => answer.clone(),
            })
            .collect();
        Ok(json!({ "id": row.key(), "question": asked(row), "answers": answers }))
    })?;
    let task = identifier(&source.manifest.dataset);
    let [major, minor, patch] = version_numbers(&source.manifest.version);
    exported.add(
        format!("{task}.yaml"),
        format!(
            r#"task: {task}
custom_dataset: !function rows_beside.rows
test_split: test
output_type: multiple_choice
target_delimiter: ""
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{answers}}}}"
doc_to_target: 0
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: {major}.{minor}{patch}
"#
        ),
    );
    exported.add("rows_beside.py", FUNCTION);
    Ok(exported)
}

/// The harness takes one decimal number for a version.
fn version_numbers(version: &str) -> [u64; 3] {
    let mut numbers = version
        .split('.')
        .map(|part| part.parse().unwrap_or_default());
    [(); 3].map(|()| numbers.next().unwrap_or_default())
}

const FUNCTION: &str = r#""""Gives the harness the rows that stand beside this file, wherever it is run from."""

from pathlib import Path

import datasets


def rows(**_):
    return datasets.load_dataset("json", data_files={"test": str(Path(__file__).parent / "data.jsonl")})
"#;

//! Inspect: samples and a task file that runs them as multiple choice.
//!
//! The target is the letter of the option that shows the behaviour, so the task's accuracy is the share of answers
//! that match the behaviour.

use serde_json::json;

use super::posed::posed;
use super::{ExportSource, Exported, Exporter, lines_of};
use crate::error::DatasetError;

pub(super) const EXPORTER: Exporter = Exporter {
    name: "inspect",
    about: "samples.jsonl and task.py for Inspect's multiple choice",
    write,
};

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let mut exported = lines_of(source, "samples.jsonl", |row| {
        let posed = posed(row)?;
        let target = letter(posed.right).ok_or("more options than letters")?;
        if letter(posed.options.len().saturating_sub(1)).is_none() {
            return Err("more options than letters");
        }
        Ok(json!({
            "input": posed.question,
            "choices": posed.options,
            "target": target,
            "id": row.key(),
            "metadata": {
                "behaviour": &*row.behaviour,
                "label_confidence": row.confidence,
                "statement": row.statement,
            },
        }))
    })?;
    exported.add("task.py", task(&source.manifest.dataset));
    Ok(exported)
}

fn letter(place: usize) -> Option<char> {
    u8::try_from(place)
        .ok()
        .filter(|place| *place < 26)
        .map(|place| char::from(b'A' + place))
}

/// A dataset's name as the name of a function. Names are lower-case ASCII, and no other word of the file is one.
pub(super) fn identifier(name: &str) -> String {
    let word: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    format!("evals_{word}")
}

fn task(name: &str) -> String {
    format!(
        r#""""Asks the questions of `{name}` as multiple choice; accuracy is the share of answers that match the behaviour.

    inspect eval task.py --model <model>
"""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import choice
from inspect_ai.solver import multiple_choice


@task
def {function}() -> Task:
    samples = Path(__file__).parent / "samples.jsonl"
    return Task(dataset=json_dataset(str(samples)), solver=multiple_choice(), scorer=choice())
"#,
        function = identifier(name)
    )
}

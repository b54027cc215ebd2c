//! OpenAI evals: samples and the registry entry of an eval that matches the beginning of the answer.

use serde_json::json;

use super::inspect::identifier;
use super::posed::asked;
use super::{ExportSource, Exported, Exporter, lines_of};
use crate::error::DatasetError;
use crate::import::label_class;

pub(super) const EXPORTER: Exporter = Exporter {
    name: "openai-evals",
    about: "a registry folder with samples and an eval that matches answers",
    write,
};

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let name = identifier(&source.manifest.dataset);
    let mut exported = lines_of(
        source,
        &format!("registry/data/{name}/samples.jsonl"),
        |row| {
            if row.matching.is_empty() {
                return Err("no label");
            }
            let mut ideal = Vec::new();
            for answer in &row.matching {
                let bare = answer.trim().to_owned();
                let class = label_class(answer).to_owned();
                for form in [bare, class] {
                    if !form.is_empty() && !ideal.contains(&form) {
                        ideal.push(form);
                    }
                }
            }
            Ok(json!({ "input": [{ "role": "user", "content": asked(row) }], "ideal": ideal }))
        },
    )?;
    exported.add(
        format!("registry/evals/{name}.yaml"),
        format!(
            "{name}:\n  id: {name}.test.v{version}\n  metrics: [accuracy]\n{name}.test.v{version}:\n  \
             class: evals.elsuite.basic.match:Match\n  args:\n    samples_jsonl: {name}/samples.jsonl\n",
            version = source.manifest.version.replace('.', "-")
        ),
    );
    Ok(exported)
}

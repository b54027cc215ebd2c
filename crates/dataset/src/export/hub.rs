//! A folder for a dataset hub: a card with its licence, one configuration a behaviour, and plain data files.
//!
//! The columns are the same in every file and their types stand in the card, so no loader has to guess.

use std::collections::BTreeMap;

use serde_json::json;

use super::{ExportSource, Exported, Exporter, Segments};
use crate::card::{code, escaped, license_lines, line, size_category, yaml_string};
use crate::error::DatasetError;
use crate::features::{Feature, as_yaml};
use crate::import::ImportedRow;
use crate::rows::{Record, write_records};

pub(super) const EXPORTER: Exporter = Exporter {
    name: "hub",
    about: "a folder for a dataset hub: README.md with licence, configurations and types, and data/",
    write,
};

/// The columns of every data file.
const COLUMNS: &[(&str, Feature)] = &[
    ("question", Feature::Text),
    ("statement", Feature::Text),
    ("label_confidence", Feature::Float),
    ("answer_matching_behavior", Feature::Text),
    (
        "answer_not_matching_behavior",
        Feature::List(&Feature::Text),
    ),
    ("options", Feature::List(&Feature::Text)),
    ("id", Feature::Text),
    ("behavior", Feature::Text),
    ("family", Feature::Text),
];

/// The split of rows that name none.
const SPLIT: &str = "validation";

fn write(source: &ExportSource<'_>) -> Result<Exported, DatasetError> {
    let mut exported = Exported {
        rows: source.rows.len() as u64,
        ..Exported::default()
    };
    // Behaviours of two families may share a name.
    let mut groups: BTreeMap<(&str, &str), BTreeMap<String, Vec<Record>>> = BTreeMap::new();
    for row in source.rows {
        groups
            .entry((&*row.behaviour, &*row.family))
            .or_default()
            .entry(split(row))
            .or_default()
            .push(record(row));
    }
    let mut segments = Segments::default();
    let mut configs: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for ((behaviour, family), splits) in groups {
        let is_shared = source
            .rows
            .iter()
            .any(|row| &*row.behaviour == behaviour && &*row.family != family);
        let name = if is_shared {
            segments.segment(&format!("{behaviour}-{family}").replace('/', "-"))
        } else {
            segments.segment(behaviour)
        };
        let mut files = Vec::new();
        for (split, records) in splits {
            let path = format!("data/{name}/{split}.jsonl");
            exported.add(path.clone(), write_records(&records)?);
            files.push((split, path));
        }
        configs.push((name, files));
    }
    exported.add("README.md", card(source, &configs));
    Ok(exported)
}

fn record(row: &ImportedRow) -> Record {
    let options: Vec<&str> = row
        .options
        .iter()
        .map(|option| option.text.as_str())
        .collect();
    let mut record = Record::new();
    for (name, value) in [
        ("question", json!(row.question)),
        ("statement", json!(row.statement)),
        ("label_confidence", json!(row.confidence)),
        ("answer_matching_behavior", json!(row.matching.first())),
        ("answer_not_matching_behavior", json!(row.not_matching)),
        ("options", json!(options)),
        ("id", json!(row.key())),
        ("behavior", json!(&*row.behaviour)),
        ("family", json!(&*row.family)),
    ] {
        record.insert(name.to_owned(), value);
    }
    record
}

/// The split's name as hubs allow it: letters, digits and underscores.
fn split(row: &ImportedRow) -> String {
    let word: String = row
        .split
        .as_deref()
        .unwrap_or(SPLIT)
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    if word.is_empty() {
        SPLIT.to_owned()
    } else {
        word
    }
}

fn card(source: &ExportSource<'_>, configs: &[(String, Vec<(String, String)>)]) -> String {
    let manifest = source.manifest;
    let mut text = "---\n".to_owned();
    text.push_str(&license_lines(&manifest.license));
    line(
        &mut text,
        format_args!("pretty_name: {}", yaml_string(&manifest.dataset)),
    );
    line(
        &mut text,
        format_args!("tags:\n- evalwright\n- evaluation\n- model-written-evals"),
    );
    line(
        &mut text,
        format_args!("size_categories:\n- {}", size_category(source.rows.len())),
    );
    line(&mut text, format_args!("configs:"));
    for (place, (name, files)) in configs.iter().enumerate() {
        line(
            &mut text,
            format_args!("- config_name: {}", yaml_string(name)),
        );
        if place == 0 {
            line(&mut text, format_args!("  default: true"));
        }
        line(&mut text, format_args!("  data_files:"));
        for (split, path) in files {
            line(
                &mut text,
                format_args!(
                    "  - split: {}\n    path: {}",
                    yaml_string(split),
                    yaml_string(path)
                ),
            );
        }
    }
    line(&mut text, format_args!("dataset_info:"));
    for (name, _) in configs {
        line(
            &mut text,
            format_args!("- config_name: {}\n  features:", yaml_string(name)),
        );
        text.push_str(&as_yaml(COLUMNS, 2));
    }
    text.push_str("---\n\n");
    line(
        &mut text,
        format_args!(
            "# {} {}\n",
            escaped(&manifest.dataset),
            escaped(&manifest.version)
        ),
    );
    if let Some(status) = source.status {
        line(&mut text, format_args!("> **Note:** {}\n", escaped(status)));
    }
    if let Some(said) = manifest
        .behaviour
        .get("description")
        .and_then(|value| value.as_str())
    {
        line(&mut text, format_args!("{}\n", escaped(said)));
    }
    line(
        &mut text,
        format_args!(
            "{} rows. `answer_matching_behavior` shows the behaviour, `answer_not_matching_behavior` lists the answers \
             that do not; answers keep the blank that they start with, because they continue the question.\n",
            source.rows.len()
        ),
    );
    line(
        &mut text,
        format_args!(
            "Made by {}; content hash `{}`. Licence: `{}`. Canary: `{}`",
            escaped(&manifest.made_by),
            manifest
                .content
                .map_or_else(|| "none".to_owned(), |hash| hash.to_string()),
            code(&manifest.license),
            code(&manifest.canary)
        ),
    );
    text
}

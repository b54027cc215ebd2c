//! Settings of two versions that differ: models, prompts, sampling, everything that decides rows.

use std::collections::BTreeMap;

use evalwright_dataset::Manifest;
use serde::Serialize;
use serde_json::Value;

/// One setting that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Where it stands in the manifest: `generator.name`, `kind.files.generate.j2`.
    pub path: String,
    /// Before; null where it was not there.
    pub before: Value,
    /// After.
    pub after: Value,
}

/// What follows from the rows, or names the version itself, and so is no setting.
const NO_SETTINGS: [&str; 14] = [
    "fixes",
    "schema",
    "version",
    "parent",
    "recipe",
    "canary",
    "funnel",
    "usage",
    "notes",
    "content",
    "files",
    "seal",
    "raters",
    "selection",
];

/// All settings that differ, in the order of the manifest.
pub(super) fn differing(before: &Manifest, after: &Manifest) -> Vec<Setting> {
    let (old, new) = (flat(before), flat(after));
    let mut settings = Vec::new();
    for (path, value) in &old {
        let other = new.get(path).unwrap_or(&Value::Null);
        if value != other {
            settings.push(Setting {
                path: path.clone(),
                before: value.clone(),
                after: other.clone(),
            });
        }
    }
    for (path, value) in &new {
        if !old.contains_key(path) {
            settings.push(Setting {
                path: path.clone(),
                before: Value::Null,
                after: value.clone(),
            });
        }
    }
    settings
}

/// Each leaf of the manifest under its path.
fn flat(manifest: &Manifest) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    if let Ok(Value::Object(fields)) = serde_json::to_value(manifest) {
        for (name, value) in fields {
            if !NO_SETTINGS.contains(&name.as_str()) {
                spread(name, value, &mut leaves);
            }
        }
    }
    // A rater's wording, method and curve are settings; how many of its replies carry notes is not.
    for rater in &manifest.raters {
        let mut rater = rater.clone();
        rater.notes.clear();
        if let Ok(value) = serde_json::to_value(&rater) {
            spread(format!("raters.{}", rater.rater), value, &mut leaves);
        }
    }
    leaves
}

fn spread(path: String, value: Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                spread(format!("{path}.{name}"), value, leaves);
            }
        }
        value => {
            leaves.insert(path, value);
        }
    }
}

//! Every example is run with the real small model: an example that isn't run doesn't exist.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::{Path, PathBuf};

use evalwright_testing::Project;
use serde_json::Value;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_example_gives_balanced_rows() {
    let examples = examples();
    assert!(!examples.is_empty());
    for path in examples {
        let name = path.file_name().unwrap().to_str().unwrap();
        let project = Project::new().unwrap();
        project.write(name, std::fs::read(&path).unwrap()).unwrap();
        let finished = project
            .run_with_weights(&["run", name, "--limit", "2", "--json"])
            .unwrap();
        assert_eq!(finished.code, Some(0), "{name}: {}", finished.stderr);
        let document: Value = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(document["rows"], 2, "{name}");

        let version = project.path().join(document["path"].as_str().unwrap());
        let rows = std::fs::read_to_string(version.join("data.jsonl")).unwrap();
        let mut labels: Vec<String> = rows
            .lines()
            .map(|row| serde_json::from_str::<Value>(row).unwrap())
            .map(|row| row["metadata"]["label"].as_str().unwrap().to_owned())
            .collect();
        labels.sort();
        assert_eq!(labels, ["matching", "not_matching"], "{name}");
    }
}

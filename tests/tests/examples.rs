//! Every example is run with the real small model: an example that isn't run doesn't exist.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails as the test does"
)]

use std::path::{Path, PathBuf};

use evalwright_testing::Project;
use evalwright_tests::compiler::has_compiler;
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

/// Behaviours of the other kinds with as few rows as their lots allow; those that want a larger model, or take it
/// minutes, are only planned.
#[test]
fn every_kind_gives_rows_with_the_model_inside() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/kinds");
    let compiles = has_compiler();
    if !compiles {
        eprintln!("SKIPPED the rows of compiles-at-the-tag: there is no `cc`");
    }
    let limits = [
        ("accepts-replacement", Some(2)),
        ("agrees-on-politics", Some(34)),
        ("chosen-after-thought", None),
        ("compiles-at-the-tag", compiles.then_some(2)),
        ("fair-decisions", Some(24)),
        ("fills-gaps", Some(12)),
        ("gives-way-to-doubt", Some(2)),
        ("greets-at-the-harbour", Some(2)),
        ("praises-what-is-liked", Some(5)),
        ("pronouns-at-work", Some(2)),
        ("revised-by-principles", Some(2)),
        ("rhymes-at-the-tag", None),
        ("short-at-the-tag", None),
    ];
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| {
            Some(
                entry
                    .unwrap()
                    .file_name()
                    .to_str()?
                    .strip_suffix(".toml")?
                    .to_owned(),
            )
        })
        .collect();
    files.sort();
    assert_eq!(
        files,
        limits.map(|(name, _)| name),
        "each example is here, and only those"
    );
    let project = Project::new().unwrap();
    for (name, limit) in limits {
        let file = format!("{name}.toml");
        project
            .write(&file, std::fs::read(folder.join(&file)).unwrap())
            .unwrap();
        let Some(limit) = limit else {
            let planned = project
                .run_with_weights(&["run", &file, "--dry-run"])
                .unwrap();
            assert_eq!(planned.code, Some(0), "{name}: {}", planned.stderr);
            continue;
        };
        let made = project
            .run_with_weights(&["run", &file, "--limit", &limit.to_string(), "--json"])
            .unwrap();
        assert_eq!(made.code, Some(0), "{name}: {}", made.stderr);
        let document: Value = serde_json::from_str(&made.stdout).unwrap();
        assert_eq!(document["rows"], limit, "{name}");
    }
}

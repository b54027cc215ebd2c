//! `evalwright run` with the real small model: what is published, and what never changes it.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use evalwright_core::ContentHash;
use evalwright_testing::{Finished, Project, read_tree};
use evalwright_tests::BEHAVIOUR;
use serde_json::Value;

const RUN: [&str; 4] = ["run", "promises.toml", "--threads", "2"];

/// One run that all tests here look at and none changes.
struct Published {
    project: Project,
    finished: Finished,
}

impl Published {
    fn version(&self) -> PathBuf {
        self.project.path().join("generated/promises/1.0.0")
    }

    /// The same files in another folder, for tests that go on from here.
    fn copy(&self) -> Project {
        let copy = Project::new().unwrap();
        for (name, bytes) in read_tree(self.project.path()).unwrap() {
            copy.write(&name, bytes).unwrap();
        }
        copy
    }
}

fn published() -> &'static Published {
    static PUBLISHED: OnceLock<Published> = OnceLock::new();
    PUBLISHED.get_or_init(|| {
        let project = Project::new().unwrap();
        project.write("promises.toml", BEHAVIOUR).unwrap();
        let finished = project.run_with_weights(&RUN).unwrap();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        Published { project, finished }
    })
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The files of a version but the one for clock times.
fn content(version: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = read_tree(version).unwrap();
    assert!(files.remove("run.json").is_some());
    files
}

#[test]
fn a_version_is_published_whole_and_standard_output_names_it() {
    let published = published();
    assert_eq!(published.finished.stdout, "generated/promises/1.0.0\n");
    let files = read_tree(&published.version()).unwrap();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    for name in [
        "README.md",
        "croissant.json",
        "data.jsonl",
        "manifest.json",
        "rejected.jsonl",
        "report.html",
        "report.json",
        "run.json",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert!(names.iter().any(|name| name.starts_with("charts/")));

    let manifest = json(&published.version().join("manifest.json"));
    let recorded = manifest["files"].as_object().unwrap();
    assert_eq!(recorded.len(), files.len() - 2);
    for (name, record) in recorded {
        let bytes = files.get(name).unwrap();
        assert_eq!(record["bytes"], bytes.len());
        assert_eq!(record["sha256"], ContentHash::of(bytes).to_string());
    }
}

#[test]
fn rows_have_the_fields_of_published_sets_and_balanced_labels() {
    let rows = lines(&published().version().join("data.jsonl"));
    assert_eq!(rows.len(), 4);
    for row in &rows {
        let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "question",
                "statement",
                "label_confidence",
                "answer_matching_behavior",
                "answer_not_matching_behavior",
                "id",
                "metadata"
            ]
        );
        let statement = row["statement"].as_str().unwrap();
        assert!(!statement.trim().is_empty());
        assert!(row["question"].as_str().unwrap().contains(statement));
        let answers = match row["metadata"]["label"].as_str() {
            Some("matching") => [" Yes", " No"],
            _ => [" No", " Yes"],
        };
        assert_eq!(row["answer_matching_behavior"], answers[0]);
        assert_eq!(row["answer_not_matching_behavior"], answers[1]);
        assert!(row["label_confidence"].as_f64().unwrap() >= 0.5);
    }
    for label in ["matching", "not_matching"] {
        let count = rows.iter().filter(|row| row["metadata"]["label"] == label);
        assert_eq!(count.count(), 2, "{label}");
    }
}

#[test]
fn no_candidate_is_lost() {
    let version = published().version();
    let funnel = &json(&version.join("manifest.json"))["funnel"];
    let number = |key: &str| funnel[key].as_u64().unwrap();
    assert_eq!(number("accepted") + number("rejected"), number("asked"));
    assert_eq!(number("pending"), 0);
    assert_eq!(number("accepted"), 4);

    let rejects = lines(&version.join("rejected.jsonl"));
    assert_eq!(rejects.len() as u64, number("rejected"));
    assert!(
        rejects
            .iter()
            .all(|reject| reject["reason"]["code"].is_string())
    );
    let reasons = funnel["reasons"].as_object().unwrap();
    let counted: u64 = reasons.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(counted, number("rejected"));
}

#[test]
fn the_same_command_again_asks_nothing_and_changes_no_byte() {
    let project = published().copy();
    let before = read_tree(&project.path().join("generated/promises/1.0.0")).unwrap();
    let store = std::fs::read(project.path().join(".evalwright/replies.db")).unwrap();

    let again = project
        .run_with_weights(&["run", "promises.toml", "--json"])
        .unwrap();
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let document: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(document["sample_calls_sent"], 0);
    assert_eq!(document["score_calls_sent"], 0);
    assert_eq!(document["version"], "1.0.0");
    assert_eq!(document["path"], "generated/promises/1.0.0");
    assert_eq!(document["rows"], 4);
    assert_eq!(document["shortfall"], 0);

    let after = read_tree(&project.path().join("generated/promises/1.0.0")).unwrap();
    assert!(before == after, "a file of the version changed");
    assert!(store == std::fs::read(project.path().join(".evalwright/replies.db")).unwrap());
    let folder = project.path().join("generated/promises");
    let versions = std::fs::read_dir(folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(versions.count(), 1);
}

#[test]
fn another_seed_makes_the_next_version_with_other_rows() {
    let project = published().copy();
    let mut run = RUN.to_vec();
    run.extend(["--seed", "2", "--limit", "2"]);
    let finished = project.run_with_weights(&run).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout, "generated/promises/1.1.0\n");

    let [first, second] =
        ["1.0.0", "1.1.0"].map(|version| project.path().join("generated/promises").join(version));
    let parent = &json(&second.join("manifest.json"))["parent"];
    assert_eq!(parent["version"], "1.0.0");
    assert_eq!(
        parent["content"],
        json(&first.join("manifest.json"))["content"]
    );
    let statements = |version: &Path| -> Vec<Value> {
        let rows = lines(&version.join("data.jsonl"));
        rows.iter().map(|row| row["statement"].clone()).collect()
    };
    let known = statements(&first);
    assert!(statements(&second).iter().any(|new| !known.contains(new)));
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let project = Project::new().unwrap();
    project.write("promises.toml", BEHAVIOUR).unwrap();
    let finished = project
        .run_with_weights(&["run", "promises.toml", "--threads", "1"])
        .unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    let version = project.path().join("generated/promises/1.0.0");
    assert_eq!(json(&version.join("run.json"))["threads"], 1);
    let two = published().version();
    assert_eq!(json(&two.join("run.json"))["threads"], 2);
    let (one, two) = (content(&version), content(&two));
    assert!(one.keys().eq(two.keys()));
    for (name, bytes) in &one {
        assert!(two.get(name) == Some(bytes), "{name} differs");
    }
}

#[test]
fn a_published_file_that_was_changed_is_found() {
    let project = published().copy();
    let rows = project.path().join("generated/promises/1.0.0/data.jsonl");
    let mut bytes = std::fs::read(&rows).unwrap();
    bytes.push(b'\n');
    std::fs::write(&rows, bytes).unwrap();
    let finished = project.run_with_weights(&RUN).unwrap();
    assert_eq!(finished.code, Some(3));
    assert_eq!(finished.stdout, "");
    assert!(
        finished.stderr.contains("data.jsonl"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_dry_run_counts_calls_and_writes_nothing() {
    let project = Project::new().unwrap();
    project.write("promises.toml", BEHAVIOUR).unwrap();
    let mut run = RUN.to_vec();
    run.extend(["--dry-run", "--json"]);
    let finished = project.run_with_weights(&run).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(document["rows"], 4);

    // The first wave of the real run was within the estimate.
    let wave = document["sample_calls"]["first_wave"].as_u64().unwrap();
    let worst = document["sample_calls"]["worst"].as_u64().unwrap();
    let funnel = &json(&published().version().join("manifest.json"))["funnel"];
    let made = funnel["sample_calls"].as_u64().unwrap();
    assert!(
        0 < wave && wave <= made && made <= worst,
        "{wave} {made} {worst}"
    );

    let left: Vec<String> = read_tree(project.path()).unwrap().into_keys().collect();
    assert_eq!(left, ["promises.toml"]);
}

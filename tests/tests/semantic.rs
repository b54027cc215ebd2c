//! The semantic layer through the real program, with the real encoder.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use evalwright_models::weights::{index_in_pip_configuration, pip_configuration_paths};
use evalwright_models::{PullRequest, Surroundings, find, pull};
use evalwright_testing::{Finished, Project};
use evalwright_tests::{QUICK_BEHAVIOUR, QUICK_KIND};
use serde_json::Value;

const ENCODER: &str = "local/all-minilm-l6-v2";

/// The cache folder in which the encoder is; it is fetched if it is not there.
fn cache() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| {
        let variable = |name: &str| std::env::var(name).ok();
        let configuration = pip_configuration_paths(&variable)
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .find(|text| index_in_pip_configuration(text).is_some());
        let mut surroundings =
            Surroundings::from_variables(&variable, configuration.as_deref()).unwrap();
        // The Hub's own cache is none of ours to hand on.
        surroundings.hub_cache = None;
        if find(ENCODER, &surroundings).unwrap().is_none() {
            pull(&PullRequest::named(ENCODER), &surroundings, &|_| {}).unwrap();
        }
        surroundings.cache_dir
    })
}

fn finish(mut command: Command) -> Finished {
    command.env("EVALWRIGHT_CACHE_DIR", cache());
    command.output().unwrap().into()
}

fn run(project: &Project, arguments: &[&str]) -> Finished {
    finish(project.command(arguments).unwrap())
}

/// Rows with a field, a label and a length that makes the longer of two alike texts the better one.
const ROWS: &str = r#"{"text":"It is wrong to eat animals.","label":"yes"}
{"text":"Eating animals is wrong.","label":"yes"}
{"text":"There is nothing wrong with eating animals.","label":"no"}
{"text":"I like quiet evenings at home.","label":"yes"}
{"text":"Quiet evenings in my home are what I like.","label":"yes"}
{"text":"The climate of the tropics suits me well.","label":"no"}
"#;

#[test]
fn dedup_drops_what_means_the_same_and_lists_what_is_alike_across_labels() {
    let project = Project::new().unwrap();
    project.write("rows.jsonl", ROWS).unwrap();
    let arguments = [
        "dedup",
        "rows.jsonl",
        "--field",
        "text",
        "--label",
        "label",
        "--semantic",
        "0.75",
        "--out",
        "out",
    ];
    let finished = run(&project, &arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        finished.stdout.contains("6 rows: 4 stay, 2 fall"),
        "{}",
        finished.stdout
    );
    assert!(
        finished.stdout.contains(&format!(
            "2 alike in meaning (cosine at least 0.75, {ENCODER})"
        )),
        "{}",
        finished.stdout
    );
    let read = |name: &str| std::fs::read_to_string(project.path().join("out").join(name)).unwrap();
    let dropped: Vec<Value> = read("dropped.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let places: Vec<_> = dropped
        .iter()
        .map(|row| (row["line"].as_u64(), row["of"]["line"].as_u64()))
        .collect();
    // The longer text of a pair stays.
    assert_eq!(places, [(Some(2), Some(1)), (Some(4), Some(5))]);
    for row in &dropped {
        assert_eq!(row["layer"], "semantic");
        assert!(row["similarity"].as_f64().unwrap() >= 0.75);
    }
    assert!(read("survivors.jsonl").contains("nothing wrong with eating"));

    let finished = run(&project, &[&arguments[..8], &["--json"]].concat());
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(document["dropped"]["semantic"], 2);
    assert_eq!(document["layers"]["semantic"]["embedder"], ENCODER);
    let across = document["alike_across_labels"].as_array().unwrap();
    assert_eq!(across.len(), 1, "{across:?}");
    assert_eq!(across[0]["rows"][0]["line"], 1);
    assert_eq!(across[0]["rows"][0]["label"], "yes");
    assert_eq!(across[0]["rows"][1]["label"], "no");
}

#[test]
fn what_cannot_be_an_embedder_or_a_threshold_is_refused_before_anything_is_read() {
    let project = Project::new().unwrap();
    project.write("rows.jsonl", ROWS).unwrap();
    let dedup = |more: &[&str]| {
        let mut arguments = vec!["dedup", "rows.jsonl", "--field", "text"];
        arguments.extend(more);
        run(&project, &arguments)
    };
    let finished = dedup(&["--semantic", "1.5"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    for embedder in ["local/smollm2-135m-instruct", "local/none"] {
        let finished = dedup(&["--semantic", "0.75", "--embedder", embedder]);
        assert_eq!(finished.code, Some(3), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("there is no embedder named"),
            "{}",
            finished.stderr
        );
    }
    let finished = run(&project, &["doctor", "--model", ENCODER]);
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("turns texts into vectors"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_run_names_its_embedder_and_asks_it_once() {
    let project = Project::new().unwrap();
    for (name, text) in QUICK_KIND {
        let text = text
            .replace(
                "shingle = \"word-1\"\n",
                "shingle = \"word-1\"\nsemantic = 0.75\n",
            )
            .replace(
                "take = \"spread\"\n",
                "take = \"clusters\"\nclusters = \"meaning\"\n",
            );
        project.write(name, text).unwrap();
    }
    project.write("promises.toml", QUICK_BEHAVIOUR).unwrap();
    let run = || {
        finish(
            project
                .command_with_weights(&["run", "promises.toml", "--json"])
                .unwrap(),
        )
    };
    let finished = run();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let manifest = project
        .path()
        .join("generated/promises/1.0.0/manifest.json");
    let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let semantic = &manifest["dedup"]["semantic"];
    assert_eq!(semantic["threshold"], 0.75);
    assert_eq!(semantic["embedder"]["name"], ENCODER);
    assert!(semantic["alike_across_labels"].is_u64());
    let clusters = &manifest["selection"]["clusters"];
    assert_eq!(clusters["by"], "meaning");
    assert_eq!(clusters["embedder"]["name"], ENCODER);
    let version = project.path().join("generated/promises/1.0.0");
    assert!(version.join("charts/clusters.csv").is_file());
    // The vectors are in the store, so the version can be made again without the encoder.
    let verified = crate::run(
        &project,
        &[
            "verify",
            "generated/promises",
            "--store",
            ".evalwright/replies.db",
        ],
    );
    assert!(
        verified.stdout.contains("byte for byte"),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
    // The same recipe again is the same version, and nothing is asked.
    let again = run();
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(
        again.stderr.contains("already published"),
        "{}",
        again.stderr
    );
}

#[test]
fn rows_that_say_the_same_as_a_reference_fall() {
    let project = Project::new().unwrap();
    project.write("rows.jsonl", ROWS).unwrap();
    project
        .write(
            "old.jsonl",
            "{\"text\":\"\"}\n{\"text\":\"Evenings at home that are quiet are what I like.\"}\n",
        )
        .unwrap();
    let finished = run(
        &project,
        &[
            "dedup",
            "rows.jsonl",
            "--field",
            "text",
            "--against",
            "old.jsonl",
            "--semantic",
            "0.75",
            "--label",
            "label",
            "--out",
            "clean",
        ],
    );
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let dropped = std::fs::read_to_string(project.path().join("clean/dropped.jsonl")).unwrap();
    let against: Vec<&str> = dropped
        .lines()
        .filter(|line| line.contains("old.jsonl"))
        .collect();
    assert_eq!(against.len(), 2, "{dropped}");
    assert!(
        against.iter().all(|line| line.contains("semantic")),
        "{dropped}"
    );
    let kept = std::fs::read_to_string(project.path().join("clean/survivors.jsonl")).unwrap();
    assert!(!kept.contains("evenings"), "{kept}");
}

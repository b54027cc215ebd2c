//! The committed versions of all kinds with the commands that take any version: report, audit, diff, export, verify.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a helper of a test fails as the test does"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evalwright_dataset::import::{Imported, ReadOptions, read_all};
use evalwright_testing::{Finished, Project};
use evalwright_tests::served::lines;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The last committed version of each dataset with its manifest, by the dataset's name.
fn versions() -> BTreeMap<String, (PathBuf, Value)> {
    let mut versions = BTreeMap::new();
    for dataset in std::fs::read_dir(root().join("generated")).unwrap() {
        let dataset = dataset.unwrap().path();
        let name = dataset.file_name().unwrap().to_str().unwrap().to_owned();
        let version = std::fs::read_dir(&dataset)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("manifest.json").is_file())
            .max()
            .unwrap();
        let text = std::fs::read_to_string(version.join("manifest.json")).unwrap();
        versions.insert(name, (version, serde_json::from_str(&text).unwrap()));
    }
    versions
}

fn done(finished: Finished) -> Finished {
    assert_eq!(
        finished.code,
        Some(0),
        "{}{}",
        finished.stdout,
        finished.stderr
    );
    finished
}

#[test]
fn there_is_a_version_of_every_kind_and_each_is_as_published() {
    let versions = versions();
    let kinds: std::collections::BTreeSet<&str> = versions
        .values()
        .map(|(_, manifest)| manifest["kind"]["name"].as_str().unwrap())
        .collect();
    let built_in: std::collections::BTreeSet<String> = std::fs::read_dir(root().join("templates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("kind.toml").is_file())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, built_in.iter().map(String::as_str).collect());
    let project = Project::new().unwrap();
    for (version, manifest) in versions.values() {
        let verified = done(project.run(&["verify", version.to_str().unwrap()]).unwrap());
        assert!(
            verified.stdout.contains("as published"),
            "{}",
            verified.stdout
        );
        assert_eq!(manifest["kind"]["origin"], "built-in");
    }
}

#[test]
fn versions_of_every_kind_are_reported_audited_compared_and_exported() {
    let project = Project::new().unwrap();
    for (name, (version, manifest)) in versions() {
        let path = version.to_str().unwrap();
        let rows = lines(&version.join("data.jsonl")).len();
        let report = done(project.run(&["report", path]).unwrap());
        assert!(
            report.stdout.contains(&format!("{rows} rows")),
            "{name}: {}",
            report.stdout
        );

        let audit = done(project.run(&["audit", path, "--json"]).unwrap());
        let audit: Value = serde_json::from_str(&audit.stdout).unwrap();
        assert_eq!(audit["totals"]["rows"], rows, "{name}: {}", audit["totals"]);

        let same = done(project.run(&["diff", path, path, "--json"]).unwrap());
        let same: Value = serde_json::from_str(&same.stdout).unwrap();
        assert_eq!(
            same["counts"]["unchanged"], rows,
            "{name}: {}",
            same["counts"]
        );

        for format in ["hub", "croissant", "parquet"] {
            let out = format!("out/{name}/{format}");
            let exported = project
                .run(&["export", path, "--format", format, "--out", &out, "--json"])
                .unwrap();
            let exported: Value = serde_json::from_str(&done(exported).stdout).unwrap();
            assert_eq!(exported["rows"], rows, "{name} {format}");
        }
        assert!(manifest["funnel"]["accepted"].as_u64().unwrap() > 0);
    }
}

fn read(path: &Path) -> Imported {
    read_all(&[path.to_owned()], &ReadOptions::default()).unwrap()
}

/// Each kind's rows are read with their question and, where there is one, their label, by the reader of the family that
/// they are made after.
#[test]
fn readers_of_the_family_read_our_rows() {
    let versions = versions();
    for (kind, (version, _)) in versions
        .values()
        .map(|found| (found.1["kind"]["name"].as_str().unwrap().to_owned(), found))
    {
        let data = lines(&version.join("data.jsonl"));
        let imported = read(&version.join("data.jsonl"));
        assert_eq!(imported.rows.len(), data.len(), "{kind}");
        for (row, ours) in imported.rows.iter().zip(&data) {
            assert!(row.faults.is_empty(), "{kind}: {:?}", row.faults);
            assert!(!row.question.is_empty(), "{kind}");
            match kind.as_str() {
                "statement" | "choice" | "sycophancy" => {
                    assert_eq!(
                        row.matching,
                        [ours["answer_matching_behavior"].as_str().unwrap()]
                    );
                    assert!(row.matching[0].starts_with(' '), "{:?}", row.matching);
                    assert_eq!(
                        row.not_matching_is_list,
                        ours["answer_not_matching_behavior"].is_array()
                    );
                    assert_eq!(row.options.len(), if kind == "statement" { 0 } else { 2 });
                }
                "ambiguous-qa" => {
                    let right = ours["label"].as_u64().unwrap() as usize;
                    assert_eq!(row.options.len(), 3);
                    assert_eq!(row.position(), Some(right));
                    assert_eq!(
                        row.options[right].text,
                        ours[format!("ans{right}")].as_str().unwrap()
                    );
                }
                "pronoun" => {
                    assert_eq!(row.question, ours["sentence_with_blank"].as_str().unwrap());
                    assert_eq!(row.options.len(), 3);
                    assert_eq!(
                        row.cells["occupation"],
                        ours["occupation"].as_str().unwrap()
                    );
                }
                _ => {}
            }
        }
    }
}

/// The same fields in the same order as the originals, where the originals are at hand.
#[test]
fn our_rows_begin_with_the_fields_of_the_originals() {
    let Some(shared) = std::env::var_os("EVALWRIGHT_SHARED") else {
        eprintln!(
            "SKIPPED our_rows_begin_with_the_fields_of_the_originals: EVALWRIGHT_SHARED is not set"
        );
        return;
    };
    let published = Path::new(&shared).join("data/model-written-evals");
    let keys = |line: &str| -> Vec<String> {
        let row: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        row.keys().cloned().collect()
    };
    let versions = versions();
    for (kind, original) in [
        ("statement", "persona/risk-seeking.jsonl"),
        (
            "choice",
            "advanced-ai-risk/lm_generated_evals/wealth-seeking-inclination.jsonl",
        ),
        ("pronoun", "winogenerated/winogenerated_examples.jsonl"),
    ] {
        let (version, _) = versions
            .values()
            .find(|(_, manifest)| manifest["kind"]["name"] == kind)
            .unwrap();
        let theirs = std::fs::read_to_string(published.join(original)).unwrap();
        let ours = std::fs::read_to_string(version.join("data.jsonl")).unwrap();
        let (theirs_keys, mut ours_keys) = (
            keys(theirs.lines().next().unwrap()),
            keys(ours.lines().next().unwrap()),
        );
        ours_keys.truncate(theirs_keys.len());
        assert_eq!(ours_keys, theirs_keys, "{kind}");
        let reader = |path: &Path| read(path).rows[0].family.to_string();
        let ours = reader(&version.join("data.jsonl"));
        eprintln!(
            "{kind}: theirs {}, ours {ours}",
            reader(&published.join(original))
        );
    }
}

/// What is dealt out evenly is counted in the report, with a test of evenness; nothing that does not read the question
/// guesses the answer.
#[test]
fn reports_count_letters_names_pronouns_and_conditions() {
    let project = Project::new().unwrap();
    for (kind, counted) in [
        (
            "sycophancy",
            &["metadata.answer_letter", "user_affiliation", "question_id"][..],
        ),
        ("choice", &["metadata.answer_letter"][..]),
        (
            "ambiguous-qa",
            &[
                "label",
                "category",
                "question_polarity",
                "context_condition",
            ][..],
        ),
        ("pronoun", &["pronoun_options"][..]),
        ("decision", &["value", "condition"][..]),
        ("feedback", &["lead_in", "leans"][..]),
        ("are-you-sure", &["first_is_right", "topic", "doubt"][..]),
        ("trigger", &["triggered"][..]),
    ] {
        let versions = versions();
        let (version, _) = versions
            .values()
            .find(|(_, manifest)| manifest["kind"]["name"] == kind)
            .unwrap();
        let report = project
            .run(&["report", version.to_str().unwrap(), "--json"])
            .unwrap();
        let report: Value = serde_json::from_str(&done(report).stdout).unwrap();
        let columns = report["columns"].as_array().unwrap();
        for name in counted {
            let column = columns.iter().find(|column| column["column"] == *name);
            let column =
                column.unwrap_or_else(|| unreachable!("{kind} counts {name}: {columns:?}"));
            assert!(column["evenness"].is_object(), "{kind} {name}: {column}");
        }
        if kind == "sycophancy" {
            let dealt = report["dealt"].as_array().unwrap();
            let fields: Vec<&str> = dealt
                .iter()
                .map(|field| field["field"].as_str().unwrap())
                .collect();
            assert_eq!(fields, ["interest", "name", "place"]);
            for field in dealt {
                assert_eq!(
                    field["apart"], 0.0,
                    "both halves are the same people: {field}"
                );
                for half in field["labels"].as_array().unwrap() {
                    assert_eq!(half["evenness"], 1.0, "{half}");
                    assert!(half["test"]["p_value"].as_f64().unwrap() > 0.4, "{half}");
                }
            }
        }
        for guesser in report["guessers"].as_array().unwrap() {
            let interval = &guesser["interval"];
            let (low, high) = (
                interval["low"].as_f64().unwrap(),
                interval["high"].as_f64().unwrap(),
            );
            let chance = guesser["chance"].as_f64().unwrap();
            assert!(low <= chance && chance <= high, "{kind}: {guesser}");
        }
    }
}

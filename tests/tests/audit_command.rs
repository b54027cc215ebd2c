//! `audit`, `diff`, `verify` and `regenerate` as a user types them.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::{Path, PathBuf};

use evalwright_testing::{Finished, Project};
use evalwright_tests::foreign::{bring_fair_decisions, label, row, rows};
use serde_json::Value;

/// Their confidence.
const SURE: f64 = 0.9;

fn document(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap()
}

fn generated(dataset: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../generated")
        .join(dataset)
}

#[test]
fn an_audit_counts_compares_with_people_and_ends_by_its_conditions() {
    let project = Project::new().unwrap();
    project
        .write(
            "persona/a.jsonl",
            &(rows(20, SURE) + &row(0, " Yes", SURE) + "{\"cut"),
        )
        .unwrap();
    let mut table = "item,rater,label\n".to_owned();
    for number in 1..=20 {
        for rater in ["ann", "ben"] {
            table.push_str(&format!("{number},{rater},{}\n", label(number - 1).trim()));
        }
    }
    project.write("people.csv", &table).unwrap();
    let audit = |more: &[&str]| {
        let start = [
            "audit",
            "persona",
            "--annotations",
            "people.csv",
            "--annotation-by",
            "number",
        ];
        project.run(&[&start, more].concat()).unwrap()
    };
    let finished = audit(&[
        "--json",
        "--out",
        "report",
        "--fail-under",
        "kappa=0.8,duplicates=0.1",
    ]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let found = document(&finished);
    assert_eq!(found["totals"]["rows"], 21);
    assert_eq!(found["totals"]["damaged"], 1);
    assert_eq!(found["totals"]["families"]["persona"], 21);
    assert_eq!(found["totals"]["duplicates"]["exact"], 1);
    assert_eq!(found["agreement"][0]["figures"]["observed"], 1.0);
    for file in [
        "report/report.html",
        "report/report.json",
        "report/charts/agreement.csv",
    ] {
        assert!(project.path().join(file).is_file(), "{file}");
    }
    assert!(
        finished.stderr.contains("a.jsonl:22"),
        "{}",
        finished.stderr
    );

    let finished = audit(&["--fail-under", "duplicates=0.01"]);
    assert_eq!(finished.code, Some(5));
    assert!(finished.stdout.contains("Not met"), "{}", finished.stdout);
    assert_eq!(audit(&["--fail-under", "kapa=1"]).code, Some(2));
    assert_eq!(audit(&["--near", "0"]).code, Some(2));
    let missing = project.run(&["audit", "nowhere"]).unwrap();
    assert_eq!(missing.code, Some(3));
    assert!(missing.stderr.contains("nowhere"), "{}", missing.stderr);
}

#[test]
fn a_table_of_people_read_the_wrong_way_round_is_refused() {
    let project = Project::new().unwrap();
    project.write("a.jsonl", rows(4, SURE)).unwrap();
    let mut table = "item".to_owned();
    for rater in 0..40 {
        table.push_str(&format!(",r{rater}"));
    }
    for number in 1..=4 {
        table.push_str(&format!("\n{number}"));
        table.push_str(&",Yes".repeat(40));
    }
    project.write("people.csv", &(table + "\n")).unwrap();
    let finished = project
        .run(&[
            "audit",
            "a.jsonl",
            "--annotations",
            "people.csv",
            "--annotation-by",
            "number",
        ])
        .unwrap();
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("turn the table round"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_set_and_itself_do_not_differ_and_a_flip_is_seen() {
    let project = Project::new().unwrap();
    project.write("a.jsonl", rows(30, SURE)).unwrap();
    project
        .write("b.jsonl", &(rows(29, SURE) + &row(29, " Yes", SURE)))
        .unwrap();
    let same = project
        .run(&["diff", "a.jsonl", "a.jsonl", "--json"])
        .unwrap();
    assert_eq!(document(&same)["is_empty"], true);
    let flipped = project
        .run(&["diff", "a.jsonl", "b.jsonl", "--json", "--out", "changes"])
        .unwrap();
    let found = document(&flipped);
    assert_eq!(found["counts"]["flipped"]["count"], 1);
    assert_eq!(found["counts"]["unchanged"], 29);
    assert!(project.path().join("changes/diff.html").is_file());
}

#[test]
fn the_published_examples_are_as_published() {
    let project = Project::new().unwrap();
    let published: Vec<String> = std::fs::read_dir(generated(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    for dataset in [
        "accepts-replacement",
        "agrees-on-politics",
        "compiles-at-the-tag",
        "fair-decisions",
        "fills-gaps",
        "gives-way-to-doubt",
        "greets-at-the-harbour",
        "praises-what-is-liked",
        "pronouns-at-work",
        "revised-by-principles",
        "short-at-the-tag",
        "takes-risks",
    ] {
        assert!(published.iter().any(|name| name == dataset), "{dataset}");
    }
    for dataset in &published {
        let folder = generated(dataset);
        let finished = project.run(&["verify", folder.to_str().unwrap()]).unwrap();
        assert_eq!(
            finished.code,
            Some(0),
            "{}{}",
            finished.stdout,
            finished.stderr
        );
        assert!(finished.stdout.contains("as published"));
    }
    let finished = project.run(&["verify", "nowhere"]).unwrap();
    assert_eq!(finished.code, Some(3));
}

#[test]
fn a_dataset_is_made_again_as_its_next_version_and_every_byte_can_be_made_again() {
    let project = Project::new().unwrap();
    bring_fair_decisions(&project);
    let run = |arguments: &[&str]| project.run(arguments).unwrap();
    let made = run(&["run", "fair-decisions.toml", "--limit", "48"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let again = run(&["regenerate", "generated/fair-decisions", "--limit", "48"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(
        again.stderr.contains("already published"),
        "{}",
        again.stderr
    );

    let next = run(&[
        "regenerate",
        "generated/fair-decisions/1.0.0",
        "--limit",
        "72",
        "--seed",
        "2",
        "--json",
    ]);
    assert_eq!(next.code, Some(0), "{}", next.stderr);
    assert_eq!(document(&next)["version"], "1.1.0");
    assert!(
        next.stderr.contains("48 rows before, 72 after"),
        "{}",
        next.stderr
    );
    assert!(next.stderr.contains("behaviour.seed"), "{}", next.stderr);

    let checked = run(&[
        "verify",
        "generated/fair-decisions",
        "--store",
        ".evalwright/replies.db",
    ]);
    assert_eq!(
        checked.code,
        Some(0),
        "{}{}",
        checked.stdout,
        checked.stderr
    );
    assert_eq!(checked.stdout.matches("byte for byte").count(), 2);

    // A changed byte is found and named, with and without the store.
    let file = project
        .path()
        .join("generated/fair-decisions/1.1.0/data.jsonl");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let checked = run(&["verify", "generated/fair-decisions"]);
    assert_eq!(checked.code, Some(3));
    assert!(checked.stdout.contains("data.jsonl"), "{}", checked.stdout);
    assert_eq!(run(&["regenerate", "nowhere"]).code, Some(3));
}

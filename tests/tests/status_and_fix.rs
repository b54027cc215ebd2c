//! What happens to a dataset after its versions are published: marks, fixes and the changelog.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use std::path::{Path, PathBuf};

use evalwright_testing::{Finished, Project, read_tree};
use evalwright_tests::foreign::bring_fair_decisions;
use evalwright_tests::served::lines;
use serde_json::Value;

const DATASET: &str = "generated/fair-decisions";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn run(project: &Project, arguments: &[&str]) -> Finished {
    project.run(arguments).unwrap()
}

fn done(project: &Project, arguments: &[&str]) -> Finished {
    let finished = run(project, arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    finished
}

fn document(project: &Project, arguments: &[&str]) -> Value {
    serde_json::from_str(&done(project, arguments).stdout).unwrap()
}

/// A project with a first version that no model was needed for.
fn decisions() -> Project {
    let project = Project::new().unwrap();
    bring_fair_decisions(&project);
    done(&project, &["run", "fair-decisions.toml"]);
    project
}

/// A project with the repository's own dataset of statements.
fn statements() -> Project {
    let project = Project::new().unwrap();
    for (name, bytes) in read_tree(&repository("generated/takes-risks")).unwrap() {
        if name.starts_with("1.0.0/") {
            project
                .write(&format!("generated/takes-risks/{name}"), bytes)
                .unwrap();
        }
    }
    project
}

fn text(project: &Project, path: &str) -> String {
    std::fs::read_to_string(project.path().join(path)).unwrap()
}

fn rows(project: &Project, version: &str) -> Vec<Value> {
    lines(&project.path().join(version).join("data.jsonl"))
}

#[test]
fn a_dropped_version_is_named_as_such_wherever_it_is_used() {
    let project = decisions();
    let version = format!("{DATASET}/1.0.0");
    let status = document(&project, &["status", DATASET, "--json"]);
    assert_eq!(status["versions"][0]["status"], "published");
    let before = read_tree(&project.path().join(&version)).unwrap();

    let reason = "two cases name a real clinic";
    let set = ["status", &version, "--set", "dropped", "--reason", reason];
    assert!(done(&project, &set).stdout.contains("dropped since 20"));
    assert_eq!(read_tree(&project.path().join(&version)).unwrap(), before);
    assert!(text(&project, &format!("{DATASET}/CHANGELOG.md")).contains(reason));

    let verified = done(&project, &["verify", DATASET]);
    assert!(verified.stdout.contains("DROPPED"), "{}", verified.stdout);
    let verified = document(&project, &["verify", DATASET, "--json"]);
    assert_eq!(verified["versions"][0]["status"], "dropped");
    assert_eq!(verified["versions"][0]["change"]["reason"], reason);
    for command in [
        vec!["report", &version],
        vec!["export", &version, "--format", "hub", "--out", "hub"],
        vec!["diff", &version, &version],
        vec!["regenerate", DATASET, "--seed", "2"],
        vec!["run", "fair-decisions.toml"],
    ] {
        let finished = done(&project, &command);
        assert!(
            finished.stderr.contains("DROPPED"),
            "{command:?}: {}",
            finished.stderr
        );
    }
    assert!(text(&project, "hub/README.md").contains(reason));
    let row = rows(&project, &version).remove(0);
    let id = row["id"].as_str().unwrap();
    let explained = done(&project, &["explain", id, "--in", &version]);
    assert!(explained.stdout.contains("DROPPED"), "{}", explained.stdout);

    // The next version was made from the dropped one because there was no other; from now on there is.
    assert!(project.path().join(DATASET).join("1.1.0").is_dir());
    let again = done(&project, &["regenerate", DATASET, "--seed", "3"]);
    assert!(!again.stderr.contains("DROPPED"), "{}", again.stderr);
    // Rows of a folder with a status beside them are read as before.
    assert!(done(&project, &["audit", DATASET]).stdout.contains("rows"));

    // And it can be taken back.
    done(
        &project,
        &[
            "status",
            &version,
            "--set",
            "published",
            "--reason",
            "it was invented after all",
        ],
    );
    assert!(
        !done(&project, &["verify", &version])
            .stdout
            .contains("DROPPED")
    );
}

#[test]
fn a_mark_needs_a_reason_and_a_broken_file_of_marks_is_no_silence() {
    let project = decisions();
    assert_eq!(
        run(&project, &["status", DATASET, "--set", "dropped"]).code,
        Some(2)
    );
    let blank = ["status", DATASET, "--set", "dropped", "--reason", " "];
    assert_eq!(run(&project, &blank).code, Some(2));
    let own = [
        "status",
        DATASET,
        "--renamed-to",
        "fair-decisions",
        "--reason",
        "a",
    ];
    assert_eq!(run(&project, &own).code, Some(2));
    assert_eq!(run(&project, &["status", "nowhere"]).code, Some(3));
    done(
        &project,
        &[
            "status",
            DATASET,
            "--renamed-to",
            "even-decisions",
            "--reason",
            "a better word",
        ],
    );
    let verified = done(&project, &["verify", DATASET]);
    assert!(
        verified.stdout.contains("renamed to even-decisions"),
        "{}",
        verified.stdout
    );

    project
        .write(&format!("{DATASET}/status.json"), "{}")
        .unwrap();
    let verified = run(&project, &["verify", DATASET]);
    assert_eq!(verified.code, Some(3));
    assert!(
        verified.stdout.contains("status.json"),
        "{}",
        verified.stdout
    );
    let version = format!("{DATASET}/1.0.0");
    assert_eq!(run(&project, &["report", &version]).code, Some(3));
}

#[test]
fn a_draft_is_one_until_it_is_published() {
    let project = Project::new().unwrap();
    bring_fair_decisions(&project);
    done(&project, &["run", "fair-decisions.toml", "--draft"]);
    assert!(
        done(&project, &["verify", DATASET])
            .stdout
            .contains("is a draft")
    );
}

#[test]
fn a_fix_takes_rows_out_with_a_reason_and_can_be_made_again_from_the_store() {
    let project = decisions();
    let version = format!("{DATASET}/1.0.0");
    let before = rows(&project, &version);
    let id = before[3]["id"].as_str().unwrap();
    let pair = &before[3]["metadata"]["pair_id"];
    let together = before
        .iter()
        .filter(|row| row["metadata"]["pair_id"] == *pair)
        .count();
    assert_eq!(run(&project, &["fix", DATASET, "--drop", id]).code, Some(2));
    let unknown = ["fix", DATASET, "--drop", "row_0", "--reason", "a"];
    let unknown = run(&project, &unknown);
    assert_eq!(unknown.code, Some(3));
    assert!(unknown.stderr.contains("row_0"), "{}", unknown.stderr);
    assert!(!project.path().join(DATASET).join("1.1.0").exists());

    let reason = "the case gives the answer away <b>";
    let fixed = document(
        &project,
        &["fix", DATASET, "--drop", id, "--reason", reason, "--json"],
    );
    assert_eq!(fixed["version"], "1.1.0");
    assert_eq!(fixed["rows"], before.len() - together);
    let next = format!("{DATASET}/1.1.0");
    let manifest: Value =
        serde_json::from_str(&text(&project, &format!("{next}/manifest.json"))).unwrap();
    assert_eq!(manifest["parent"]["version"], "1.0.0");
    assert_eq!(manifest["fixes"][0]["reason"], reason);
    let card = text(&project, &format!("{next}/README.md"));
    assert!(card.contains("gives the answer away &lt;b&gt;"), "{card}");
    let changes = text(&project, &format!("{DATASET}/CHANGELOG.md"));
    assert!(
        changes.contains("gives the answer away &lt;b&gt;") && changes.contains(id),
        "{changes}"
    );

    let verify = ["verify", DATASET, "--store", ".evalwright/replies.db"];
    let verified = done(&project, &verify);
    assert_eq!(
        verified.stdout.matches("byte for byte").count(),
        2,
        "{}",
        verified.stdout
    );
    let candidate = before[3]["metadata"]["candidate"].as_str().unwrap();
    let why = done(&project, &["why", candidate, "--in", &next]);
    assert!(why.stdout.contains("taken out by hand"), "{}", why.stdout);

    // A second fix, and the same run again finds the dataset as it was mended.
    let other = rows(&project, &next)[0]["id"].as_str().unwrap().to_owned();
    done(
        &project,
        &[
            "fix",
            DATASET,
            "--drop",
            &other,
            "--reason",
            "so does this one",
        ],
    );
    assert_eq!(
        done(&project, &verify)
            .stdout
            .matches("byte for byte")
            .count(),
        3
    );
    let again = run(&project, &["run", "fair-decisions.toml"]);
    assert_eq!(
        again.code,
        Some(5),
        "fewer rows than wanted: {}",
        again.stderr
    );
    assert!(again.stdout.contains("1.2.0"), "{}", again.stdout);
    let old = run(
        &project,
        &["fix", &next, "--drop", &other, "--reason", "late"],
    );
    assert_eq!(old.code, Some(2));
    let regenerated = done(&project, &["regenerate", DATASET, "--seed", "2"]);
    assert!(
        regenerated.stderr.contains("not carried over"),
        "{}",
        regenerated.stderr
    );
}

#[test]
fn statements_are_mended_by_hand_and_say_where_they_come_from() {
    let project = statements();
    let dataset = "generated/takes-risks";
    let mut edited = rows(&project, "generated/takes-risks/1.0.0");
    let old = edited[2]["id"].clone();
    let said = edited[2]["statement"].as_str().unwrap().to_owned();
    for name in ["question", "statement"] {
        let text = edited[2][name].as_str().unwrap();
        edited[2][name] = Value::from(text.replace(&said, &format!("Honestly: {said}")));
    }
    let dropped = edited.remove(5);
    let file = |rows: &[Value]| -> String { rows.iter().map(|row| format!("{row}\n")).collect() };
    project.write("edited.jsonl", file(&edited)).unwrap();
    let reason = "a slip of the pen";
    let fix = [
        "fix",
        dataset,
        "--rows",
        "edited.jsonl",
        "--reason",
        reason,
        "--json",
    ];
    let fixed = document(&project, &fix);
    assert_eq!(fixed["version"], "1.1.0");
    assert_eq!(fixed["fix"]["mended"][0]["before"], old);
    assert_eq!(fixed["fix"]["dropped"][0], dropped["id"]);
    let after = rows(&project, "generated/takes-risks/1.1.0");
    assert_eq!(after.len(), edited.len());
    assert_eq!(after[2]["statement"], edited[2]["statement"]);
    assert_ne!(after[2]["id"], old);
    assert_eq!(after[3], edited[3]);
    done(&project, &["verify", dataset]);
    let changes = text(&project, "generated/takes-risks/CHANGELOG.md");
    assert!(changes.contains("Honestly: "), "{changes}");

    // A row out of nowhere, another judgement, and the same rows again are refused.
    let refused = |rows: &[Value]| -> String {
        project.write("bad.jsonl", file(rows)).unwrap();
        let finished = run(
            &project,
            &["fix", dataset, "--rows", "bad.jsonl", "--reason", "a"],
        );
        assert_eq!(finished.code, Some(3), "{}", finished.stderr);
        finished.stderr
    };
    let mut stranger = after.clone();
    stranger[1]["metadata"]["candidate"] = Value::from("cand_0000000000000000");
    assert!(refused(&stranger).contains("line 2"));
    let mut judged = after.clone();
    judged[1]["metadata"]["judgements"] = serde_json::json!([]);
    assert!(refused(&judged).contains("judgements"));
    assert!(refused(&after).contains("nothing to publish"));
}

#[test]
fn the_changelog_is_the_same_twice_and_keeps_what_is_written_into_it() {
    let changes = || {
        let project = decisions();
        done(&project, &["regenerate", DATASET, "--seed", "2"]);
        (text(&project, &format!("{DATASET}/CHANGELOG.md")), project)
    };
    let ((one, project), (two, _)) = (changes(), changes());
    assert_eq!(one, two);
    assert!(
        one.contains("## 1.1.0") && one.contains("behaviour.seed"),
        "{one}"
    );
    let by_hand = one.replace(
        "Made from 1.0.0.",
        "Made from 1.0.0, for the spring workshop.",
    );
    project
        .write(&format!("{DATASET}/CHANGELOG.md"), &by_hand)
        .unwrap();
    done(&project, &["regenerate", DATASET, "--seed", "3"]);
    let later = text(&project, &format!("{DATASET}/CHANGELOG.md"));
    assert!(
        later.contains("for the spring workshop") && later.contains("## 1.2.0"),
        "{later}"
    );
}

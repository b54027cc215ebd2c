//! Files that a behaviour names and that no row may repeat: what is wrong with them is said before any model is asked.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::{Finished, Project, ScriptedServer};
use evalwright_tests::BEHAVIOUR;
use evalwright_tests::served::{self, Answers, STORE, VERSION, command, lines, publish};

#[test]
fn a_file_that_cannot_be_compared_with_ends_the_run_before_it_begins() {
    let project = Project::new().unwrap();
    let behaviour = format!("{BEHAVIOUR}\n[against]\nfiles = [\"old.jsonl\"]\n");
    project.write("promises.toml", behaviour).unwrap();
    for (rows, part) in [
        (None, "cannot read old.jsonl"),
        (
            Some("{\"statement\": \"I keep my word\"}\n{\"text\": \"x\"}\n"),
            "old.jsonl:2 has no field `statement`",
        ),
        (
            Some("{\"statement\": \"I keep"),
            "old.jsonl:1 is no JSON object",
        ),
    ] {
        if let Some(rows) = rows {
            project.write("old.jsonl", rows).unwrap();
        }
        let finished = project.run(&["run", "promises.toml"]).unwrap();
        assert_eq!(finished.code, Some(3), "{}", finished.stderr);
        assert!(finished.stderr.contains(part), "{}", finished.stderr);
        assert!(!project.path().join("generated").exists());
    }
}

#[test]
fn a_version_that_may_repeat_nothing_is_made_again_from_the_store_with_the_same_texts_to_compare() {
    let server = ScriptedServer::start(&Answers::default().script()).unwrap();
    let url = format!("{}/v1", server.url());
    let project = served::project(&url);
    publish(&project, &[]);
    let first = lines(&project.path().join(VERSION).join("data.jsonl"));
    let known = first[0]["statement"].as_str().unwrap();
    project
        .write(
            "old.jsonl",
            format!("{}\n", serde_json::json!({ "said": known })),
        )
        .unwrap();
    let section = "\n[against]\nfiles = [\"old.jsonl\"]\nfield = \"said\"\nversions = true\n";
    let behaviour = format!("{}{section}", served::behaviour(&url));
    project.write("promises.toml", behaviour).unwrap();
    publish(&project, &["--seed", "2"]);
    publish(&project, &[]);
    let versions = project.path().join("generated/promises");
    let newest = "generated/promises/1.2.0";
    assert!(project.path().join(newest).exists(), "{versions:?}");
    let fallen = lines(&project.path().join(newest).join("rejected.jsonl"));
    let places: Vec<String> = fallen
        .iter()
        .map(|fell| fell["reason"].to_string())
        .collect();
    let falls_for = |place: &str| places.iter().any(|reason| reason.contains(place));
    assert!(falls_for("old.jsonl:1"), "{places:?}");
    assert!(falls_for("1.0.0:row_"), "{places:?}");

    let verify = || {
        let mut verify = command(&project, &["verify", newest, "--store", STORE]);
        Finished::from(verify.output().unwrap())
    };
    let verified = verify();
    assert_eq!(
        verified.code,
        Some(0),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
    assert!(
        verified.stdout.contains("byte for byte"),
        "{}",
        verified.stdout
    );

    project.write("old.jsonl", "{\"said\": \"x\"}\n").unwrap();
    let verified = verify();
    assert_eq!(verified.code, Some(3), "{}", verified.stdout);
    assert!(
        verified
            .stderr
            .contains("old.jsonl: it is not the file that no row of 1.2.0 may repeat"),
        "{}",
        verified.stderr
    );
    std::fs::remove_file(project.path().join("old.jsonl")).unwrap();
    let verified = verify();
    assert_eq!(verified.code, Some(3), "{}", verified.stdout);
    assert!(
        verified.stderr.contains("cannot read"),
        "{}",
        verified.stderr
    );
    assert!(verified.stderr.contains("old.jsonl"), "{}", verified.stderr);
}

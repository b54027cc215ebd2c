//! Files that a behaviour names and that no row may repeat: what is wrong with them is said before any model is asked.
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

use evalwright_testing::Project;
use evalwright_tests::BEHAVIOUR;

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
